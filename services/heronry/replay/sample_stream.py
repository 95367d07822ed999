"""One Sample stream: messages to and from what draws its batches."""

from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final

import numpy as np

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.replay.batch_shares import Share, SharesSource, share_probabilities
from heronry.replay.batch_source import BatchSource, TableSource
from heronry.replay.batch_transport import BatchTransport, StreamTransport
from heronry.replay.config import ReplaySettings
from heronry.replay.core.drawing import Drawing, DrawOptions
from heronry.replay.core.sample_session import Acknowledge, Credits, SampleHeader, SampleMessage, SampleSession
from heronry.replay.hosts import TableHosts
from heronry.replay.shared_memory import SharedMemory
from heronry.replay.shared_transport import SharedTransport
from heronry.replay.stream_inbox import StreamInbox
from heronry.types.blocking import Waiting
from heronry.types.errors import InvalidArgumentError
from heronry.wire.tables import waiting_to_proto

Send = Callable[[bytes], Awaitable[None]]

_MAX_INBOX: Final = 64
# What is drawn ahead of a reader: with what the transport holds, far below 16 MiB a stream.
_MAX_AHEAD_BYTES: Final = 2 << 20
_MAX_AHEAD: Final = 8


async def serve_sample(
    requests: AsyncIterable[pb.SampleRequest],
    send: Send,
    hosts: TableHosts,
    settings: ReplaySettings,
    shared_memory: SharedMemory,
) -> None:
    """Send batches while there are credits, until the reader ends or is lost.

    Nothing is drawn without a credit, and at most 8 batches of together 2 MiB, or a single one, are drawn ahead
    of what was sent: so much a reader that stops reading holds back, beside the shared memory it was lent. A
    reader that half-closes gets what its credits still allow.
    """
    iterator = aiter(requests)
    first = await anext(iterator, None)
    if first is None:
        return
    header = _header(first)
    stream = StreamTransport()
    transport = SharedTransport(stream, shared_memory) if header.accept_shared_memory else stream
    source = await _open_source(header, hosts, transport, settings)
    inbox: StreamInbox[SampleMessage] = StreamInbox(iterator, lambda request: _message(request, transport), _MAX_INBOX)
    # All of it is done, in this order from below, also for a call that is cancelled again meanwhile.
    async with AsyncExitStack() as closing:
        closing.callback(transport.close)
        closing.push_async_callback(source.close, inbox.messages)
        closing.push_async_callback(inbox.close)
        for message in transport.opening():
            await send(message)
        await _send_batches(source, transport, inbox, send)


async def _send_batches(
    source: BatchSource, transport: BatchTransport, inbox: StreamInbox[SampleMessage], send: Send
) -> None:
    async def tell(waiting: Waiting) -> None:
        await send(pb.SampleResponse(waiting=waiting_to_proto(waiting)).SerializeToString())

    while source.may_collect or await inbox.wait():
        # The size is known with the first batch.
        num_bytes = transport.num_bytes
        max_batches = max(1, min(_MAX_AHEAD, _MAX_AHEAD_BYTES // num_bytes)) if num_bytes else 1
        batches = await source.advance(inbox.messages, num_bytes, max_batches, tell)
        inbox.taken()
        for batch in batches:
            for message in transport.messages(batch):
                await send(message)


async def _open_source(
    header: pb.SampleHeader, hosts: TableHosts, transport: BatchTransport, settings: ReplaySettings
) -> BatchSource:
    if header.shares:
        return await _open_shares(header, hosts, transport, settings)
    host = hosts.get(header.table)
    opening = SampleHeader(
        header.table, header.batch_size, tuple(header.columns), header.independent, header.without_replacement
    )
    session: SampleSession = await host.call(
        SampleSession, host.table, opening, settings.max_batch_bytes, transport.new_buffer
    )
    return TableSource(host, session, settings.waiting_period_s)


async def _open_shares(
    header: pb.SampleHeader, hosts: TableHosts, transport: BatchTransport, settings: ReplaySettings
) -> BatchSource:
    if header.table:
        raise InvalidArgumentError.of("header.table", header.table, "empty beside shares")
    probabilities = share_probabilities([share.weight for share in header.shares])
    tables = [hosts.get(share.table) for share in header.shares]
    shares: list[Share] = []
    for index, (host, probability) in enumerate(zip(tables, probabilities, strict=True)):
        options = DrawOptions(
            batch_size=header.batch_size,
            columns=tuple(header.columns),
            independent=header.independent,
            without_replacement=header.without_replacement,
            table_index=index,
            max_batch_bytes=settings.max_batch_bytes,
        )
        shares.append(Share(host, await host.call(Drawing, host.table, options), probability))
    rng = np.random.default_rng([host.declared.seed for host in tables])
    return SharesSource(shares, header.batch_size, rng, transport.new_buffer, settings.waiting_period_s)


def _message(request: pb.SampleRequest, transport: BatchTransport) -> SampleMessage | None:
    part = request.WhichOneof("part")
    if part == "credits":
        return Credits(request.credits.num_batches)
    if part == "acknowledge":
        return Acknowledge(request.acknowledge.batch_id)
    if part == "release":
        transport.release(request.release.slots)
    elif part == "attached":
        transport.attached(is_attached=request.attached.attached)
    else:
        raise InvalidArgumentError.of("part", part, "credits, acknowledge, release or attached after the header")
    return None


def _header(request: pb.SampleRequest) -> pb.SampleHeader:
    if request.WhichOneof("part") != "header":
        raise InvalidArgumentError.of("part", request.WhichOneof("part"), "header, as the first message")
    return request.header
