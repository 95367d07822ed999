"""What a run trains on, how, and until when."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import pydantic
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from heronry.spec.algorithms import AlgorithmSettings, PpoSettings
from heronry.spec.environment import EnvironmentSettings
from heronry.spec.fleet import FleetSettings, InferenceSettings
from heronry.spec.mistakes import configuration_error
from heronry.spec.network import NetworkSettings
from heronry.spec.privacy import PrivacySection
from heronry.spec.section import Section
from heronry.types.errors import HeronryError
from heronry.types.tables import TableDefinition

POLICY = "policy"
"""Name of the model that the fleets act with."""
EXPERIENCE = "experience"
"""Name of the replay table between fleets and learner."""

Level = Literal["memory", "process", "disk"]


_NOT_IN_LOCKSTEP = {
    "dqn": "lockstep: got true, allowed: false with algorithm 'dqn' (which items it draws depends on how many "
    "are in its table at that moment, which no schedule fixes)",
    "external": "lockstep: got true, allowed: false with algorithm 'external' (its learner is your own program, "
    "which has no barriers to go back to)",
}


class LearnerSettings(Section):
    """Where the learner computes."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    """`auto` takes a CUDA device for large networks only: small ones are faster on the CPU."""
    threads: Annotated[int, Field(ge=1, le=256)] = 1


class ReplaySettings(Section):
    """Knobs of the experience table."""

    acknowledgement: Level | None = None
    """What an accepted block survives; unset: memory for queues of unrolls, process for replay."""
    queue_size: PositiveInt | None = None
    """Unrolls a queue holds; unset: twice the batch."""
    max_lag: NonNegativeInt | None = 4
    """Versions an unroll's behaviour may lie behind before it is dropped; queues only."""
    delivery: Literal["at_most_once", "at_least_once"] = "at_most_once"


class ParamsSettings(Section):
    """Knobs of the model."""

    acknowledgement: Level = "process"
    """What an accepted contribution survives."""
    num_versions_kept: Annotated[int, Field(ge=1, le=10_000)] = 16
    max_staleness: NonNegativeInt = 16
    """Versions a contribution's base may lie behind before it is refused."""


class EvaluationSettings(Section):
    """Greedy episodes that decide when a run ends, and those that judge it."""

    every_updates: PositiveInt = 8
    """Updates from one candidate to the next."""
    min_interval_s: NonNegativeFloat = 0.0
    max_share: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Share of the training time in which candidates may be playing; evaluations cost the fleet's cores."""
    episodes: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Episodes of one selection evaluation."""
    passes: Annotated[int, Field(ge=1, le=100)] = 2
    """Selection evaluations in a row, each on fresh seeds, that one version must pass."""
    margin: NonNegativeFloat = 0.0
    """How far above `target_return` the mean of a pass must be."""
    judge_episodes: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Episodes of the final judgement, on seeds used nowhere else."""


class CheckpointSettings(Section):
    """When checkpoints are taken."""

    interval_s: PositiveFloat = 10.0
    every_updates: PositiveInt = 16
    """Updates from one barrier to the next in lockstep: only there the learner's state is saved, and there
    environments begin anew, whether the run is interrupted or not."""


class RunSpec(Section):
    """Everything that decides a run; it travels whole and is kept in the run's folder."""

    environment: EnvironmentSettings
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    algorithm: AlgorithmSettings = PpoSettings()
    network: NetworkSettings = NetworkSettings()
    fleet: FleetSettings = FleetSettings()
    inference: InferenceSettings = InferenceSettings()
    learner: LearnerSettings = LearnerSettings()
    replay: ReplaySettings = ReplaySettings()
    params: ParamsSettings = ParamsSettings()
    privacy: PrivacySection | None = None
    """What the policy's versions claim of the privacy of whoever contributes to them; unset: nothing."""
    lockstep: bool = False
    """One fleet that waits for each version: the run is the same each time, resumed or not. It uses all its
    steps, and its last version is judged, because when an evaluation is over depends on the machine."""
    max_env_steps: PositiveInt = 1_000_000
    """Environment steps after which the run ends, target or not."""
    target_return: float | None = None
    """Mean return at which the run ends; unset, or in lockstep: it uses all its steps."""
    evaluation: EvaluationSettings = EvaluationSettings()
    checkpoint: CheckpointSettings = CheckpointSettings()

    @model_validator(mode="after")
    def _minibatch_fits_the_batch(self) -> Self:
        if isinstance(self.algorithm, PpoSettings):
            num_steps = self.algorithm.batch_size * self.fleet.unroll_length
            if self.algorithm.minibatch_size > num_steps:
                message = (
                    f"algorithm.minibatch_size: got {self.algorithm.minibatch_size}, "
                    f"allowed: 1 to {num_steps} (algorithm.batch_size * fleet.unroll_length)"
                )
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _memory_is_kept(self) -> Self:
        width = self.network.recurrent
        if width is None:
            return self
        if self.algorithm.name != "external":
            allowed = f"null with algorithm.name {self.algorithm.name!r}, which does not learn through time"
            raise ValueError(f"network.recurrent: got {width}, allowed: {allowed} (external takes it)")
        if self.fleet.inference != "central":
            message = "allowed: null unless fleet.inference is 'central', which keeps the policy's states"
            raise ValueError(f"network.recurrent: got {width}, {message}")
        return self

    @model_validator(mode="after")
    def _lockstep_is_possible(self) -> Self:
        if not self.lockstep:
            return self
        if self.algorithm.name in _NOT_IN_LOCKSTEP:
            raise ValueError(_NOT_IN_LOCKSTEP[self.algorithm.name])
        items, num_envs = self.checkpoint.every_updates * self.algorithm.batch_size, self.fleet.num_envs
        if items % num_envs:
            allowed = "a number whose product with algorithm.batch_size is a multiple of fleet.num_envs"
            message = (
                f"checkpoint.every_updates: got {self.checkpoint.every_updates}, allowed: {allowed} "
                f"({num_envs}): in lockstep no block may reach over a barrier"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _claim_holds(self) -> Self:
        from heronry.spec.private_runs import check_private_run  # here, because it needs RunSpec

        try:
            check_private_run(self)
        except HeronryError as error:
            raise ValueError(str(error)) from error
        return self

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Check `values`, as read from YAML or a Struct.

        Raises:
          ConfigurationError: an unknown key or a value that is not allowed.
        """
        try:
            spec = cls.model_validate(dict(values))
        except pydantic.ValidationError as error:
            raise configuration_error(error, cls) from None
        # Tables check what spans sections, such as a queue too short for its fleet.
        spec.tables()
        return spec

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON, YAML and a Struct can carry."""
        return self.model_dump(mode="json")

    def tables(self) -> tuple[TableDefinition, ...]:
        """Return the replay tables that the run needs."""
        from heronry.spec.tables import experience_table  # here, because it needs RunSpec

        return (experience_table(self),)

    @property
    def max_updates(self) -> int:
        """Updates in which a run of unrolls uses `max_env_steps`, the last one whole."""
        return -(-self.max_env_steps // (self.algorithm.batch_size * self.fleet.unroll_length))

    @property
    def needs_learner(self) -> bool:
        """Tell whether a learner service takes part."""
        return self.algorithm.name != "external"
