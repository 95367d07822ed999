"""Reads batches of tables over a stream that it keeps open."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

import grpc.aio

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.api.replay.v1 import replay_pb2_grpc as pb_grpc
from heronry.client.connection import Connection
from heronry.client.offered_slots import OfferedSlots, may_share_memory
from heronry.client.peer_status import peer_status
from heronry.client.retries import Retries, last_error_of
from heronry.types.blocking import Waiting
from heronry.types.errors import DeadlineExceededError, UnavailableError
from heronry.types.experience import Batch
from heronry.types.tables import Delivery
from heronry.wire.batches import BatchAssembler
from heronry.wire.tables import table_info_from_proto

_TELL_AFTER_S: Final = 0.002
_METHOD: Final = "/heronry.api.replay.v1.ReplayService/Sample"


class BatchReader:
    """Holds up to `num_credits` batches at a time; opened by `start`.

    A batch is done when the next one is taken. Done batches are told, and their credits given back, in one
    go: when half of the credits are due, or when nothing came for 2 ms. Tables without leases are not told
    which batches are done. After the stream had to be opened anew leases of the former one are not given
    back: the service has taken them away already.

    `take_ready` may be called from another thread than the event loop's, by one consumer; `in_loop` then brings
    what it has to tell to the loop.
    """

    def __init__(
        self, connection: Connection, header: pb.SampleHeader, num_credits: int, *, shares_memory: bool = True
    ) -> None:
        self.in_loop: Callable[[Callable[[], None]], object] = _at_once
        self._connection = connection
        self._header = header
        self._shares_memory = shares_memory
        self._tables = [header.table] if header.table else [share.table for share in header.shares]
        self._num_credits = num_credits
        self._most_untold = max(1, num_credits // 2)
        # Filled on the loop, emptied by the consumer.
        self._ready: deque[tuple[int, Batch]] = deque()
        # The consumer's own.
        self._in_hand: tuple[int, Batch] | None = None
        self._done: list[tuple[int, int]] = []
        # The loop's own.
        self._session_number = 0
        self._num_held = 0
        self._has_leases = True
        self._outgoing: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._waiting: Waiting | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._retries: Retries | None = None

    def start(self) -> None:
        """Open the stream and begin to fill."""
        if self._task is None:
            self._task = asyncio.create_task(self._connection.kept_open("Sample", self._session))
            self._task.add_done_callback(self._note_end)

    async def next(self, timeout_s: float | None) -> Batch:
        """Give back the batch in hand and return the next one.

        Raises:
          DeadlineExceededError: none came for `timeout_s`; says what the tables wait for.
          HeronryError: why the stream ended.
        """
        self.start()
        batch = self.take_ready()
        if batch is None:
            await self.wait(timeout_s)
            batch = self.take_ready()
        if batch is None:
            raise RuntimeError("a reader has one consumer")
        return batch

    def take_ready(self) -> Batch | None:
        """Give back the batch in hand and return the next one; None when none has come yet."""
        held, self._in_hand = self._in_hand, None
        if held is not None:
            self._done.append((held[0], held[1].batch_id))
        if len(self._done) >= self._most_untold:
            self._tell()
        if not self._ready:
            return None
        self._in_hand = self._ready.popleft()
        return self._in_hand[1]

    async def wait(self, timeout_s: float | None) -> None:
        """Wait until a batch is ready; raises as `next`."""
        self.start()
        # The consumer stands still meanwhile: what is its own may be told by the loop.
        timer = asyncio.get_running_loop().call_later(_TELL_AFTER_S, self._tell) if self._done else None
        try:
            if timeout_s is None:
                await self._until_ready()
            else:
                async with asyncio.timeout(timeout_s):
                    await self._until_ready()
        except TimeoutError:
            raise self._deadline_error(timeout_s or 0.0) from last_error_of(self._retries)
        finally:
            if timer is not None:
                timer.cancel()
            self._waiter = None

    async def close(self) -> None:
        """End the stream; what was not taken goes back where it was leased."""
        task, self._task = self._task, None
        if task is not None:
            task.remove_done_callback(self._note_end)
            task.cancel()
            await asyncio.wait([task])

    async def _until_ready(self) -> None:
        while not self._ready:
            self._check_running()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def _tell(self) -> None:
        done, self._done = self._done, []
        if done:
            self.in_loop(lambda: self._give_back(done))

    def _give_back(self, done: list[tuple[int, int]]) -> None:
        self._num_held -= len(done)
        session, batch_id = done[-1]
        if self._has_leases and session == self._session_number:
            acknowledge = pb.SampleAcknowledge(batch_id=batch_id)
            self._outgoing.put_nowait(pb.SampleRequest(acknowledge=acknowledge).SerializeToString())
        self._outgoing.put_nowait(_credits(len(done)))

    async def _session(self, retries: Retries) -> bool:
        self._retries = retries
        self._has_leases = await self._ask_for_leases()
        self._session_number += 1
        # Batches received and not yet given back keep their credits over the reconnect.
        outgoing: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._outgoing = outgoing
        if self._num_held < self._num_credits:
            outgoing.put_nowait(_credits(self._num_credits - self._num_held))
        channel = await self._connection.bulk()
        method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(_METHOD, None, None)
        slots = OfferedSlots(outgoing.put_nowait)
        assembler = BatchAssembler(slots=slots)
        call = method(self._requests(self._opening(), outgoing), metadata=self._connection.metadata)
        try:
            with peer_status(call):
                async for response in call:
                    retries.note_success()
                    self._note(assembler.add(response))
        finally:
            # gRPC's task that sends the requests does not end with the call: it would wait for ever.
            outgoing.put_nowait(None)
            await slots.close()
        return False

    def _opening(self) -> bytes:
        header = self._header
        header.accept_shared_memory = self._shares_memory and may_share_memory(self._connection.address)
        return pb.SampleRequest(header=header).SerializeToString()

    async def _ask_for_leases(self) -> bool:
        """Tell whether a table of this reader leases its batches."""
        stub: pb_grpc.ReplayServiceAsyncStub = pb_grpc.ReplayServiceStub(await self._connection.control())
        options = self._connection.options
        for table in self._tables:
            request = pb.GetTableRequest(table=table)
            response = await stub.GetTable(request, timeout=options.timeout_s, metadata=options.metadata)
            if table_info_from_proto(response.info).definition.delivery is Delivery.AT_LEAST_ONCE:
                return True
        return False

    async def _requests(self, opening: bytes, outgoing: "asyncio.Queue[bytes | None]") -> AsyncIterator[bytes]:
        yield opening
        while (request := await outgoing.get()) is not None:
            yield request

    def _note(self, came: Batch | Waiting | None) -> None:
        if isinstance(came, Batch):
            self._waiting = None
            self._num_held += 1
            self._ready.append((self._session_number, came))
            self._wake()
        elif came is not None:
            self._waiting = came

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _note_end(self, task: "asyncio.Task[None]") -> None:
        # Taken here, so that a failure nobody asks for is not reported as never retrieved.
        if not task.cancelled():
            task.exception()
        self._wake()

    def _check_running(self) -> None:
        task = self._task
        if task is None or task.cancelled():
            raise UnavailableError(f"{self._what()} is closed")
        if task.done():
            raise task.exception() or UnavailableError(f"{self._what()} was ended by the service")

    def _deadline_error(self, timeout_s: float) -> DeadlineExceededError:
        message = f"{self._what()}: nothing came for {timeout_s:g} s"
        if (error := last_error_of(self._retries)) is not None:
            message = f"{message} ({error.message})"
        elif self._waiting is not None:
            message = f"{message} (sample waits: {self._waiting})"
        return DeadlineExceededError(message, details={"table": ", ".join(self._tables), "timeout_s": f"{timeout_s:g}"})

    def _what(self) -> str:
        return f"Sample of table {', '.join(repr(table) for table in self._tables)}"


def _credits(num_batches: int) -> bytes:
    return pb.SampleRequest(credits=pb.SampleCredits(num_batches=num_batches)).SerializeToString()


def _at_once(call: Callable[[], None]) -> None:
    call()
