"""One Sample stream: messages to and from a sample session."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.replay.config import ReplaySettings
from heronry.replay.core.sample_session import Acknowledge, Credits, SampleHeader, SampleMessage, SampleSession
from heronry.replay.hosts import TableHost, TableHosts
from heronry.replay.told_waits import told_why
from heronry.types.blocking import Changed, Waiting
from heronry.types.errors import InvalidArgumentError
from heronry.wire.blocks import batch_to_proto
from heronry.wire.tables import waiting_to_proto

Send = Callable[[pb.SampleResponse], Awaitable[None]]

_MAX_INBOX = 64


async def serve_sample(
    requests: AsyncIterable[pb.SampleRequest], send: Send, hosts: TableHosts, settings: ReplaySettings
) -> None:
    """Send batches while there are credits, until the reader ends or is lost.

    Nothing is drawn without a credit and nothing is queued: a reader that stops reading holds back
    the one batch that is being sent. A reader that half-closes gets what its credits still allow.
    """
    iterator = aiter(requests)
    first = await anext(iterator, None)
    if first is None:
        return
    header = _header(first)
    host = hosts.get(header.table)
    session: SampleSession = await host.call(SampleSession, host.table, header, settings.max_batch_bytes)
    inbox = _Inbox(iterator)
    try:
        await _send_batches(session, host, inbox, send, settings.waiting_period_s)
    finally:
        await inbox.close()
        await host.finish(session.close, inbox.messages)


async def _send_batches(session: SampleSession, host: TableHost, inbox: "_Inbox", send: Send, period_s: float) -> None:
    async def tell(waiting: Waiting) -> None:
        await send(pb.SampleResponse(waiting=waiting_to_proto(waiting)))

    def advance() -> Changed[list[pb.SampleResponse]]:
        changed = session.advance(inbox.messages)
        # Encoded here, in the owner's thread: a large batch takes longer than the loop may be held up.
        messages = [] if changed.value is None else list(batch_to_proto(changed.value))
        return Changed(messages, changed.conditions)

    while session.may_collect or await inbox.wait():
        messages = await told_why(host.change(advance), host, "sample", period_s, tell)
        await inbox.taken()
        for message in messages:
            await send(message)


class _Inbox:
    """Reads a stream's requests as they come, a bounded number ahead of those who take them.

    `messages` is filled on the event loop and emptied in the owner's thread.
    """

    def __init__(self, requests: AsyncIterator[pb.SampleRequest]) -> None:
        self.messages: deque[SampleMessage] = deque()
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._has_ended = False
        self._reader = asyncio.ensure_future(self._read(requests))

    async def wait(self) -> bool:
        """Wait for a message that nobody has taken; False when none will come."""
        while not self.messages:
            if self._has_ended:
                await self._reader
                return False
            self._changed.clear()
            await self._changed.wait()
        return True

    async def taken(self) -> None:
        """Read on after messages were taken; raises what the reading ran into."""
        self._room.set()
        if self._has_ended:
            await self._reader

    async def close(self) -> None:
        """Stop reading."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self, requests: AsyncIterator[pb.SampleRequest]) -> None:
        try:
            async for request in requests:
                while len(self.messages) >= _MAX_INBOX:
                    self._room.clear()
                    await self._room.wait()
                self.messages.append(_message(request))
                self._changed.set()
        finally:
            self._has_ended = True
            self._changed.set()


def _header(request: pb.SampleRequest) -> SampleHeader:
    if request.WhichOneof("part") != "header":
        raise InvalidArgumentError.of("part", request.WhichOneof("part"), "header, as the first message")
    return SampleHeader(request.header.table, request.header.batch_size, tuple(request.header.columns))


def _message(request: pb.SampleRequest) -> SampleMessage:
    part = request.WhichOneof("part")
    if part == "credits":
        return Credits(request.credits.num_batches)
    if part == "acknowledge":
        return Acknowledge(request.acknowledge.batch_id)
    raise InvalidArgumentError.of("part", part, "credits or acknowledge after the header")
