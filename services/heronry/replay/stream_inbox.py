"""Reads a stream's requests ahead of those who take them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

M = TypeVar("M")
T = TypeVar("T")


class StreamInbox(Generic[T]):
    """Decodes requests as they come, a bounded number ahead.

    `messages` is filled on the event loop and emptied by whoever takes them, in any thread. A request that
    cannot be decoded ends the reading; its error comes when those before it are taken.
    """

    def __init__(self, requests: AsyncIterator[M], decode: Callable[[M], T | None], max_messages: int) -> None:
        """Begin to read; what is decoded to None is not kept."""
        self.messages: deque[T] = deque()
        self._max_messages = max_messages
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._has_ended = False
        self._failure: Exception | None = None
        self._reader = asyncio.ensure_future(self._read(requests, decode))

    async def wait(self) -> bool:
        """Wait for a message that nobody has taken; False when none will come.

        Raises:
          Exception: what the reading ran into, or what the stream failed by.
        """
        while not self.messages:
            if self._failure is not None:
                raise self._failure
            if self._has_ended:
                await self._reader
                return False
            self._changed.clear()
            await self._changed.wait()
        return True

    def taken(self) -> None:
        """Read on after messages were taken."""
        self._room.set()

    def fail(self, error: Exception) -> None:
        """End the waiting for messages: the stream cannot go on."""
        self._failure = error
        self._changed.set()

    async def close(self) -> None:
        """Stop reading."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self, requests: AsyncIterator[M], decode: Callable[[M], T | None]) -> None:
        try:
            async for request in requests:
                message = decode(request)
                if message is None:
                    continue
                while len(self.messages) >= self._max_messages:
                    self._room.clear()
                    await self._room.wait()
                self.messages.append(message)
                self._changed.set()
        finally:
            self._has_ended = True
            self._changed.set()
