"""Reading a request stream so that a writer that stalls ends its stream, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from heronry.types.errors import AbortedError

T = TypeVar("T")


class WatchedReader(Generic[T]):
    """Gives the messages of one request stream, one at a time, to one task.

    The stream simply ends when the client dies or cancels: its end is not the end of an upload. One timer watches
    all messages: a timer each would cost a tenth of what a message of 1 MiB does.
    """

    __slots__ = ("_begun_s", "_has_stalled", "_loop", "_requests", "_stall_s", "_task", "_timer")

    def __init__(self, requests: AsyncIterator[T], stall_s: float) -> None:
        self._requests = requests
        self._stall_s = stall_s
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._begun_s = 0.0
        self._has_stalled = False

    async def read(self) -> T | None:
        """Return the next message; None at the end of the stream.

        Raises:
          AbortedError: the writer was silent for the stall time.
        """
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a message is read by a task")
        num_cancels = task.cancelling()
        self._task, self._begun_s = task, self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._stall_s, self._look)
        try:
            return await anext(self._requests)
        except StopAsyncIteration:
            return None
        except asyncio.CancelledError:
            # The cancellation may be another's that came at the same time: that one goes on.
            if self._has_stalled and task.uncancel() <= num_cancels:
                raise self._stalled() from None
            raise
        finally:
            self._task = None

    def close(self) -> None:
        """Watch no more; what the client still sends is the transport's affair."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._task is None:
            return
        left_s = self._begun_s + self._stall_s - self._loop.time()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._look)
        else:
            self._has_stalled = True
            self._task.cancel()

    def _stalled(self) -> AbortedError:
        details = {"side": "writer", "stall_s": f"{self._stall_s:g}"}
        return AbortedError(f"the writer sent nothing for {self._stall_s:g} s; connect again", details=details)
