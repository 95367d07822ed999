"""What a worker hands to the parameter service."""

import enum
from dataclasses import dataclass

from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings
from heronry.types.version import ParameterVersion


class ContributionKind(enum.Enum):
    """Meaning of a contribution's values."""

    GRADIENT = "gradient"
    DELTA = "delta"
    WEIGHTS = "weights"


class ParameterCodec(enum.Enum):
    """How the PARAMETER tensors of a transfer are packed."""

    F32 = "f32"
    BF16 = "bf16"
    F16 = "f16"
    INT8 = "int8"
    TOP_K = "top_k"


@dataclass(frozen=True)
class ContributionHeader:
    """A contribution without its values.

    Attributes:
      weight: for the rules that use it.
      round_id: the round it answers; 0: whichever is open.
      fencing_token: of the worker's lease; 0: none is shown.
      validate_only: check everything and count nothing.
    """

    model: str
    client_id: str
    request_id: str
    base_version: ParameterVersion
    kind: ContributionKind
    codec: ParameterCodec = ParameterCodec.F32
    sample_count: int = 0
    weight: float = 1.0
    round_id: int = 0
    fencing_token: int = 0
    validate_only: bool = False


@dataclass(frozen=True)
class Acknowledgement:
    """The answer to a contribution; `counted` is False when its request id had been counted."""

    level: AcknowledgementLevel
    counted: bool
    round_id: int
    closed_round: bool
    version: ParameterVersion
    staleness: int


@dataclass(frozen=True)
class CountedContribution:
    """A contribution's place in a round: `factor` scales its difference for its staleness."""

    client_id: str
    request_id: str
    factor: float
    weight: float


@dataclass(frozen=True)
class ClosedRound:
    """What a version was made of, in the order in which it counts.

    Attributes:
      rollback_id: request id of the rollback that ended the round, dropping what it had counted; empty: none did.
      settings: what it was closed with.
    """

    round_id: int
    version: ParameterVersion
    contributions: tuple[CountedContribution, ...]
    publish_time_s: float
    rollback_id: str = ""
    settings: ModelSettings | None = None


@dataclass(frozen=True)
class RoundNews:
    """What a later shard is told: rounds that have closed, oldest first, and the settings of the open one."""

    closed: tuple[ClosedRound, ...]
    settings: ModelSettings


@dataclass(frozen=True)
class Invitation:
    """A round that a worker is drawn for; `remaining_s` until its deadline, None without one."""

    round_id: int
    base_version: ParameterVersion
    remaining_s: float | None = None
