"""Calls that wait for conditions, one queue a condition, each in order of arrival."""

import asyncio
import bisect
import heapq
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from heronry.types.blocking import Waiting, WouldBlock


@dataclass(eq=False, slots=True)
class Call:
    """One call of an owner.

    Attributes:
      arrival: orders the calls of an owner.
      blocked: why it waits; None unless it does.
      retry_s: when trying again may help although nothing changed.
    """

    function: Callable[[], object]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    since_s: float
    deadline_s: float | None = None
    on_wait: Callable[[Waiting], object] | None = None
    behind: Hashable | None = None
    arrival: int = 0
    blocked: WouldBlock | None = None
    retry_s: float | None = None

    @property
    def wake_s(self) -> float | None:
        """When it must be looked at although nothing changed; None unless it waits."""
        times = [t for t in (self.deadline_s, self.retry_s) if t is not None]
        return min(times, default=None) if self.blocked is not None else None


class Waiters:
    """The queues; changed by the owner's thread alone, `snapshot` may be called from any.

    Parking and removing cost O(waiters of the condition), time keeping O(log waiters).
    """

    def __init__(self) -> None:
        self._queues: dict[Hashable, list[Call]] = {}
        self._timers: list[tuple[float, int, Call]] = []
        self._lock = threading.Lock()

    def head(self, condition: Hashable) -> Call | None:
        """Return the call that has waited longest for a condition."""
        waiting = self._queues.get(condition)
        return waiting[0] if waiting else None

    def park(self, call: Call, blocked: WouldBlock, retry_s: float | None) -> None:
        """Put a call in the queue of its condition, at the place of its arrival."""
        with self._lock:
            if call.blocked is None or call.blocked.condition != blocked.condition:
                self._drop(call)
                bisect.insort(self._queues.setdefault(blocked.condition, []), call, key=_arrival)
            call.blocked, call.retry_s = blocked, retry_s
        if call.wake_s is not None:
            heapq.heappush(self._timers, (call.wake_s, call.arrival, call))

    def remove(self, call: Call) -> None:
        """Take a call out; nothing happens when it does not wait."""
        with self._lock:
            self._drop(call)
            call.blocked = None

    def snapshot(self) -> list[Call]:
        """Return all calls that wait, in order of arrival."""
        with self._lock:
            return sorted((call for waiting in self._queues.values() for call in waiting), key=_arrival)

    def next_wake_s(self) -> float | None:
        """Return the earliest time at which a call must be looked at."""
        # Timers of calls that went on, or whose time has changed, stay in the heap until they come up.
        while self._timers and self._timers[0][2].wake_s != self._timers[0][0]:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def pop_due(self, now_s: float) -> Call | None:
        """Return a call whose time has come, with its retry time cleared; None when there is none."""
        wake_s = self.next_wake_s()
        if wake_s is None or wake_s > now_s:
            return None
        call = heapq.heappop(self._timers)[2]
        call.retry_s = None
        if call.wake_s is not None:
            heapq.heappush(self._timers, (call.wake_s, call.arrival, call))
        return call

    def _drop(self, call: Call) -> None:
        if call.blocked is None:
            return
        waiting = self._queues[call.blocked.condition]
        del waiting[bisect.bisect_left(waiting, call.arrival, key=_arrival)]
        if not waiting:
            del self._queues[call.blocked.condition]


def _arrival(call: Call) -> int:
    return call.arrival
