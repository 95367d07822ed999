"""Has learner and parameter service write checkpoints."""

import asyncio
import uuid

import structlog

from heronry.coordinator.coordination import Coordination
from heronry.coordinator.core import records
from heronry.coordinator.core.run import Run
from heronry.coordinator.peers import Peers
from heronry.types.errors import HeronryError
from heronry.types.run import RunState

_log = structlog.get_logger(__name__)

_REMEMBERED = 64


class Checkpointing:
    """One run's checkpoints, one at a time: the learner's first, so that params is never behind it."""

    def __init__(self, coordination: Coordination, run: Run, peers: Peers) -> None:
        self._coordination = coordination
        self._run = run
        self._peers = peers
        self._lock = asyncio.Lock()
        self._done: dict[str, tuple[str, ...]] = {}

    async def repeat(self) -> None:
        """Take a checkpoint as soon as there is a model, then one an interval, for ever."""
        last_s = -float("inf")
        while True:
            count = self._coordination.pulse.count
            now_s = self._coordination.clock.now()
            left_s = last_s + self._run.spec.checkpoint.interval_s - now_s
            if self._run.state is RunState.RUNNING and self._run.version is not None and left_s <= 0:
                last_s = now_s
                try:
                    await self.take()
                except HeronryError as error:
                    _log.warning("checkpoint_failed", reason=str(error))
                    # A service that has just died is back in a second; an interval would be long.
                    last_s += min(1.0, self._run.spec.checkpoint.interval_s) - self._run.spec.checkpoint.interval_s
                continue
            await self._coordination.pulse.after(count, min(max(left_s, 0.05), 1.0))

    async def take(self, request_id: str = "", *, with_learner: bool = True) -> tuple[str, ...]:
        """Write checkpoints now; returns their directories. A repeated request id repeats nothing.

        Raises:
          HeronryError: what the service says that could not write.
        """
        async with self._lock:
            if request_id and request_id in self._done:
                return self._done[request_id]
            paths = await self._take(request_id or uuid.uuid4().hex, with_learner=with_learner)
            if len(self._done) >= _REMEMBERED:
                del self._done[next(iter(self._done))]
            self._done[request_id] = paths
            return paths

    async def _take(self, request_id: str, *, with_learner: bool) -> tuple[str, ...]:
        paths: list[str] = []
        if with_learner and self._run.spec.needs_learner:
            paths.append(await self._peers.learner.save_checkpoint(request_id=request_id))
        paths.append(await self._peers.params.save_checkpoint(self._run.run_id, request_id=request_id))
        self._run.checkpoint_time_s = self._coordination.clock.wall()
        self._coordination.journal(records.counted(self._run))
        self._coordination.changed()
        await asyncio.to_thread(self._coordination.sync_journal)
        return tuple(paths)
