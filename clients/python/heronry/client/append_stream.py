"""The stream of a writer: sends what its outbox holds, again after a reconnect, and waits for credits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

import grpc.aio

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.client.connection import Connection
from heronry.client.outbox import Outbox
from heronry.client.peer_status import peer_status
from heronry.client.retries import Retries, last_error_of
from heronry.types.errors import DeadlineExceededError, FencedError, UnavailableError

OPEN_TIMEOUT_S: Final = 10.0
_METHOD: Final = "/heronry.api.replay.v1.ReplayService/Append"


class AppendStream:
    """Kept open until it is closed; for one event loop.

    `on_answer` is called after each answer of the service, `on_end` when the stream is over.
    """

    def __init__(self, connection: Connection, header: pb.AppendHeader) -> None:
        self.outbox = Outbox()
        self._table = header.table
        self._header = header
        self._connection = connection
        self._opening = pb.AppendRequest(header=header).SerializeToString()
        self._end = pb.AppendRequest(end=pb.AppendEnd()).SerializeToString()
        self.on_answer: Callable[[], None] = _nothing
        self.on_end: Callable[[], None] = _nothing
        self._is_closing = False
        self._is_open = False
        self._answered = asyncio.Event()
        self._unsent = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._retries: Retries | None = None

    async def open(self) -> None:
        """Connect, and wait until the service has taken the writer.

        Raises:
          HeronryError: why it does not.
        """
        self._task = asyncio.create_task(self._connection.kept_open("Append", self._session))
        self._task.add_done_callback(self._note_end)
        try:
            await self.until(lambda: self._is_open, "open", OPEN_TIMEOUT_S)
        except BaseException:
            await self.abort()
            raise

    def send_soon(self) -> None:
        """Send what was put into the outbox."""
        self._unsent.set()

    async def end(self, timeout_s: float) -> None:
        """End the writer's lanes and wait until the stream is over."""
        self._is_closing = True
        self._unsent.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout_s)

    async def abort(self) -> None:
        """Close the stream at once."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    async def until(self, holds: Callable[[], bool], what: str, timeout_s: float) -> None:
        """Wait until `holds`, looking after each answer.

        Raises:
          DeadlineExceededError: it does not after `timeout_s`; says what the service waits for, or its last error.
          HeronryError: why the stream ended.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not holds():
                    self.check_running()
                    self._answered.clear()
                    await self._answered.wait()
        except TimeoutError:
            raise self._deadline_error(what, timeout_s) from last_error_of(self._retries)

    @property
    def is_running(self) -> bool:
        """Whether what is put into the outbox will be sent."""
        return self._task is not None and not self._task.done()

    def check_running(self) -> None:
        """Raise why the stream is over, when it is."""
        task = self._task
        if task is None:
            raise UnavailableError(f"the writer of table {self._table!r} is closed")
        if task.done():
            raise task.exception() or UnavailableError(f"the writer of table {self._table!r} was ended by the service")

    async def _session(self, retries: Retries) -> bool:
        self._retries = retries
        channel = await self._connection.bulk()
        method: grpc.aio.StreamStreamMultiCallable[bytes, pb.AppendResponse] = channel.stream_stream(
            _METHOD, None, pb.AppendResponse.FromString
        )
        answered, over = asyncio.Event(), asyncio.Event()
        call = method(self._requests(answered, over), metadata=self._connection.metadata)
        try:
            with peer_status(call):
                async for response in call:
                    retries.note_success()
                    if not self._is_open:
                        self._check_new(response)
                    self.outbox.note(response)
                    self._is_open = True
                    self.on_answer()
                    for event in (answered, self._answered, self._unsent):
                        event.set()
        finally:
            # gRPC's task that sends the requests does not end with the call: it would wait for ever.
            for event in (over, answered, self._unsent):
                event.set()
        return self._is_closing

    async def _requests(self, answered: asyncio.Event, over: asyncio.Event) -> AsyncIterator[bytes]:
        yield self._opening
        # The first answer says what had been accepted before: only the rest is sent again.
        await answered.wait()
        sent = self.outbox.begin_connection()
        while not over.is_set():
            self._unsent.clear()
            while (message := self.outbox.after(sent)) is not None:
                sent, frame = message
                yield frame
            if self._is_closing:
                yield self._end
                return
            await self._unsent.wait()

    def _check_new(self, opened: pb.AppendResponse) -> None:
        """Refuse an epoch in which this writer's former self has written: its numbers would be taken for that one's."""
        if not opened.accepted_sequence:
            return
        writer_id, epoch = self._header.writer_id, self._header.writer_epoch
        allowed = f"at least {epoch + 1}"
        message = f"writer_epoch: got {epoch}, allowed: {allowed} (writer {writer_id!r} has written in this one before)"
        raise FencedError(message, details={"field": "writer_epoch", "value": str(epoch), "allowed": allowed})

    def _note_end(self, task: "asyncio.Task[None]") -> None:
        # Taken here, so that a failure nobody asks for is not reported as never retrieved.
        if not task.cancelled():
            task.exception()
        self.on_end()
        self._answered.set()

    def _deadline_error(self, what: str, timeout_s: float) -> DeadlineExceededError:
        waiting = self.outbox.waiting
        reason = "no answer from the service"
        if (error := last_error_of(self._retries)) is not None:
            reason = error.message
        elif waiting is not None:
            reason = f"{waiting.side} waits: {waiting}"
        message = (
            f"{what} to table {self._table!r}: {len(self.outbox)} blocks unaccepted after {timeout_s:g} s ({reason})"
        )
        return DeadlineExceededError(message, details={"table": self._table, "timeout_s": f"{timeout_s:g}"})


def _nothing() -> None:
    """Stand for a listener that is not there."""
