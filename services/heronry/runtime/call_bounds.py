"""The bound of calls that came without a deadline."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from heronry.types.errors import DeadlineExceededError

T = TypeVar("T")


class CallBounds:
    """Ends calls that take longer than a time, the same for all; for one event loop.

    One timer watches all calls: a timer each would cost as much as a small call's own work.
    """

    def __init__(self, timeout_s: float) -> None:
        """Take the bound."""
        self._timeout_s = timeout_s
        # By the times at which they end, as all have the same time.
        self._running: dict[asyncio.Task[Any], float] = {}
        self._expired: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def bounded(self, answer: Awaitable[T]) -> T:
        """Return what a call answers; a task makes one at a time.

        Raises:
          DeadlineExceededError: it took longer.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a call is answered by a task")
        num_cancels, loop = task.cancelling(), asyncio.get_running_loop()
        self._running[task] = loop.time() + self._timeout_s
        if self._timer is None:
            self._timer = loop.call_later(self._timeout_s, self._look)
        try:
            return await answer
        except asyncio.CancelledError:
            # The cancellation may be another's that came at the same time: that one goes on.
            if task in self._expired and task.uncancel() <= num_cancels:
                raise self._too_long() from None
            raise
        finally:
            del self._running[task]
            self._expired.discard(task)

    def _look(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        for task, end_s in self._running.items():
            if task in self._expired:
                continue
            if end_s > now_s:
                self._timer = loop.call_at(end_s, self._look)
                return
            self._expired.add(task)
            task.cancel()

    def _too_long(self) -> DeadlineExceededError:
        message = f"the call came without a deadline and took more than {self._timeout_s:g} s"
        return DeadlineExceededError(message, details={"timeout_s": f"{self._timeout_s:g}"})
