"""Central inference as a synchronous object: streams come and go, steps become batches, batches answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from heronry.learner.core.inference.attendance import Attendance
from heronry.learner.core.inference.batcher import Batch, Batcher, PendingStep
from heronry.learner.core.inference.figures import InferenceFigures
from heronry.learner.core.inference.groups import Group, GroupKey, Groups
from heronry.learner.core.inference.policies import Policies, Policy
from heronry.types.blocking import Changed, Waiting, WouldBlock
from heronry.types.columns import ColumnSpec
from heronry.types.errors import (
    FailedPreconditionError,
    FencedError,
    HeronryError,
    InvalidArgumentError,
    MessageTooLargeError,
    ResourceExhaustedError,
    SchemaMismatchError,
)
from heronry.types.inference import InferenceStatistics, InferenceStep, LaneGroup, OpenedGroup, UnrollBegun
from heronry.types.tensors import FloatArray

EVALUATED: Final = "evaluated"
"""The condition of those who wait for the end of a batch."""

# Groups without a stream are remembered for a reconnect: as many again as may have one.
_GROUPS_PER_STREAM = 2
# Of the longest wait of a step: how long a stream may be silent before none waits for it any more.
_IDLE_WAITS = 5.0
# Of a float32.
_OUTPUT_BYTES = 4


@dataclass(frozen=True)
class InferenceLimits:
    """Bounds.

    Attributes:
      max_batch_size, max_wait_s, num_versions_kept: of the run's spec.
      max_streams: open at a time.
      max_lanes: of one stream.
      max_step_bytes: of one step, a byte a lane for `begins` included.
      max_answer_bytes: of the outputs of one step.
    """

    max_batch_size: int = 1024
    max_wait_s: float = 0.002
    num_versions_kept: int = 8
    max_streams: int = 256
    max_lanes: int = 65_536
    max_step_bytes: int = 8 << 20
    max_answer_bytes: int = 8 << 20


@dataclass(eq=False)
class Session:
    """One stream.

    Attributes:
      group: that it serves.
      policy: that acts in its unroll; None before the first.
      is_waiting: whether a step of it is out.
      is_open: False once it ended, or a newer stream took its group.
    """

    group: Group
    policy: Policy | None = None
    is_waiting: bool = False
    is_open: bool = True


class Inference:
    """For one thread; batches are evaluated elsewhere, between `take` and `finish`.

    Args:
      run_id: whose policy it is.
      observed: signature of one observation.
      num_outputs: values of the head.
      limits: bounds.
      clock: monotonic seconds.
    """

    def __init__(
        self, run_id: str, observed: ColumnSpec, num_outputs: int, limits: InferenceLimits, clock: Callable[[], float]
    ) -> None:
        self.run_id = run_id
        self.figures = InferenceFigures()
        self._observed = observed
        self._num_outputs = num_outputs
        self._limits = limits
        self._clock = clock
        self._policies = Policies(limits.num_versions_kept)
        self._groups = Groups(_GROUPS_PER_STREAM * limits.max_streams)
        self._batcher = Batcher(limits.max_batch_size, limits.max_wait_s)
        self._sessions: dict[GroupKey, Session] = {}
        self._attendance: Attendance[Session] = Attendance(_IDLE_WAITS * limits.max_wait_s)

    def statistics(self) -> InferenceStatistics:
        """Return all figures."""
        figures = self.figures
        return InferenceStatistics(
            run_id=self.run_id,
            num_streams=len(self._sessions),
            num_steps=figures.num_steps,
            num_rows=figures.num_rows,
            num_batches=figures.num_batches,
            num_repeated=figures.num_repeated,
            evaluation_time_s=figures.evaluation_time_s,
            median_latency_s=figures.latency_s(50.0),
            p99_latency_s=figures.latency_s(99.0),
        )

    def add(self, policy: Policy) -> Changed[None]:
        """Take a version."""
        return self._policies.add(policy)

    def older(self, lanes: LaneGroup, client_id: str = "") -> Session | None:
        """Return the stream that a new one of these lanes ends: to be closed before `open`."""
        return self._sessions.get((client_id, lanes.group_id))

    def open(self, lanes: LaneGroup, client_id: str = "") -> tuple[Session, OpenedGroup]:
        """Open a stream; returns it and what is known of the client's group.

        Raises:
          InvalidArgumentError, SchemaMismatchError: the lanes do not fit the run's policy or the bounds.
          ResourceExhaustedError: there are too many streams.
          WouldBlock: a step of the stream before is being evaluated.
        """
        self._check(lanes)
        if len(self._sessions) >= self._limits.max_streams:
            raise _too_many(len(self._sessions), self._limits.max_streams)
        group = self._groups.open(lanes, client_id)
        if group.pending is not None:
            raise WouldBlock(EVALUATED, Waiting("inference", "steps in evaluation", 1, 0))
        session = Session(group)
        group.has_stream = True
        self._sessions[group.key] = session
        return session, OpenedGroup(self._num_outputs, group.last_sequence)

    def close(self, session: Session) -> None:
        """End a stream; what is known of its group stays, a step that is not being evaluated yet is dropped."""
        if not session.is_open:
            return
        group = session.group
        session.is_open = group.has_stream = False
        del self._sessions[group.key]
        if group.pending is not None and self._batcher.discard(group.pending):
            group.pending = None
        self._act_with(session, None)
        self._attendance.note(session)

    def begin_unroll(self, session: Session, number: int | None) -> UnrollBegun:
        """Choose the version that acts; None: the newest.

        Raises:
          FailedPreconditionError: a step is out.
          FencedError: the stream has ended meanwhile.
          WouldBlock: the version is not there yet.
          VersionNotFoundError: it is kept no longer.
        """
        if not session.is_open:
            # Nobody would ever release what it held.
            raise FencedError(f"the stream of group {session.group.lanes.group_id!r} has ended")
        if session.is_waiting:
            raise _too_early("begin_unroll")
        policy = self._policies.choose(number)
        self._act_with(session, policy)
        self._attendance.expect(session, self._clock())
        newest = self._policies.newest or policy
        return UnrollBegun(policy.version, newest.version, policy.log_std)

    def step(self, session: Session, step: InferenceStep) -> FloatArray | None:
        """Return the outputs of the step answered last; None: the answer comes with a batch.

        Raises:
          FailedPreconditionError: a step is out, or no unroll has begun.
          InvalidArgumentError: the sequence is out of turn.
        """
        if session.is_waiting:
            raise _too_early(f"step {step.sequence}")
        if session.policy is None:
            raise FailedPreconditionError(f"step {step.sequence} came before begin_unroll")
        group = session.group
        group.check_sequence(step.sequence)
        if step.sequence == group.last_sequence:
            self.figures.num_repeated += 1
            return group.last_outputs
        session.is_waiting = True
        self._attendance.note(session)
        group.pending = PendingStep(group, step, session.policy, self._clock())
        self._batcher.add(group.pending)
        return None

    @property
    def wake_s(self) -> float | None:
        """When `take` has something, whatever comes; None: when something comes."""
        return self._batcher.due_s

    def is_due(self) -> bool:
        """Tell whether `take` has something."""
        now_s = self._clock()
        return self._batcher.is_due(now_s, is_anybody_expected=self._attendance.is_anybody_expected(now_s))

    def take(self) -> Batch | None:
        """Return a batch to evaluate, if one is due."""
        return self._batcher.take() if self.is_due() else None

    def finish(
        self, batch: Batch, outputs: FloatArray, states: FloatArray, evaluation_s: float
    ) -> Changed[list[tuple[Session, int, FloatArray]]]:
        """Remember the answers; return those that a stream waits for, each with its step's sequence."""
        now_s = self._clock()
        self.figures.add_batch(batch.num_rows, evaluation_s)
        answers: list[tuple[Session, int, FloatArray]] = []
        for step, rows, after in zip(batch.steps, batch.split(outputs), batch.split(states), strict=True):
            step.group.answer(step.sequence, rows, after)
            self.figures.add_step(now_s - step.arrived_s)
            session = self._waiting_session(step)
            if session is not None:
                self._attendance.expect(session, now_s)
                answers.append((session, step.sequence, rows))
        return Changed(answers, frozenset({EVALUATED}))

    def fail(self, batch: Batch) -> Changed[list[Session]]:
        """Give a batch up that cannot be evaluated; return the streams that wait for it."""
        sessions: list[Session] = []
        for step in batch.steps:
            step.group.pending = None
            session = self._waiting_session(step)
            if session is not None:
                sessions.append(session)
        return Changed(sessions, frozenset({EVALUATED}))

    def _waiting_session(self, step: PendingStep) -> Session | None:
        session = self._sessions.get(step.group.key)
        # A group of another start may have the name by now.
        if session is None or session.group is not step.group:
            return None
        session.is_waiting = False
        return session

    def _act_with(self, session: Session, policy: Policy | None) -> None:
        former, session.policy = session.policy, policy
        # Held first: a version that acts on is not dropped between.
        if policy is not None:
            self._policies.hold(policy)
        if former is not None:
            self._policies.release(former)

    def _check(self, lanes: LaneGroup) -> None:
        limits = self._limits
        if lanes.run_id != self.run_id:
            raise FailedPreconditionError(f"run {lanes.run_id!r} is not assigned here, {self.run_id!r} is")
        if lanes.shape != self._observed.shape:
            raise SchemaMismatchError.of("open.shape", list(lanes.shape), str(list(self._observed.shape)))
        if lanes.element_type is not self._observed.element_type:
            allowed = self._observed.element_type.name.lower()
            raise SchemaMismatchError.of("open.element_type", lanes.element_type.name.lower(), allowed)
        if lanes.num_lanes > limits.max_lanes:
            raise InvalidArgumentError.of("open.num_lanes", lanes.num_lanes, f"1 to {limits.max_lanes}")
        num_bytes = lanes.num_bytes + lanes.num_lanes
        if num_bytes > limits.max_step_bytes:
            allowed = f"at most {limits.max_step_bytes} bytes a step"
            raise MessageTooLargeError.of("open.num_lanes", f"{lanes.num_lanes} ({num_bytes} bytes)", allowed)
        num_bytes = lanes.num_lanes * self._num_outputs * _OUTPUT_BYTES
        if num_bytes > limits.max_answer_bytes:
            allowed = f"at most {limits.max_answer_bytes} bytes an answer"
            raise MessageTooLargeError.of("open.num_lanes", f"{lanes.num_lanes} ({num_bytes} bytes)", allowed)


def _too_early(what: str) -> HeronryError:
    return FailedPreconditionError(f"{what} came before the answer to the step that is out; allowed: one a stream")


def _too_many(value: int, allowed: int) -> ResourceExhaustedError:
    details = {"field": "streams", "value": str(value), "allowed": f"at most {allowed}"}
    message = f"{value} inference streams are open, at most {allowed} are allowed"
    return ResourceExhaustedError(message, details=details, retry_after_s=1.0)
