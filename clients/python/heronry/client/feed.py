"""What a background task receives, handed to one consumer."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Generic, Self, TypeVar

from heronry.types.errors import DeadlineExceededError

T = TypeVar("T")


class FeedOverError(Exception):
    """The receiving task has ended and everything was taken."""


class Feed(Generic[T]):
    """Runs a receiving task as long as it is entered, and hands its items over in order.

    With `newest_only` an item that was not taken gives way to the next one; otherwise the receiver
    bounds the number of items by the credits it gives. The task's failure reaches the consumer
    after the items that came before it.
    """

    def __init__(self, *, newest_only: bool = False) -> None:
        self._items: deque[T] = deque(maxlen=1 if newest_only else None)
        self._changed = asyncio.Event()
        self._error: BaseException | None = None
        self._is_over = False
        self._task: asyncio.Task[None] | None = None

    def start(self, receiver: Coroutine[object, object, None]) -> Self:
        """Start the task that calls `put`."""
        self._task = asyncio.create_task(receiver)
        self._task.add_done_callback(self._note_end)
        return self

    async def stop(self) -> None:
        """End the task, and with it the stream it holds open."""
        task, self._task = self._task, None
        if task is not None:
            task.remove_done_callback(self._note_end)
            task.cancel()
            await asyncio.wait([task])

    def put(self, item: T) -> None:
        """Hand over an item; called by the task."""
        self._items.append(item)
        self._changed.set()

    async def take(self, what: str, timeout_s: float | None = None) -> T:
        """Return the next item.

        Raises:
          DeadlineExceededError: there was none for `timeout_s`; `what` says what was waited for.
          FeedOverError: the task has ended and there is nothing more.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not self._items:
                    self._check_over()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise DeadlineExceededError(f"{what}: nothing came for {timeout_s:g} s") from None
        return self._items.popleft()

    def _check_over(self) -> None:
        if self._error is not None:
            raise self._error
        if self._is_over:
            raise FeedOverError

    def _note_end(self, task: "asyncio.Task[None]") -> None:
        self._is_over = True
        self._error = asyncio.CancelledError() if task.cancelled() else task.exception()
        self._changed.set()
