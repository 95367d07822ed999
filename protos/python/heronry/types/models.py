"""How models are updated, and what the parameter service tells of them; ranges are checked when made."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import get_args

from heronry.types.aggregation import Aggregation
from heronry.types.consistency import (
    Asynchronous,
    Consistency,
    SampledRounds,
    StaleSynchronous,
    SynchronousRounds,
    fewest_in_round,
)
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.field_checks import (
    MAX_SMALL_COUNT,
    check_choice,
    check_type,
    positive_number,
    whole_number,
)
from heronry.types.optimizers import MixingOptimizer, ServerOptimizer, SgdOptimizer
from heronry.types.privacy import PrivacySettings
from heronry.types.tensors import ModelSchema, TensorRole
from heronry.types.version import ParameterVersion


@dataclass(frozen=True)
class ContributionLimits:
    """What is refused as absurd.

    Attributes:
      max_norm: largest L2 norm of a contribution's difference; None: no bound but that of its number type.
      max_weight: largest weight.
      requires_lease: only workers with a lease may contribute.
    """

    max_norm: float | None = None
    max_weight: float = 1e9
    requires_lease: bool = False

    def __post_init__(self) -> None:
        if self.max_norm is not None:
            object.__setattr__(self, "max_norm", positive_number("limits.max_norm", self.max_norm))
        object.__setattr__(self, "max_weight", positive_number("limits.max_weight", self.max_weight))
        check_type("limits.requires_lease", self.requires_lease, bool)


@dataclass(frozen=True)
class Shard:
    """Which part of a larger model this one is; shard 0 decides the rounds, the others follow it.

    Attributes:
      first_address: where shard 0 is served; empty at shard 0.
    """

    index: int
    num_shards: int
    first_address: str = ""

    def __post_init__(self) -> None:
        num_shards = whole_number("shard.num_shards", self.num_shards, 1, MAX_SMALL_COUNT)
        object.__setattr__(self, "num_shards", num_shards)
        object.__setattr__(self, "index", whole_number("shard.index", self.index, 0, num_shards - 1))
        check_type("shard.first_address", self.first_address, str, "an address")
        if bool(self.first_address) != (self.index > 0):
            allowed = "an address" if self.index else "empty at shard 0"
            raise InvalidArgumentError.of("shard.first_address", self.first_address, allowed)


@dataclass(frozen=True)
class ModelSettings:
    """How a model is updated; by default every contribution makes a version, and weights are taken as they are.

    Attributes:
      consistency: when contributions become a version, and who may contribute.
      aggregation: how the contributions of a round become one update.
      optimizer: how the update becomes values.
      group_optimizers: the same for groups of tensors that have an optimiser of their own, by the group's name.
      limits: what is refused.
      acknowledgement: what an accepted contribution survives.
      num_versions_kept: versions kept for reading beside the tagged ones.
      privacy: None: no privacy claim is made.
      shard: None: a whole model.
    """

    consistency: Consistency = field(default_factory=Asynchronous)
    aggregation: Aggregation = field(default_factory=Aggregation)
    optimizer: ServerOptimizer = field(default_factory=SgdOptimizer)
    limits: ContributionLimits = ContributionLimits()
    acknowledgement: AcknowledgementLevel = AcknowledgementLevel.PROCESS
    num_versions_kept: int = 8
    privacy: PrivacySettings | None = None
    shard: Shard | None = None
    group_optimizers: Mapping[str, ServerOptimizer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_types()
        _check_group_optimizers(self.optimizer, self.group_optimizers)
        num_kept = whole_number("settings.num_versions_kept", self.num_versions_kept, 1, MAX_SMALL_COUNT)
        object.__setattr__(self, "num_versions_kept", num_kept)
        needed, fewest = self.aggregation.fewest_contributions(), fewest_in_round(self.consistency)
        if fewest < needed:
            rule = type(self.aggregation.rule).__name__
            raise InvalidArgumentError.of("settings.consistency", fewest, f"rounds of at least {needed} ({rule})")
        if isinstance(self.consistency, SampledRounds) and self.privacy is None:
            allowed = "other rounds (sampled ones are for models with a privacy claim)"
            raise InvalidArgumentError.of("settings.consistency", "SampledRounds", allowed)

    def _check_types(self) -> None:
        check_choice("settings.consistency", self.consistency, get_args(Consistency))
        check_type("settings.aggregation", self.aggregation, Aggregation, "Aggregation(rule)")
        check_choice("settings.optimizer", self.optimizer, get_args(ServerOptimizer))
        check_type("settings.limits", self.limits, ContributionLimits)
        check_type("settings.acknowledgement", self.acknowledgement, AcknowledgementLevel)
        if self.privacy is not None:
            check_type("settings.privacy", self.privacy, PrivacySettings, "PrivacySettings, or none")
        if self.shard is not None:
            check_type("settings.shard", self.shard, Shard, "a Shard, or none")

    @property
    def needs_lease(self) -> bool:
        """Whether only workers with a lease may contribute."""
        return self.limits.requires_lease or isinstance(
            self.consistency, SynchronousRounds | StaleSynchronous | SampledRounds
        )


def check_groups(schema: ModelSchema, groups: Collection[str]) -> None:
    """Raise InvalidArgumentError unless every group has a learnt tensor: a misspelt one would learn by the default."""
    known = sorted({tensor.group for tensor in schema.with_role(TensorRole.PARAMETER)} - {""})
    for group in groups:
        if group not in known:
            allowed = f"groups of learnt tensors: {', '.join(known) or 'none has one'}"
            raise InvalidArgumentError.of("settings.group_optimizers", group, allowed)


def _check_group_optimizers(default: ServerOptimizer, groups: object) -> None:
    if not isinstance(groups, Mapping):
        raise InvalidArgumentError.of("settings.group_optimizers", groups, "a mapping of groups to optimisers")
    for group, optimizer in groups.items():
        field_name = f"settings.group_optimizers.{group}"
        if not isinstance(group, str) or not group:
            allowed = "names of groups (tensors without one have settings.optimizer)"
            raise InvalidArgumentError.of("settings.group_optimizers", group, allowed)
        check_choice(field_name, optimizer, get_args(ServerOptimizer))
        if isinstance(optimizer, MixingOptimizer) != isinstance(default, MixingOptimizer):
            allowed = f"MixingOptimizer for all groups or for none, as {type(default).__name__} is the default"
            raise InvalidArgumentError.of(field_name, type(optimizer).__name__, allowed)


@dataclass(frozen=True)
class ModelInfo:
    """A model as its service sees it.

    Attributes:
      num_bytes: of one version.
      round_id: the round that is open.
      num_pending: contributions counted in the open round.
      num_accepted: contributions since the service started, like `num_refused`.
      refusals: by the name of their error.
      num_bytes_received: of contributions, as packed; since the service started, like `num_bytes_sent`.
      staleness_histogram: accepted contributions of staleness 0, 1, 2 to 3, 4 to 7 and so on.
      round_remaining_s: until the deadline of the open round; None without one.
      cohort_size: workers drawn for the open round.
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
    refusals: Mapping[str, int] = field(default_factory=dict)
    num_bytes_received: int = 0
    num_bytes_sent: int = 0
    staleness_histogram: tuple[int, ...] = ()
    round_remaining_s: float | None = None
    cohort_size: int = 0


@dataclass(frozen=True)
class VersionInfo:
    """A version that can be pulled; `publish_time_s` in seconds since 1970."""

    version: ParameterVersion
    tags: tuple[str, ...] = ()
    publish_time_s: float = 0.0


@dataclass(frozen=True)
class WorkerInfo:
    """A worker of a model.

    Attributes:
      num_invited: rounds it was drawn for.
      num_participated: rounds it was drawn for and contributed to in time.
      lead: contributions that it is ahead of the slowest worker with a lease.
    """

    client_id: str
    incarnation: int
    lease_remaining_s: float
    num_accepted: int = 0
    num_refused: int = 0
    last_staleness: int = 0
    mean_staleness: float = 0.0
    max_staleness: int = 0
    num_invited: int = 0
    num_participated: int = 0
    lead: int = 0
