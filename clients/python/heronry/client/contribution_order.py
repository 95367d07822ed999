"""What a push was asked for."""

import uuid
from dataclasses import dataclass

from heronry.client.arguments import (
    check_codec,
    check_count,
    check_kind,
    check_optional_name,
    check_share,
    check_timeout,
    check_version,
    check_weight,
)
from heronry.client.contribution_packing import Packing
from heronry.client.error_feedback import ErrorFeedback, check_feedback
from heronry.client.local_privacy import LocalPrivacy
from heronry.client.local_protection import check_local_privacy
from heronry.types.contribution import ContributionHeader, ContributionKind, ParameterCodec
from heronry.types.field_checks import check_type
from heronry.types.version import ParameterVersion


@dataclass(frozen=True, kw_only=True)
class ContributionOrder:
    """The arguments of a push, checked; the same for a whole model and for one in shards.

    Attributes:
      request_id: None: one of its own is given to it.
    """

    base_version: ParameterVersion
    kind: ContributionKind
    codec: ParameterCodec
    top_k_share: float
    feedback: ErrorFeedback | None
    local_privacy: LocalPrivacy | None
    request_id: str | None
    sample_count: int
    weight: float
    round_id: int
    fencing_token: int
    validate_only: bool
    timeout_s: float | None

    def __post_init__(self) -> None:
        check_version("base_version", self.base_version)
        check_kind("kind", self.kind)
        check_codec("codec", self.codec)
        check_share("top_k_share", self.top_k_share)
        check_weight("weight", self.weight)
        check_count("sample_count", self.sample_count, 0)
        check_count("round_id", self.round_id, 0)
        check_count("fencing_token", self.fencing_token, 0)
        check_optional_name("request_id", self.request_id)
        check_timeout("timeout_s", self.timeout_s)
        check_type("validate_only", self.validate_only, bool)
        check_feedback("feedback", self.feedback)
        check_local_privacy(self.local_privacy, self.kind)
        object.__setattr__(self, "request_id", self.request_id or uuid.uuid4().hex)

    def header(self, model: str, client_id: str) -> ContributionHeader:
        """Return what goes before the values."""
        return ContributionHeader(
            model,
            client_id,
            self.request_id or "",
            self.base_version,
            self.kind,
            self.codec,
            self.sample_count,
            self.weight,
            self.round_id,
            self.fencing_token,
            self.validate_only,
        )

    @property
    def packing(self) -> Packing:
        """How the values are packed.

        Raises:
          InvalidArgumentError: the codec does not go with the kind.
        """
        return Packing(self.codec, self.kind, self.request_id or "", self.top_k_share, self.feedback)
