"""Chooses the version that acts in the next block."""

import asyncio
from typing import Final, Protocol

import structlog

from heronry.fleet.barriers import Barriers
from heronry.fleet.core.lockstep import LockstepPlan, LockstepSchedule
from heronry.fleet.sources import Behaviour, VersionSource
from heronry.types.run import Barrier
from heronry.types.version import ParameterVersion

_log = structlog.get_logger("heronry.fleet")

_RETRY_S: Final = 0.2


class VersionChoice(Protocol):
    """Names a version a block, and when the environments begin anew."""

    @property
    def segment(self) -> int | None:
        """What the seeds of the present segment derive from; None where there are no segments."""
        ...

    @property
    def newest(self) -> ParameterVersion | None:
        """The newest version known."""
        ...

    async def next(self) -> Behaviour:
        """Wait for the version that acts in the next block."""
        ...


class NewestVersion:
    """Whatever is newest when the block begins."""

    segment: int | None = None

    def __init__(self, source: VersionSource) -> None:
        self._source = source

    @property
    def newest(self) -> ParameterVersion | None:
        return self._source.newest

    async def next(self) -> Behaviour:
        return await self._source.any()


class LockstepVersion:
    """Exactly the version of the schedule, from barrier to barrier.

    A segment begins where the learner stands at a barrier, is named after the updates before it, and
    has a fixed number of blocks: what is collected depends on the barrier alone, so that a run that
    goes on from it does what one that passed it did.

    All versions of a segment are of one epoch. In another one params has been restarted: its
    numbers need not mean the same, and the coordinator is about to have everybody begin anew.
    """

    def __init__(self, source: VersionSource, barriers: Barriers, plan: LockstepPlan) -> None:
        self._source = source
        self._barriers = barriers
        self._plan = plan
        self._barrier: Barrier | None = None
        self._schedule: LockstepSchedule | None = None
        self._block = 0
        self._current: Behaviour | None = None

    @property
    def segment(self) -> int | None:
        return None if self._barrier is None else self._barrier.num_updates

    @property
    def newest(self) -> ParameterVersion | None:
        return self._source.newest

    async def next(self) -> Behaviour:
        while self._barrier is None or self._block >= self._plan.num_blocks(self._barrier.num_updates):
            await self._begin_segment()
        if self._schedule is None:
            raise RuntimeError("a segment has a schedule")
        chosen = await self._version(self._schedule.version_number(self._block), self._barrier.version.epoch)
        self._block += 1
        return chosen

    async def _begin_segment(self) -> None:
        barrier = await self._barriers.next(self.segment)
        _log.info("lockstep_segment", base=str(barrier.version), num_updates=barrier.num_updates)
        self._barrier, self._block = barrier, 0
        self._schedule = self._plan.schedule(barrier.version.number)

    async def _version(self, number: int, epoch: int) -> Behaviour:
        while self._current is None or (self._current.version.number, self._current.version.epoch) != (number, epoch):
            found = await self._source.exactly(number)
            if found is None or found.version.epoch != epoch:
                _log.info("lockstep_waits", number=number, epoch=epoch, found=str(found and found.version))
                await asyncio.sleep(_RETRY_S)
                continue
            self._current = found
        return self._current
