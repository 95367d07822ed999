"""Buffers that large uploads are put together in, a bounded number at a time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import Bytes
from heronry.types.errors import ResourceExhaustedError
from heronry.wire.chunks import CHUNK_BYTES

_RETRY_AFTER_S: Final = 1.0


class Staging:
    """Lends buffers of a pool; whoever finds none waits in line, its chunks unread. For one event loop.

    The transport's flow control holds back what a waiting upload sends. Uploads of one chunk do not wait.
    """

    def __init__(self, pool: BufferPool, max_open: int, stall_s: float) -> None:
        """Lend at most `max_open` buffers at a time; who waits gives up when none became free for `stall_s`."""
        self._pool = pool
        self._max_open = max_open
        self._stall_s = stall_s
        self._places = asyncio.Semaphore(max_open)
        self._num_bytes = 0
        self._num_open = 0
        self._freed_s = 0.0

    @property
    def num_open(self) -> int:
        """Large uploads that hold a buffer."""
        return self._num_open

    @property
    def num_bytes(self) -> int:
        """Bytes of their buffers."""
        return self._num_bytes

    @contextlib.asynccontextmanager
    async def buffer(self, num_bytes: int) -> AsyncIterator[Bytes]:
        """Lend a buffer; its memory is used again once nothing refers to it.

        Raises:
          ResourceExhaustedError: none became free for too long, whoever it would have gone to.
        """
        if num_bytes <= CHUNK_BYTES:
            yield self._pool.take(num_bytes)
            return
        await self._wait()
        self._num_open += 1
        self._num_bytes += num_bytes
        try:
            yield self._pool.take(num_bytes)
        finally:
            self._num_bytes -= num_bytes
            self._num_open -= 1
            self._freed_s = asyncio.get_running_loop().time()
            self._places.release()

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        place, since_s = asyncio.ensure_future(self._places.acquire()), loop.time()
        try:
            while not place.done():
                left_s = max(since_s, self._freed_s) + self._stall_s - loop.time()
                if left_s <= 0.0:
                    raise self._too_many()
                await asyncio.wait({place}, timeout=left_s)
        except BaseException:
            if not place.cancel():
                # It came at the same moment, and nobody takes it.
                self._places.release()
            raise

    def _too_many(self) -> ResourceExhaustedError:
        details = {"field": "max_open_uploads", "value": str(self._num_open), "allowed": str(self._max_open)}
        message = f"max_open_uploads: {self._num_open} uploads are open and none ended within {self._stall_s:g} s"
        return ResourceExhaustedError(message, details=details, retry_after_s=_RETRY_AFTER_S)
