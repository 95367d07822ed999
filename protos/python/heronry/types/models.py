"""How models are updated, and what the parameter service tells of them; ranges are checked when made."""

import enum
import math
from dataclasses import dataclass

from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion


def _check_positive(field: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise InvalidArgumentError.of(field, value, "above 0, finite")


def _check_decay(field: str, value: float) -> None:
    if not 0 <= value < 1:
        raise InvalidArgumentError.of(field, value, "at least 0, below 1")


class AggregationRule(enum.Enum):
    """Makes one update from the contributions of a round."""

    MEAN = "mean"


@dataclass(frozen=True)
class Aggregation:
    """Closes a round after `num_contributions`; refuses bases more than `max_staleness` versions back."""

    rule: AggregationRule = AggregationRule.MEAN
    num_contributions: int = 1
    max_staleness: int = 8

    def __post_init__(self) -> None:
        if self.num_contributions < 1:
            raise InvalidArgumentError.of("aggregation.num_contributions", self.num_contributions, "at least 1")
        if self.max_staleness < 0:
            raise InvalidArgumentError.of("aggregation.max_staleness", self.max_staleness, "at least 0")


@dataclass(frozen=True)
class SgdOptimizer:
    """Gradient descent: v = momentum v + g, w = w - learning_rate v."""

    learning_rate: float = 1.0
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        _check_positive("optimizer.sgd.learning_rate", self.learning_rate)
        _check_decay("optimizer.sgd.momentum", self.momentum)


@dataclass(frozen=True)
class AdamOptimizer:
    """Adam (Kingma and Ba 2015, Algorithm 1)."""

    learning_rate: float
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _check_positive("optimizer.adam.learning_rate", self.learning_rate)
        _check_decay("optimizer.adam.beta1", self.beta1)
        _check_decay("optimizer.adam.beta2", self.beta2)
        _check_positive("optimizer.adam.epsilon", self.epsilon)


ServerOptimizer = SgdOptimizer | AdamOptimizer


@dataclass(frozen=True)
class PrivacySettings:
    """The privacy a model claims; there are no defaults.

    Attributes:
      unit: one unit of privacy: `client` or `episode`.
      clipping_norm: L2 bound of one contribution.
      noise_multiplier: noise standard deviation over the clipping norm.
      delta: of the claim.
      epsilon_limit: at which the service refuses further rounds.
    """

    unit: str
    clipping_norm: float
    noise_multiplier: float
    delta: float
    epsilon_limit: float

    def __post_init__(self) -> None:
        if self.unit not in {"client", "episode"}:
            raise InvalidArgumentError.of("privacy.unit", self.unit, "'client', 'episode'")
        _check_positive("privacy.clipping_norm", self.clipping_norm)
        _check_positive("privacy.noise_multiplier", self.noise_multiplier)
        if not 0 < self.delta < 1:
            raise InvalidArgumentError.of("privacy.delta", self.delta, "between 0 and 1, exclusive")
        _check_positive("privacy.epsilon_limit", self.epsilon_limit)


@dataclass(frozen=True)
class ModelSettings:
    """How a model is updated; by default every contribution makes a version, and weights are taken as they are.

    Attributes:
      acknowledgement: what an accepted contribution survives.
      num_versions_kept: versions kept for reading beside the tagged ones.
      privacy: None: no privacy claim is made.
    """

    aggregation: Aggregation = Aggregation()
    optimizer: ServerOptimizer = SgdOptimizer()
    acknowledgement: AcknowledgementLevel = AcknowledgementLevel.PROCESS
    num_versions_kept: int = 8
    privacy: PrivacySettings | None = None

    def __post_init__(self) -> None:
        if self.num_versions_kept < 1:
            raise InvalidArgumentError.of("settings.num_versions_kept", self.num_versions_kept, "at least 1")


@dataclass(frozen=True)
class ModelInfo:
    """A model as its service sees it.

    Attributes:
      num_bytes: of one version.
      round_id: the round that is open.
      num_pending: contributions counted in the open round.
      num_accepted: contributions since the service started, like `num_refused`.
    """

    model: str
    version: ParameterVersion
    schema: ModelSchema
    settings: ModelSettings
    num_bytes: int = 0
    round_id: int = 0
    num_pending: int = 0
    num_accepted: int = 0
    num_refused: int = 0


@dataclass(frozen=True)
class VersionInfo:
    """A version that can be pulled; `publish_time_s` in seconds since 1970."""

    version: ParameterVersion
    tags: tuple[str, ...] = ()
    publish_time_s: float = 0.0


@dataclass(frozen=True)
class WorkerInfo:
    """A worker of a model."""

    client_id: str
    incarnation: int
    lease_remaining_s: float
    num_accepted: int = 0
    num_refused: int = 0
    last_staleness: int = 0


@dataclass(frozen=True)
class PrivacyStatus:
    """A model's privacy claim and what has been spent of it."""

    has_claim: bool
    statement: str
    epsilon_spent: float = 0.0
    delta: float = 0.0
