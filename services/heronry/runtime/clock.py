"""Time as a collaborator."""

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings: one for intervals, one for dates."""

    def now(self) -> float:
        """Return monotonic seconds; only differences mean something."""
        ...

    def wall(self) -> float:
        """Return seconds since 1970."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def wall(self) -> float:
        """Return seconds since 1970."""
        return time.time()
