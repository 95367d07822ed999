"""Chooses the version that acts in the next block."""

from typing import Final, Protocol

import structlog

from heronry.client.parameters import Parameters
from heronry.fleet.core.lockstep import LockstepSchedule
from heronry.fleet.gate import Gate
from heronry.fleet.weights import WeightsFeed

_log = structlog.get_logger("heronry.fleet")

# Waits of `WeightsFeed.exactly` in a row before a version is given up.
_MAX_WAITS: Final = 3


class VersionChoice(Protocol):
    """Names a version a block, and when the environments begin anew."""

    @property
    def segment(self) -> int | None:
        """Number of the version that the present segment began with; None where there are no segments."""
        ...

    async def next(self) -> Parameters:
        """Wait for the version that acts in the next block."""
        ...


class NewestVersion:
    """Whatever is newest when the block begins."""

    segment: int | None = None

    def __init__(self, feed: WeightsFeed) -> None:
        self._feed = feed

    async def next(self) -> Parameters:
        return await self._feed.wait_for_any()


class LockstepVersion:
    """Exactly the version of the schedule.

    A segment begins with the newest version when the fleet starts collecting, and again where the
    schedule cannot be kept: the model was restored (another epoch), or experience was lost with its
    service, so that the version never comes. Blocks count from the segment's beginning.
    """

    def __init__(self, feed: WeightsFeed, gate: Gate, num_envs: int, batch_size: int) -> None:
        self._feed = feed
        self._gate = gate
        self._sizes = num_envs, batch_size
        self._schedule: LockstepSchedule | None = None
        self._block = 0
        self._current: Parameters | None = None

    @property
    def segment(self) -> int | None:
        return None if self._schedule is None else self._schedule.base

    async def next(self) -> Parameters:
        chosen = await self._scheduled()
        self._block += 1
        self._current = chosen
        return chosen

    async def _scheduled(self) -> Parameters:
        num_waits = 0
        while self._schedule is not None and self._current is not None and num_waits < _MAX_WAITS:
            number = self._schedule.version_number(self._block)
            if number == self._current.version.number:
                return self._current
            parameters = await self._feed.exactly(number)
            if parameters is not None and parameters.version.epoch == self._current.version.epoch:
                return parameters
            newest = await self._feed.wait_for_any()
            if newest.version.epoch != self._current.version.epoch:
                break
            num_waits += self._gate.is_open
        return await self._begin_segment()

    async def _begin_segment(self) -> Parameters:
        newest = await self._feed.wait_for_any()
        _log.info("lockstep_segment", base=str(newest.version), former_segment=self.segment, block=self._block)
        self._schedule = LockstepSchedule(newest.version.number, *self._sizes)
        self._block = 0
        return newest
