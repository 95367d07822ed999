"""Runs, the services that carry them out, and what both report."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from heronry.types.version import ParameterVersion


class ServiceRole(enum.Enum):
    """What a service does; the value is its name on the command line."""

    PARAMS = "params"
    REPLAY = "replay"
    FLEET = "fleet"
    LEARNER = "learner"
    COORDINATOR = "coordinator"


class RunState(enum.Enum):
    """Where a run stands, and what services should be doing about it."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHING = "finishing"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen in the run unless it is restored."""
        return self in {RunState.FINISHED, RunState.STOPPED, RunState.FAILED}


@dataclass(frozen=True)
class Lease:
    """The right to act for `duration_s` from the answer on; calls with an older token are refused."""

    duration_s: float
    fencing_token: int


@dataclass(frozen=True)
class Endpoint:
    """Where a service can be reached; `addresses` best first."""

    role: ServiceRole
    instance: str
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Registration:
    """A registered service's lease and place.

    Attributes:
      lease: renewed by heartbeats.
      index: position among the services of the role; kept over restarts of the instance.
      num_starts: starts of the instance that the coordinator has seen, this one included.
    """

    lease: Lease
    index: int
    num_starts: int


@dataclass(frozen=True)
class Assignment:
    """What a service should be doing; replaces the assignment before it as a whole.

    Attributes:
      generation: rises with every change.
      run_id: empty when there is nothing to do.
      desired_state: what to do about the run.
      spec: the resolved run spec.
      endpoints: the other services of the run.
      restore: restore from the run's newest checkpoint.
      num_starts: starts of the receiving instance in this run, never repeated within it. Another
        number means: begin anew. In lockstep it is one number for all services.
    """

    generation: int = 0
    run_id: str = ""
    desired_state: RunState = RunState.PENDING
    spec: Mapping[str, object] = field(default_factory=dict)
    endpoints: tuple[Endpoint, ...] = ()
    restore: bool = False
    num_starts: int = 0

    def of_role(self, role: ServiceRole) -> tuple[Endpoint, ...]:
        """Return the endpoints of one role, in their order."""
        return tuple(e for e in self.endpoints if e.role is role)


@dataclass(frozen=True)
class Progress:
    """What a service reports about its run.

    Attributes:
      run_id: empty when idle.
      figures: by name: `env_steps`, `updates`, `episodes`, `mean_return`.
      first_step_time_s: when the first environment step was taken, seconds since 1970.
      failure: why the service cannot go on with the run.
      reached_state: the state the service has reached for the run.
      num_starts: of the assignment that the service has taken up.
    """

    run_id: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    first_step_time_s: float | None = None
    failure: str | None = None
    reached_state: RunState | None = None
    num_starts: int = 0


@dataclass(frozen=True)
class ServiceInfo:
    """A registered service."""

    role: ServiceRole
    instance: str
    incarnation: int
    addresses: tuple[str, ...]
    build: str = ""
    has_lease: bool = True
    lease_remaining_s: float = 0.0
    progress: Progress = field(default_factory=Progress)
    resident_bytes: int = 0
    cpu_time_s: float = 0.0
    num_starts: int = 1

    @property
    def endpoint(self) -> Endpoint:
        """Where the service can be reached."""
        return Endpoint(self.role, self.instance, self.addresses)


@dataclass(frozen=True)
class EvaluationSummary:
    """Outcome of an evaluation; `env_steps` is what the run had taken when it was made."""

    version: ParameterVersion
    num_episodes: int
    mean_return: float
    sd_return: float
    env_steps: int = 0


@dataclass(frozen=True)
class Evaluation:
    """Every episode of an evaluation."""

    version: ParameterVersion
    returns: tuple[float, ...]
    lengths: tuple[int, ...]

    @property
    def mean_return(self) -> float:
        """Mean over the episodes."""
        return sum(self.returns) / len(self.returns)

    @property
    def sd_return(self) -> float:
        """Standard deviation over the episodes, of the population."""
        mean = self.mean_return
        return float((sum((r - mean) ** 2 for r in self.returns) / len(self.returns)) ** 0.5)


@dataclass(frozen=True)
class RunStatus:
    """A run as the coordinator sees it.

    Attributes:
      elapsed_s: since the run was submitted, pauses included.
      message: why it waits or failed.
      run_dir: the run's folder, as the coordinator sees it.
      result: empty until there is one.
      spec: the resolved spec.
      checkpoint_time_s: of the last checkpoint, seconds since 1970.
    """

    run_id: str
    state: RunState
    env_steps: int = 0
    updates: int = 0
    episodes: int = 0
    mean_return: float | None = None
    version: ParameterVersion | None = None
    evaluation: EvaluationSummary | None = None
    elapsed_s: float = 0.0
    message: str = ""
    run_dir: str = ""
    result: Mapping[str, object] = field(default_factory=dict)
    spec: Mapping[str, object] = field(default_factory=dict)
    checkpoint_time_s: float | None = None


@dataclass(frozen=True)
class EnvironmentFailure:
    """One environment that died, hung or broke its contract.

    Attributes:
      environment_index: position among the fleet's environments.
      seed: of the episodes that it was playing.
      step: of the episode; 0 while resetting.
      reason: what happened.
    """

    environment_index: int
    seed: int
    step: int
    reason: str


@dataclass(frozen=True)
class FleetStatistics:
    """What a fleet has done since the run was assigned.

    Attributes:
      mean_return: of the last 100 episodes, like `mean_length`.
      behaviour_version: the version that acts; None before the first pull.
      policy_lag: unrolls collected by how many versions the acting policy lay behind.
      engine, policy: what runs the environments and evaluates the policy.
      num_restarts: environments that were begun anew; `failures` tells of the last of them.
      num_unrolls: appended; `num_unrolls_too_old` were thrown away for their policy's lag.
    """

    run_id: str = ""
    environment: str = ""
    num_environments: int = 0
    num_steps: int = 0
    steps_per_second: float = 0.0
    num_episodes: int = 0
    mean_return: float = 0.0
    mean_length: float = 0.0
    behaviour_version: ParameterVersion | None = None
    policy_lag: Mapping[int, int] = field(default_factory=dict)
    environment_time_s: float = 0.0
    inference_time_s: float = 0.0
    waiting_time_s: float = 0.0
    engine: str = ""
    policy: str = ""
    num_restarts: int = 0
    failures: tuple[EnvironmentFailure, ...] = ()
    num_unrolls: int = 0
    num_unrolls_too_old: int = 0


@dataclass(frozen=True)
class Barrier:
    """A moment of a lockstep run between two updates: what was learnt before it is published and saved.

    Attributes:
      num_updates: before it.
      version: that they have led to.
      num_starts: of the learner's assignment; a barrier of another start is out of date.
    """

    num_updates: int
    version: ParameterVersion
    num_starts: int


@dataclass(frozen=True)
class LearnerStatistics:
    """What a learner has done since the run began, restarts included.

    Attributes:
      num_updates: batches learnt from.
      num_gradient_steps: optimiser steps.
      num_steps: environment steps in those batches.
      metrics: figures of the last update by name.
      barrier: set while the learner of a lockstep run stands at one.
    """

    run_id: str = ""
    algorithm: str = ""
    device: str = ""
    num_updates: int = 0
    num_gradient_steps: int = 0
    num_steps: int = 0
    version: ParameterVersion | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    update_time_s: float = 0.0
    waiting_time_s: float = 0.0
    barrier: Barrier | None = None
