"""One run: where it stands, and which moves are allowed from there."""

from dataclasses import dataclass, field

from heronry.coordinator.core.evaluation_plan import EvaluationPlan
from heronry.coordinator.core.meter import Meter
from heronry.coordinator.core.progress import Progress
from heronry.coordinator.core.starts import Starts
from heronry.spec import RunSpec
from heronry.types.errors import FailedPreconditionError
from heronry.types.run import RunState, ServiceRole
from heronry.types.version import ParameterVersion

_S = RunState
TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    _S.PENDING: frozenset({_S.RUNNING, _S.PAUSED, _S.FINISHING, _S.FAILED}),
    # In lockstep a service that comes back takes all others back to the last barrier.
    _S.RUNNING: frozenset({_S.PENDING, _S.PAUSED, _S.FINISHING, _S.FAILED}),
    _S.PAUSED: frozenset({_S.PENDING, _S.RUNNING, _S.FINISHING, _S.FAILED}),
    _S.FINISHING: frozenset({_S.FINISHED, _S.STOPPED, _S.FAILED}),
    # Ended runs begin again when they are restored.
    _S.FINISHED: frozenset({_S.PENDING}),
    _S.STOPPED: frozenset({_S.PENDING}),
    _S.FAILED: frozenset({_S.PENDING}),
}


@dataclass(frozen=True)
class Ending:
    """How a run in FINISHING is to end; `reason` is told to the user."""

    state: RunState
    is_judged: bool
    reason: str


@dataclass
class Run:
    """A run and what has been counted of it. Times are wall-clock seconds since 1970.

    Attributes:
      began_s: when this stretch of the run was submitted; a restored run has had stretches before.
      elapsed_before_s, train_before_s: time of the former stretches.
      started_s: when it first was RUNNING in this stretch.
      is_restored: whether the stretch goes on from checkpoints.
      starts: of the services in this run.
      meter: of what this stretch spends, while this coordinator lives.
    """

    run_id: str
    spec: RunSpec
    plan: EvaluationPlan
    state: RunState = RunState.PENDING
    request_id: str = ""
    began_s: float = 0.0
    elapsed_before_s: float = 0.0
    train_before_s: float = 0.0
    running_since_s: float | None = None
    started_s: float | None = None
    ended_s: float | None = None
    is_restored: bool = False
    message: str = ""
    progress: Progress = field(default_factory=Progress)
    starts: Starts = field(default_factory=Starts)
    meter: Meter = field(default_factory=Meter)
    version: ParameterVersion | None = None
    checkpoint_time_s: float | None = None
    ending: Ending | None = None
    result: dict[str, object] = field(default_factory=dict)

    def move_to(self, state: RunState, now_s: float, message: str = "") -> None:
        """Enter a state.

        Raises:
          FailedPreconditionError: no such move from the present state.
        """
        if state not in TRANSITIONS[self.state]:
            allowed = ", ".join(sorted(s.value for s in TRANSITIONS[self.state]))
            raise FailedPreconditionError(
                f"run {self.run_id!r} is {self.state.value}, it cannot become {state.value} (allowed: {allowed})",
                details={"field": "state", "value": state.value, "allowed": allowed},
            )
        self._keep_time(state, now_s)
        self.state, self.message = state, message

    def end_by(self, ending: Ending, now_s: float) -> bool:
        """Begin to finish, or shorten a finish under way; returns whether anything changed."""
        if self.state is RunState.FINISHING and self.ending is not None:
            if ending.is_judged or not self.ending.is_judged:
                return False
            self.ending = ending
            return True
        self.move_to(RunState.FINISHING, now_s, ending.reason)
        self.ending = ending
        return True

    def missing_roles(self, alive: frozenset[ServiceRole]) -> tuple[ServiceRole, ...]:
        """Return the roles without which the run cannot go on."""
        needed = [ServiceRole.PARAMS, ServiceRole.REPLAY, ServiceRole.FLEET]
        if self.spec.needs_learner:
            needed.append(ServiceRole.LEARNER)
        return tuple(role for role in needed if role not in alive)

    def must_restore(self, registered_s: float) -> bool:
        """Tell whether a service that registered then takes the run up from checkpoints."""
        return self.is_restored or (self.started_s is not None and registered_s > self.started_s)

    @property
    def env_steps(self) -> int:
        """Environment steps of all fleets."""
        return self.progress.total("env_steps")

    @property
    def updates(self) -> int:
        """Updates of the learner; versions published after the first, when it is the user's program."""
        if self.spec.needs_learner:
            return self.progress.total("updates")
        return max(0, self.version.number - 1) if self.version else 0

    @property
    def has_used_its_steps(self) -> bool:
        """Whether `max_env_steps` is reached; in lockstep by the updates that have been made of them."""
        if self.spec.lockstep:
            return self.progress.total("barrier_updates") >= self.spec.max_updates
        return self.env_steps >= self.spec.max_env_steps

    def is_complete_for(self, spec: RunSpec) -> bool:
        """Tell whether the run is finished, and stays so under a spec: neither more steps nor another target."""
        asks_more = spec.max_env_steps > self.spec.max_env_steps or spec.target_return != self.spec.target_return
        return self.state is RunState.FINISHED and not asks_more

    @property
    def may_start_services(self) -> bool:
        """Whether a service that comes now begins to work for the run."""
        return self.state in {RunState.PENDING, RunState.RUNNING, RunState.PAUSED}

    @property
    def keeps_best(self) -> bool:
        """Whether the version with the best selection evaluation is judged; else it is the last one."""
        return not self.spec.lockstep

    def elapsed_s(self, now_s: float) -> float:
        """Return the time since submission, pauses included, summed over stretches."""
        return self.elapsed_before_s + max(0.0, (self.ended_s or now_s) - self.began_s)

    def train_s(self, now_s: float) -> float:
        """Return the time spent RUNNING."""
        return self.train_before_s + (max(0.0, now_s - self.running_since_s) if self.running_since_s else 0.0)

    def _keep_time(self, state: RunState, now_s: float) -> None:
        if state is RunState.RUNNING:
            self.running_since_s = now_s
            self.started_s = self.started_s or now_s
        elif self.running_since_s is not None:
            self.train_before_s += max(0.0, now_s - self.running_since_s)
            self.running_since_s = None
        if state.has_ended:
            self.ended_s = now_s
