"""What a service measures of itself: the lag of its event loop, memory and CPU time."""

import asyncio
import socket
import time
from typing import Final

import psutil

_PERIOD_S: Final = 0.1
# The recent lag falls back over some ten periods after a stall, so that a scrape can see it.
_DECAY: Final = 0.9


class LoopLag:
    """How late the event loop runs its timers: a blocking call in it shows here.

    `worst_s` is the largest lag since the start, `recent_s` a maximum that decays.
    """

    def __init__(self, period_s: float = _PERIOD_S) -> None:
        self._period_s = period_s
        self.recent_s = 0.0
        self.worst_s = 0.0

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(self._period_s)
            self.observe(time.perf_counter() - begun - self._period_s)

    def observe(self, lag_s: float) -> None:
        """Take one measurement."""
        lag_s = max(0.0, lag_s)
        self.recent_s = max(lag_s, self.recent_s * _DECAY)
        self.worst_s = max(lag_s, self.worst_s)


class ProcessUsage:
    """Memory and CPU time of this process, and a name that no other process has."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        # A process that is started again in a container has the pid of the one before.
        self.name = f"{socket.gethostname()}:{self._process.pid}:{self._process.create_time():.2f}"

    @property
    def resident_bytes(self) -> int:
        """Bytes of memory that are resident."""
        return int(self._process.memory_info().rss)

    @property
    def cpu_time_s(self) -> float:
        """Seconds of CPU time, user and system, of all threads."""
        times = self._process.cpu_times()
        return float(times.user + times.system)
