"""Wakes everybody who waits for the coordinator's state to change."""

import asyncio
from collections.abc import Callable
from typing import Any


class Pulse:
    """A change counter with waiters; belongs to one event loop.

    Waiters compare counts, so that a change between a look at the state and the wait is not missed.
    """

    def __init__(self) -> None:
        self.count = 0
        self._waiters: set[asyncio.Future[None]] = set()

    def beat(self) -> None:
        """Tell all waiters that something has changed."""
        self.count += 1
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def after(self, count: int, timeout_s: float) -> int:
        """Wait until the count has left `count`, or for `timeout_s`; returns the count."""
        if self.count == count:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await asyncio.wait({waiter}, timeout=timeout_s)
            finally:
                self._waiters.discard(waiter)
        return self.count

    async def wait_for(self, task: "asyncio.Future[Any]", is_wanted: Callable[[], bool], period_s: float = 1.0) -> bool:
        """Wait until the task is done or no longer wanted; returns whether it is done."""
        while not task.done() and is_wanted():
            beat = asyncio.ensure_future(self.after(self.count, period_s))
            try:
                await asyncio.wait({task, beat}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                beat.cancel()
        return task.done()
