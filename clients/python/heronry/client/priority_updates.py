"""Priorities changed over a stream: queued calls travel together."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import grpc.aio
import numpy as np
import numpy.typing as npt

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.client.connection import Connection
from heronry.client.item_arguments import check_values
from heronry.client.peer_status import peer_status
from heronry.client.retries import Retries, last_error_of
from heronry.types.errors import DeadlineExceededError, InvalidArgumentError, UnavailableError
from heronry.wire.varints import LENGTH_DELIMITED, tag, to_varint

FLUSH_TIMEOUT_S: Final = 60.0
CLOSE_TIMEOUT_S: Final = 5.0
MAX_REQUEST: Final = 65_536
MAX_PENDING: Final = 4 * MAX_REQUEST

_METHOD: Final = "/heronry.api.replay.v1.ReplayService/StreamPriorities"
_KEYS_TAG: Final = tag(2, LENGTH_DELIMITED)
_PRIORITIES_TAG: Final = tag(3, LENGTH_DELIMITED)
_KEY: Final = np.dtype("<u8")
_PRIORITY: Final = np.dtype("<f8")
_VALUE_BYTES: Final = 8


@dataclass(frozen=True)
class _Request:
    """Updates that travel together, serialised."""

    frame: bytes
    num_entries: int


class PriorityUpdates:
    """A table's priorities, changed in the order of the calls; use as `async with`.

    `update` queues; up to 65,536 queued entries travel in one request, and while 262,144 are not acknowledged it
    waits. Requests that were not acknowledged when the stream broke are sent again: to set a priority twice
    changes nothing, but a key may be counted twice. Leaving it in good order flushes. For one task at a time.
    """

    def __init__(self, connection: Connection, table: str) -> None:
        self.table = table
        self._connection = connection
        self._opening = pb.StreamPrioritiesRequest(table=table).SerializeToString()
        self.in_loop: Callable[[Callable[[], None]], object] = _at_once
        self._queued: deque[tuple[bytes, bytes]] = deque()
        self._unacknowledged: deque[_Request] = deque()
        # The first is the caller's, the other the loop's: together they count what is pending.
        self._num_queued = 0
        self._num_acknowledged = 0
        self._is_telling = False
        self._num_sent = 0
        self._num_applied = 0
        self._num_ignored = 0
        self._is_closing = False
        self._acknowledged = asyncio.Event()
        self._unsent = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._retries: Retries | None = None

    @property
    def num_pending(self) -> int:
        """Updates that the service has not acknowledged yet."""
        return self._num_queued - self._num_acknowledged

    async def update(
        self,
        keys: npt.NDArray[np.uint64],
        priorities: npt.NDArray[np.floating],
        *,
        timeout_s: float = FLUSH_TIMEOUT_S,
    ) -> None:
        """Queue updates; returns at once unless too many are under way. The arrays may be reused afterwards.

        Raises:
          InvalidArgumentError: a priority that is negative, infinite or not a number, or not one for each key.
          DeadlineExceededError: there was no room for `timeout_s`; nothing was queued.
        """
        while not self.try_update(keys, priorities):
            await self.room(timeout_s)

    def try_update(self, keys: npt.NDArray[np.uint64], priorities: npt.NDArray[np.floating]) -> bool:
        """Queue updates; False when they must wait for `room`. For one thread, which may be another than the loop's.

        Raises:
          InvalidArgumentError: as `update`.
        """
        if self.num_pending >= MAX_PENDING or not self._is_running:
            return False
        packed_keys, packed = checked_updates(keys, priorities)
        for start in range(0, len(packed_keys), MAX_REQUEST):
            piece = slice(start, start + MAX_REQUEST)
            self._num_queued += len(packed_keys[piece])
            self._queued.append((packed_keys[piece].tobytes(), packed[piece].tobytes()))
        if not self._is_telling:
            self._is_telling = True
            self.in_loop(self._send)
        return True

    async def room(self, timeout_s: float) -> None:
        """Wait until updates may be queued.

        Raises:
          DeadlineExceededError: not after `timeout_s`.
          HeronryError: why the stream is over.
        """
        self._check_running()
        await self._until(lambda: self.num_pending < MAX_PENDING, "update", timeout_s)

    async def flush(self, *, timeout_s: float = FLUSH_TIMEOUT_S) -> tuple[int, int]:
        """Wait until all is acknowledged; return how many were changed, and how many keys were gone, in all.

        Raises:
          DeadlineExceededError: some is not after `timeout_s`.
        """
        await self._until(lambda: self.num_pending == 0, "flush", timeout_s)
        return self._num_applied, self._num_ignored

    async def close(self, *, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Flush and end the stream."""
        try:
            await self.flush(timeout_s=timeout_s)
            self._is_closing = True
            self._unsent.set()
            if self._task is not None:
                await asyncio.wait([self._task], timeout=timeout_s)
        finally:
            await self.abort()

    async def abort(self) -> None:
        """Close the stream at once; what was not acknowledged may be lost."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._connection.kept_open("StreamPriorities", self._session))
        self._task.add_done_callback(self._note_end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await (self.close() if kind is None else self.abort())

    @property
    def _is_running(self) -> bool:
        return self._task is not None and not self._task.done()

    def _send(self) -> None:
        self._is_telling = False
        self._unsent.set()

    async def _session(self, retries: Retries) -> bool:
        self._retries = retries
        channel = await self._connection.bulk()
        method: grpc.aio.StreamStreamMultiCallable[bytes, pb.StreamPrioritiesResponse] = channel.stream_stream(
            _METHOD, None, pb.StreamPrioritiesResponse.FromString
        )
        over = asyncio.Event()
        before = pb.StreamPrioritiesResponse()
        # What was sent on a stream that broke is sent first on this one.
        self._num_sent = 0
        call = method(self._requests(over), metadata=self._connection.metadata)
        try:
            with peer_status(call):
                async for response in call:
                    retries.note_success()
                    self._note(response, before)
                    before = response
        finally:
            # gRPC's task that sends the requests does not end with the call: it would wait for ever.
            over.set()
            self._unsent.set()
        return self._is_closing

    async def _requests(self, over: asyncio.Event) -> AsyncIterator[bytes]:
        opening = self._opening
        while not over.is_set():
            self._unsent.clear()
            # Over in the midst of these: what follows is the next connection's to count.
            while not over.is_set() and (request := self._next_request()) is not None:
                self._num_sent += 1
                # Fields of one message may follow each other: the first request names the table.
                yield opening + request.frame
                opening = b""
            if self._is_closing:
                return
            await self._unsent.wait()

    def _next_request(self) -> _Request | None:
        if self._num_sent < len(self._unacknowledged):
            return self._unacknowledged[self._num_sent]
        if not self._queued:
            return None
        request = self._joined()
        self._unacknowledged.append(request)
        return request

    def _joined(self) -> _Request:
        """Return a request of as many queued calls as go into one."""
        keys: list[bytes] = []
        priorities: list[bytes] = []
        num_bytes = 0
        while self._queued and num_bytes + len(self._queued[0][0]) <= MAX_REQUEST * _VALUE_BYTES:
            pair = self._queued.popleft()
            keys.append(pair[0])
            priorities.append(pair[1])
            num_bytes += len(pair[0])
        length = to_varint(num_bytes)
        frame = b"".join((_KEYS_TAG, length, *keys, _PRIORITIES_TAG, length, *priorities))
        return _Request(frame, num_bytes // _VALUE_BYTES)

    def _note(self, response: pb.StreamPrioritiesResponse, before: pb.StreamPrioritiesResponse) -> None:
        for _ in range(response.num_requests - before.num_requests):
            if not self._unacknowledged:
                break
            self._num_acknowledged += self._unacknowledged.popleft().num_entries
            self._num_sent -= 1
        self._num_applied += response.num_applied - before.num_applied
        self._num_ignored += response.num_ignored - before.num_ignored
        self._acknowledged.set()

    async def _until(self, holds: Callable[[], bool], what: str, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not holds():
                    self._check_running()
                    self._acknowledged.clear()
                    await self._acknowledged.wait()
        except TimeoutError:
            message = (
                f"{what} of priorities of table {self.table!r}: {self.num_pending} unacknowledged after {timeout_s:g} s"
            )
            error = last_error_of(self._retries)
            message = message if error is None else f"{message} ({error.message})"
            raise DeadlineExceededError(message, details={"table": self.table}) from error

    def _check_running(self) -> None:
        task = self._task
        if task is None:
            raise UnavailableError(f"the updates of table {self.table!r} are closed")
        if task.done():
            raise task.exception() or UnavailableError(f"the updates of table {self.table!r} were ended by the service")

    def _note_end(self, task: "asyncio.Task[None]") -> None:
        # Taken here, so that a failure nobody asks for is not reported as never retrieved.
        if not task.cancelled():
            task.exception()
        self._acknowledged.set()


def _at_once(call: Callable[[], None]) -> None:
    call()


def checked_updates(
    keys: npt.NDArray[np.uint64], priorities: npt.NDArray[np.floating]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.float64]]:
    """Return keys and priorities as they are sent.

    Raises:
      InvalidArgumentError: not a priority for each key, or one that is negative, infinite or not a number.
    """
    packed_keys = checked_keys(keys)
    try:
        packed: npt.NDArray[np.float64] = np.ascontiguousarray(priorities, _PRIORITY)
    except (TypeError, ValueError):
        raise InvalidArgumentError.of("priorities", type(priorities).__name__, "numbers") from None
    if packed.shape != packed_keys.shape:
        raise InvalidArgumentError.of("priorities", f"{packed.size} values", f"{len(packed_keys)}, one for each key")
    check_values("priorities", packed)
    return packed_keys, packed


def checked_keys(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return keys as they are sent.

    Raises:
      InvalidArgumentError: no whole numbers, or several axes.
    """
    array = np.asarray(keys)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InvalidArgumentError.of("keys", f"{array.dtype}{list(array.shape)}", "uint64[K], as `keys` of a batch")
    packed: npt.NDArray[np.uint64] = np.ascontiguousarray(array, _KEY)
    return packed
