"""Rounds whose deadline passes while nobody calls."""

import asyncio
from typing import Final, Protocol

import structlog

from heronry.runtime.clock import Clock
from heronry.runtime.owner import Owner
from heronry.types.blocking import Changed
from heronry.types.errors import HeronryError

_log = structlog.get_logger(__name__)

# A lease that ran out may let a round begin, and nobody calls for that.
_LONGEST_S: Final = 0.25


class Deadlines(Protocol):
    """What knows of rounds with a deadline."""

    def close_due(
        self, now_s: float, time_s: float, problems: list[HeronryError] | None = None
    ) -> Changed[float | None]:
        """Close or extend what is due; return the clock's time at which to call again."""
        ...


class RoundDeadlines:
    """Calls `close_due` at the times it names, and after every call that may have opened a round."""

    def __init__(self, owner: Owner, deadlines: Deadlines, clock: Clock) -> None:
        self._owner = owner
        self._deadlines = deadlines
        self._clock = clock
        self._news = asyncio.Event()

    def notice(self) -> None:
        """Take note that a round may have opened."""
        self._news.set()

    async def run(self) -> None:
        """Go on until cancelled, or until the owner is closed."""
        while True:
            self._news.clear()
            left_s = await self._closed()
            try:
                async with asyncio.timeout(left_s):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _closed(self) -> float:
        """Close what is due; return for how long nothing more will be."""
        problems: list[HeronryError] = []
        try:
            due_s: float | None = await self._owner.call(
                lambda: self._deadlines.close_due(self._clock.now(), self._clock.wall(), problems)
            )
        except HeronryError:
            raise
        except Exception:  # noqa: BLE001 # whatever it is: rounds of other models have deadlines too
            _log.exception("deadlines_not_kept")
            return _LONGEST_S
        for problem in problems:
            # A full disk: the round stays open and is tried again.
            _log.error("round_not_closed", error=type(problem).__name__, reason=str(problem))
        return _LONGEST_S if due_s is None else min(_LONGEST_S, max(0.0, due_s - self._clock.now()))
