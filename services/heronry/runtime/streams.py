"""Reading and writing streams so that a peer that stalls ends its stream, and nothing else."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from heronry.types.errors import AbortedError

T = TypeVar("T")


async def guarded(requests: AsyncIterable[T], stall_s: float) -> AsyncIterator[T]:
    """Yield the messages of a request stream.

    The stream simply ends when the client dies or cancels: its end is not the end of an upload.

    Raises:
      AbortedError: the writer was silent for `stall_s`.
    """
    iterator = aiter(requests)
    while True:
        try:
            async with asyncio.timeout(stall_s) as bound:
                message = await anext(iterator)
        except StopAsyncIteration:
            return
        except TimeoutError:
            if not bound.expired():
                raise
            raise _stalled("writer", "sent", stall_s) from None
        yield message


class WatchedWriter:
    """Sends the messages of one response stream, one at a time, and ends it when its reader stalls.

    One timer watches all messages: a timer each would cost as much as a small message does.
    """

    __slots__ = ("_begun_s", "_has_stalled", "_loop", "_stall_s", "_task", "_timer", "_write")

    def __init__(self, write: Callable[[Any], Awaitable[None]], stall_s: float) -> None:
        """Prepare; `write` is that of gRPC's context."""
        self._write = write
        self._stall_s = stall_s
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[Any] | None = None
        self._begun_s = 0.0
        self._has_stalled = False

    async def write(self, message: object) -> None:
        """Send a message.

        Raises:
          AbortedError: the reader took nothing for the stall time.
        """
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a message is sent by a task")
        num_cancels = task.cancelling()
        self._task, self._begun_s = task, self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._stall_s, self._look)
        try:
            await self._write(message)
        except asyncio.CancelledError:
            # The cancellation may be another's that came at the same time: that one goes on.
            if self._has_stalled and task.uncancel() <= num_cancels:
                raise _stalled("reader", "took", self._stall_s) from None
            raise
        finally:
            self._task = None

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


def _stalled(side: str, verb: str, stall_s: float) -> AbortedError:
    details = {"side": side, "stall_s": f"{stall_s:g}"}
    return AbortedError(f"the {side} {verb} nothing for {stall_s:g} s; connect again", details=details)
