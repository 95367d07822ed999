"""What a worker hands to the parameter service."""

import enum
from dataclasses import dataclass

from heronry.types.experience import AcknowledgementLevel
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
    """A contribution without its values; `weight` is its share in the mean."""

    model: str
    client_id: str
    request_id: str
    base_version: ParameterVersion
    kind: ContributionKind
    codec: ParameterCodec = ParameterCodec.F32
    sample_count: int = 0
    weight: float = 1.0
    round_id: int = 0


@dataclass(frozen=True)
class Acknowledgement:
    """The answer to a contribution; `counted` is False when its request id had been counted."""

    level: AcknowledgementLevel
    counted: bool
    round_id: int
    closed_round: bool
    version: ParameterVersion
    staleness: int
