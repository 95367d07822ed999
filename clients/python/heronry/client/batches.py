"""Reads batches of a table over a stream that it keeps open."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.api.replay.v1 import replay_pb2_grpc as pb_grpc
from heronry.client.connection import Connection
from heronry.client.feed import Feed
from heronry.client.retries import Retries
from heronry.types.blocking import Waiting
from heronry.types.errors import DeadlineExceededError
from heronry.types.experience import Batch
from heronry.wire.blocks import BatchAssembler
from heronry.wire.tables import waiting_from_proto


class BatchReader:
    """Holds up to `credits` batches of a table at a time; opened at the first `next`.

    A batch's lease is given back when the next one is asked for. After the stream had to be opened
    anew leases of the former one are not given back: the service has taken them away already.
    """

    def __init__(
        self,
        connection: Connection,
        table: str,
        batch_size: int,
        columns: Sequence[str],
        credits: int,  # noqa: A002 # the protocol's word
    ) -> None:
        self._connection = connection
        self._table = table
        self._header = pb.SampleHeader(table=table, batch_size=batch_size, columns=columns)
        self._credits = credits
        self._feed: Feed[tuple[int, Batch]] = Feed()
        self._outgoing: asyncio.Queue[pb.SampleRequest | None] = asyncio.Queue()
        self._session_number = 0
        self._num_held = 0
        self._in_hand: tuple[int, Batch] | None = None
        self._waiting: Waiting | None = None
        self._is_started = False

    async def next(self, timeout_s: float | None) -> Batch:
        """Give back the batch in hand and return the next one."""
        if not self._is_started:
            self._is_started = True
            self._feed.start(self._connection.kept_open("Sample", self._session))
        self._give_back()
        try:
            self._in_hand = await self._feed.take(f"Sample of table {self._table!r}", timeout_s)
        except DeadlineExceededError as error:
            if self._waiting is None:
                raise
            why = f"{self._waiting.term} is {self._waiting.value:g}, needs {self._waiting.bound:g}"
            raise DeadlineExceededError(
                f"{error.message} (sample waits: {why})", details={"table": self._table}
            ) from None
        return self._in_hand[1]

    async def close(self) -> None:
        """End the stream."""
        await self._feed.stop()

    def _give_back(self) -> None:
        held, self._in_hand = self._in_hand, None
        if held is None:
            return
        self._num_held -= 1
        session, batch = held
        if session == self._session_number:
            acknowledge = pb.SampleAcknowledge(batch_id=batch.batch_id)
            self._outgoing.put_nowait(pb.SampleRequest(acknowledge=acknowledge))
        self._outgoing.put_nowait(pb.SampleRequest(credits=pb.SampleCredits(num_batches=1)))

    async def _session(self, retries: Retries) -> bool:
        self._session_number += 1
        # Batches received and not yet given back keep their credits over the reconnect.
        self._outgoing = asyncio.Queue()
        num_batches = self._credits - self._num_held
        if num_batches:
            self._outgoing.put_nowait(pb.SampleRequest(credits=pb.SampleCredits(num_batches=num_batches)))
        stub: pb_grpc.ReplayServiceAsyncStub = pb_grpc.ReplayServiceStub(await self._connection.bulk())
        assembler = BatchAssembler()
        outgoing = self._outgoing
        try:
            async for response in stub.Sample(self._requests(outgoing), metadata=self._connection.metadata):
                retries.note_success()
                self._note(response, assembler)
        finally:
            # gRPC's task that sends the requests does not end with the call: it would wait for ever.
            outgoing.put_nowait(None)
        return False

    def _note(self, response: pb.SampleResponse, assembler: BatchAssembler) -> None:
        if response.HasField("waiting"):
            self._waiting = waiting_from_proto(response.waiting)
            return
        batch = assembler.add(response)
        if batch is not None:
            self._waiting = None
            self._num_held += 1
            self._feed.put((self._session_number, batch))

    async def _requests(self, outgoing: "asyncio.Queue[pb.SampleRequest | None]") -> AsyncIterator[pb.SampleRequest]:
        yield pb.SampleRequest(header=self._header)
        while (request := await outgoing.get()) is not None:
            yield request
