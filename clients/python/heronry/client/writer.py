"""Appends blocks of steps to a table."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Self

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.api.replay.v1 import replay_pb2_grpc as pb_grpc
from heronry.client.arguments import check_version
from heronry.client.connection import Connection
from heronry.client.outbox import Outbox, check_columns
from heronry.client.retries import Retries
from heronry.types.blocking import Waiting
from heronry.types.columns import Columns, ColumnSpec
from heronry.types.errors import DeadlineExceededError, UnavailableError
from heronry.types.version import ParameterVersion
from heronry.wire.columns import column_spec_to_proto

OPEN_TIMEOUT_S = 10.0
APPEND_TIMEOUT_S = 60.0
CLOSE_TIMEOUT_S = 5.0


class Writer:
    """Sends blocks of `[T, N, ...]` columns, as many at a time as the service gives credits for.

    A block is kept until the service has accepted it, which is when its items are in the table, and
    sent again when the stream had to be opened anew: nothing is lost while the writer lives, and
    nothing is stored twice. Use as `async with`; leaving it in good order flushes and closes the
    writer's lanes, leaving it by an exception drops what was not accepted. For one task at a time.
    """

    def __init__(
        self,
        connection: Connection,
        table: str,
        columns: Sequence[ColumnSpec],
        num_lanes: int,
        writer_id: str,
        writer_epoch: int,
    ) -> None:
        self.table = table
        self.writer_id = writer_id
        self._connection = connection
        self._columns = tuple(columns)
        self._num_lanes = num_lanes
        self._header = pb.AppendHeader(
            table=table,
            writer_id=writer_id,
            writer_epoch=writer_epoch,
            columns=[column_spec_to_proto(c) for c in columns],
            num_lanes=num_lanes,
        )
        self._outbox = Outbox()
        self._is_closing = False
        self._is_open = False
        self._answered = asyncio.Event()
        self._unsent = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> Waiting | None:
        """Why credits do not come back; None while they do."""
        return self._outbox.waiting

    @property
    def num_unaccepted(self) -> int:
        """Blocks appended that the service has not accepted yet."""
        return len(self._outbox)

    async def append(
        self,
        columns: Columns,
        behaviour_version: ParameterVersion,
        priority: float | None = None,
        *,
        timeout_s: float = APPEND_TIMEOUT_S,
    ) -> int:
        """Hand over the next block, after waiting for a credit; return its sequence number.

        Raises:
          SchemaMismatchError: columns that differ from the writer's.
          DeadlineExceededError: no credit for `timeout_s`; says what the service waits for.
        """
        check_version("behaviour_version", behaviour_version)
        checked = check_columns(columns, self._columns, self._num_lanes)
        await self._until(lambda: self._outbox.has_credit, "append", timeout_s)
        sequence = self._outbox.append(checked, behaviour_version, priority)
        self._unsent.set()
        return sequence

    async def flush(self, *, timeout_s: float = APPEND_TIMEOUT_S) -> None:
        """Wait until every block is accepted.

        Raises:
          DeadlineExceededError: some are not after `timeout_s`; says what the service waits for.
        """
        await self._until(lambda: not self._outbox, "flush", timeout_s)

    async def close(self, *, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Flush, then end the writer's lanes."""
        try:
            await self.flush(timeout_s=timeout_s)
            self._is_closing = True
            self._unsent.set()
            if self._task is not None:
                await asyncio.wait([self._task], timeout=timeout_s)
        finally:
            await self.abort()

    async def abort(self) -> None:
        """Close the stream at once; blocks that were not accepted are dropped."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._connection.kept_open("Append", self._session))
        self._task.add_done_callback(self._note_end)
        try:
            await self._until(lambda: self._is_open, "open", OPEN_TIMEOUT_S)
        except BaseException:
            await self.abort()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await (self.close() if kind is None else self.abort())

    async def _session(self, retries: Retries) -> bool:
        stub: pb_grpc.ReplayServiceAsyncStub = pb_grpc.ReplayServiceStub(await self._connection.bulk())
        answered, over = asyncio.Event(), asyncio.Event()
        try:
            async for response in stub.Append(self._requests(answered, over), metadata=self._connection.metadata):
                retries.note_success()
                self._outbox.note(response)
                self._is_open = True
                for event in (answered, self._answered, self._unsent):
                    event.set()
        finally:
            # gRPC's task that sends the requests does not end with the call: it would wait for ever.
            for event in (over, answered, self._unsent):
                event.set()
        return self._is_closing

    async def _requests(self, answered: asyncio.Event, over: asyncio.Event) -> AsyncIterator[pb.AppendRequest]:
        yield pb.AppendRequest(header=self._header)
        # The first answer says what had been accepted before: only the rest is sent again.
        await answered.wait()
        sent = self._outbox.num_accepted
        while not over.is_set():
            self._unsent.clear()
            while (request := self._outbox.after(sent)) is not None:
                yield request
                sent = request.block.sequence
            if self._is_closing:
                yield pb.AppendRequest(end=pb.AppendEnd())
                return
            await self._unsent.wait()

    async def _until(self, holds: Callable[[], bool], what: str, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not holds():
                    self._check_running()
                    self._answered.clear()
                    await self._answered.wait()
        except TimeoutError:
            raise self._deadline_error(what, timeout_s) from None

    def _check_running(self) -> None:
        task = self._task
        if task is None:
            raise UnavailableError(f"the writer of table {self.table!r} is closed")
        if task.done():
            raise task.exception() or UnavailableError(f"the writer of table {self.table!r} was ended by the service")

    def _note_end(self, task: "asyncio.Task[None]") -> None:
        # Taken here, so that a failure nobody asks for is not reported as never retrieved.
        if not task.cancelled():
            task.exception()
        self._answered.set()

    def _deadline_error(self, what: str, timeout_s: float) -> DeadlineExceededError:
        waiting = self.waiting
        reason = "no answer from the service"
        if waiting is not None:
            reason = f"{waiting.side} waits: {waiting.term} is {waiting.value:g}, needs {waiting.bound:g}"
        message = (
            f"{what} to table {self.table!r}: {len(self._outbox)} blocks unaccepted after {timeout_s:g} s ({reason})"
        )
        return DeadlineExceededError(message, details={"table": self.table, "timeout_s": f"{timeout_s:g}"})
