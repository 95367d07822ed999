"""Runs central inference: the core on the event loop, evaluation in a thread of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from heronry.learner.core.inference import Batch, Inference, Policy, Session, evaluate
from heronry.learner.inference.outbox import Outbox
from heronry.runtime.owner import Owner
from heronry.types.blocking import WouldBlock
from heronry.types.errors import FencedError, HeronryError, InternalError, UnavailableError, VersionNotFoundError
from heronry.types.inference import InferenceStatistics, InferenceStep, LaneGroup, OpenedGroup, UnrollBegun
from heronry.types.tensors import FloatArray
from heronry.wire.inference import outputs_to_proto

T = TypeVar("T")
_log = structlog.get_logger("heronry.learner")

MakePolicy = Callable[[], Policy]
FetchPolicy = Callable[[int], Awaitable[MakePolicy]]


class InferenceEngine:
    """Evaluates the policy of one run for the streams of its fleets; for one event loop.

    Args:
      core: is called on the loop alone.
      fetch: finds a version that the core keeps no longer; raises VersionNotFoundError when it is gone.
      clock: monotonic seconds.
    """

    def __init__(self, core: Inference, fetch: FetchPolicy, clock: Callable[[], float]) -> None:
        self._core = core
        self._fetch = fetch
        self._clock = clock
        self._owner = Owner("inference")
        self._outboxes: dict[Session, Outbox] = {}
        self._waiters: list[asyncio.Future[None]] = []
        self._is_due = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._end_error: UnavailableError | None = None
        self._task = asyncio.create_task(self._work())

    @property
    def core(self) -> Inference:
        """What it runs; its figures may be read from any thread."""
        return self._core

    def statistics(self) -> InferenceStatistics:
        """Return all figures."""
        return self._core.statistics()

    async def add(self, make: MakePolicy) -> None:
        """Take a version; `make` copies its weights, in the thread that evaluates.

        Raises:
          HeronryError: the weights do not fit.
        """
        policy = await self._owner.call(make)
        self._core.add(policy)
        self._wake_waiters()

    async def open(self, lanes: LaneGroup, outbox: Outbox, client_id: str = "") -> tuple[Session, OpenedGroup]:
        """Open a client's stream, ending an older one of its group; answers come to the outbox.

        Raises:
          UnavailableError: the engine was closed.
          HeronryError: the lanes do not fit, or there are too many streams.
        """

        def attempt() -> tuple[Session, OpenedGroup]:
            older = self._core.older(lanes, client_id)
            if older is not None:
                self._end(older, FencedError(f"a newer stream serves group {lanes.group_id!r}"))
            return self._core.open(lanes, client_id)

        session, opened = await self._patiently(attempt)
        self._outboxes[session] = outbox
        return session, opened

    async def begin_unroll(self, session: Session, number: int | None) -> UnrollBegun:
        """Choose the version that acts, after waiting for it; one that is not kept is fetched.

        Raises:
          VersionNotFoundError: it is gone.
        """
        try:
            return await self._patiently(lambda: self._core.begin_unroll(session, number))
        except VersionNotFoundError:
            if number is None:
                raise
            await self.add(await self._fetch(number))
        return await self._patiently(lambda: self._core.begin_unroll(session, number))

    def step(self, session: Session, step: InferenceStep) -> FloatArray | None:
        """Return the outputs of a step that was answered before; None: they come to the outbox.

        Raises:
          HeronryError: the step is out of turn.
        """
        known = self._core.step(session, step)
        if known is None:
            self._look()
        return known

    def close_stream(self, session: Session) -> None:
        """Forget a stream; its group is remembered."""
        self._outboxes.pop(session, None)
        self._core.close(session)
        # It may have been the one that the others waited for.
        self._look()

    async def close(self, reason: str) -> None:
        """End all streams, and those that wait to be opened; fleets connect again."""
        self._end_error = UnavailableError(reason, retry_after_s=0.2)
        self._wake_waiters()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._set_timer(None)
        for session in list(self._outboxes):
            self._end(session, self._end_error)
        self._owner.close(timeout_s=0)

    def _end(self, session: Session, error: HeronryError) -> None:
        outbox = self._outboxes.pop(session, None)
        self._core.close(session)
        if outbox is not None:
            outbox.fail(error)

    async def _work(self) -> None:
        """Evaluate one batch after the other."""
        while True:
            batch = self._core.take()
            if batch is None:
                self._is_due.clear()
                self._set_timer(self._core.wake_s)
                await self._is_due.wait()
                continue
            await self._evaluate(batch)

    async def _evaluate(self, batch: Batch) -> None:
        began_s = self._clock()
        try:
            outputs, states = await self._owner.call(evaluate, batch.policy, batch.observations, batch.states)
        except Exception as error:  # noqa: BLE001  # a policy may raise anything; its fleets are told
            _log.error("inference_failed", run_id=self._core.run_id, exc_info=error)
            named = (
                error if isinstance(error, HeronryError) else InternalError(f"the policy cannot be evaluated: {error}")
            )
            for session in self._core.fail(batch).value:
                self._end(session, named)
        else:
            answers = self._core.finish(batch, outputs, states, self._clock() - began_s).value
            for session, sequence, rows in answers:
                self._outboxes[session].put(outputs_to_proto(sequence, rows))
        self._wake_waiters()

    def _look(self) -> None:
        """Wake the evaluation when a batch is due, or have it woken then."""
        if self._core.is_due():
            self._is_due.set()
        elif self._timer is None:
            self._set_timer(self._core.wake_s)

    def _set_timer(self, wake_s: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if wake_s is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, wake_s - self._clock()), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._is_due.set()

    async def _patiently(self, call: Callable[[], T]) -> T:
        """Make a core call, again after each change while it would block; UnavailableError once this is closed."""
        while True:
            if self._end_error is not None:
                raise self._end_error
            try:
                return call()
            except WouldBlock:
                changed = asyncio.get_running_loop().create_future()
                self._waiters.append(changed)
                await changed

    def _wake_waiters(self) -> None:
        # Few wait, and not for long: whoever waits for something else waits again.
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
