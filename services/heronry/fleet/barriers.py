"""Asks the learner of a lockstep run for the barrier that it stands at."""

import asyncio
from typing import Final

import structlog

from heronry.client.learner import LearnerClient
from heronry.types.errors import HeronryError
from heronry.types.run import Barrier

_log = structlog.get_logger("heronry.fleet")

_POLL_S: Final = 0.01
_RETRY_S: Final = 0.2


class Barriers:
    """The barriers of one start of the run; those of an earlier start are passed over. For one event loop."""

    def __init__(self, learner: LearnerClient, num_starts: int) -> None:
        self._learner = learner
        self._num_starts = num_starts

    async def next(self, after: int | None) -> Barrier:
        """Wait until the learner stands at a barrier with more than `after` updates; None: at any."""
        while True:
            barrier, pause_s = await self._ask()
            if barrier is not None and self._is_wanted(barrier, after):
                return barrier
            await asyncio.sleep(pause_s)

    async def close(self) -> None:
        """Drop the connection."""
        await self._learner.close()

    async def _ask(self) -> tuple[Barrier | None, float]:
        """Return the barrier, if there is one now, and how long to wait before asking again."""
        try:
            return (await self._learner.statistics()).barrier, _POLL_S
        except HeronryError as error:
            _log.info("learner_away", reason=str(error))
            return None, _RETRY_S

    def _is_wanted(self, barrier: Barrier, after: int | None) -> bool:
        return barrier.num_starts == self._num_starts and (after is None or barrier.num_updates > after)
