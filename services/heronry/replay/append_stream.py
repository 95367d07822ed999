"""One Append stream: messages to and from an append session."""

from collections.abc import AsyncIterable, Awaitable, Callable

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.replay.config import ReplaySettings
from heronry.replay.core.append_session import AppendHeader, AppendProgress, AppendSession
from heronry.replay.hosts import TableHost, TableHosts
from heronry.replay.told_waits import told_why
from heronry.types.blocking import Waiting
from heronry.types.errors import InvalidArgumentError
from heronry.wire.blocks import block_from_proto
from heronry.wire.columns import column_spec_from_proto
from heronry.wire.levels import level_to_proto
from heronry.wire.tables import waiting_to_proto

Send = Callable[[pb.AppendResponse], Awaitable[None]]


async def serve_append(
    requests: AsyncIterable[pb.AppendRequest], send: Send, hosts: TableHosts, settings: ReplaySettings
) -> None:
    """Take blocks until the writer ends or is lost; answer each when its items are in the table.

    The next block is read when the one before it is accepted: a limiter that holds back shows as
    credits that do not come back, and a writer that ignores its credits fills its own connection.
    A stream that just ends leaves the writer known: it may come back and go on by sequence.
    """
    iterator = aiter(requests)
    first = await anext(iterator, None)
    if first is None:
        return
    header = _header(first)
    host = hosts.get(header.table)
    session = AppendSession(host.table, header, settings.append_credits)
    try:
        await send(_response(await host.call(session.open)))
        async for request in iterator:
            part = request.WhichOneof("part")
            if part == "end":
                return
            if part != "block":
                raise InvalidArgumentError.of("part", part, "block or end after the header")
            await send(await _append(request.block, session, host, send, settings))
    finally:
        await host.finish(session.close)


async def _append(
    message: pb.AppendBlock, session: AppendSession, host: TableHost, send: Send, settings: ReplaySettings
) -> pb.AppendResponse:
    async def tell(waiting: Waiting) -> None:
        await send(_response(session.progress, waiting))

    call = host.change(session.append, block_from_proto(message))
    return _response(await told_why(call, host, "insert", settings.waiting_period_s, tell))


def _header(request: pb.AppendRequest) -> AppendHeader:
    if request.WhichOneof("part") != "header":
        raise InvalidArgumentError.of("part", request.WhichOneof("part"), "header, as the first message")
    header = request.header
    return AppendHeader(
        table=header.table,
        writer_id=header.writer_id,
        writer_epoch=header.writer_epoch,
        columns=tuple(column_spec_from_proto(c) for c in header.columns),
        num_lanes=header.num_lanes,
    )


def _response(progress: AppendProgress, waiting: Waiting | None = None) -> pb.AppendResponse:
    return pb.AppendResponse(
        accepted_sequence=progress.accepted_sequence,
        level=level_to_proto(progress.level),
        credits=progress.credits,
        waiting=None if waiting is None else waiting_to_proto(waiting),
    )
