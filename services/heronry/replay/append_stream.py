"""One Append stream: messages to and from an append session."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Final

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.replay.config import ReplaySettings
from heronry.replay.core.append_session import AppendHeader, AppendProgress, AppendSession
from heronry.replay.hosts import TableHost, TableHosts
from heronry.replay.stream_inbox import StreamInbox
from heronry.replay.told_waits import told_why
from heronry.types.blocking import Changed, Waiting, WouldBlock
from heronry.types.errors import HeronryError, InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel, Block, ItemSlices
from heronry.wire.append_frames import AppendFrameReader
from heronry.wire.blocks import items_from_proto
from heronry.wire.columns import column_spec_from_proto
from heronry.wire.levels import level_to_proto
from heronry.wire.tables import waiting_to_proto

Send = Callable[[pb.AppendResponse], Awaitable[None]]
Part = Block | ItemSlices | pb.AppendEnd

# At most so many bytes are stored on the event loop: tens of microseconds.
_SHORT_BYTES: Final = 64 << 10


async def serve_append(requests: AsyncIterable[bytes], send: Send, hosts: TableHosts, settings: ReplaySettings) -> None:
    """Take blocks and items until the writer ends or is lost; answer those that are in the table.

    While some are stored, as many as there are credits are read ahead: a limiter that holds back shows as
    credits that do not come back, and a writer that ignores its credits fills its own connection. What is
    accepted together is answered together, when it has reached the table's level. A stream that just ends
    leaves the writer known: it may come back and go on by sequence.
    """
    iterator = aiter(requests)
    first = await anext(iterator, None)
    if first is None:
        return
    frames = AppendFrameReader()
    header = _header(frames.read(first))
    host = hosts.get(header.table)
    session = AppendSession(host.table, header, settings.append_credits)
    try:
        opened = await host.call(session.open)
        inbox: StreamInbox[Part] = StreamInbox(
            iterator, lambda frame: _part(frames.read(frame)), settings.append_credits
        )
        answers = _Answers(host, send, inbox.fail)
        try:
            await answers.give(opened)
            await _take_blocks(session, host, inbox, answers, settings.waiting_period_s)
            await answers.finish()
        finally:
            await inbox.close()
            await answers.close()
    finally:
        await host.finish(session.close)


async def _take_blocks(
    session: AppendSession, host: TableHost, inbox: StreamInbox[Part], answers: "_Answers", period_s: float
) -> None:
    unanswered = session.progress
    while await inbox.wait():
        if isinstance(inbox.messages[0], pb.AppendEnd):
            await host.call(session.end)
            break
        progress = _append_at_once(session, host, inbox.messages)
        if progress is None:
            progress = await told_why(
                host.change(_append, session, inbox.messages), host, "insert", period_s, answers.tell
            )
        inbox.taken()
        # One answer for two blocks where the next is here already, unless the writer would run out of credits.
        await asyncio.sleep(0)
        if inbox.messages and 2 * (progress.accepted_sequence - unanswered.accepted_sequence) < progress.credits:
            continue
        unanswered = progress
        await answers.give(progress)
    if session.progress != unanswered:
        await answers.give(session.progress)


def _append_at_once(session: AppendSession, host: TableHost, parts: deque[Part]) -> AppendProgress | None:
    """Append here and now where that is short, the table free and the limiter willing; None otherwise."""
    # Such a table may have to force its log to the disk before steps can take the place of others.
    if host.table.definition.acknowledgement is AcknowledgementLevel.DISK:
        return None
    if sum(map(_num_bytes, tuple(parts))) > _SHORT_BYTES:
        return None
    changed = host.attempt(_append, session, parts)
    return None if changed is None else changed.value


def _append(session: AppendSession, parts: deque[Part]) -> Changed[AppendProgress]:
    """Append what has come in, taking out what is accepted; in the table's owner.

    An error, or a limiter that lets no more in, concerns the caller only when it is the first one's: those
    before it are accepted and must be answered.
    """
    progress: AppendProgress | None = None
    conditions: frozenset[object] = frozenset()
    while parts and not isinstance(part := parts[0], pb.AppendEnd):
        try:
            changed = _append_one(session, part)
        except WouldBlock as blocked:
            if progress is None:
                raise
            conditions |= blocked.changed
            break
        except HeronryError:
            if progress is None:
                raise
            break
        parts.popleft()
        progress = changed.value
        conditions |= changed.conditions
    return Changed(progress or session.progress, conditions)


def _append_one(session: AppendSession, part: Block | ItemSlices) -> Changed[AppendProgress]:
    return session.append(part) if isinstance(part, Block) else session.append_items(part)


class _Answers:
    """Answers a writer; where an answer must wait for the disk, the next blocks are stored meanwhile.

    One answer stands for all before it: while one waits, only the latest is kept. When one that waits fails,
    `fail` is told: the writer may have nothing more to send before it is answered.
    """

    def __init__(self, host: TableHost, send: Send, fail: Callable[[Exception], None]) -> None:
        self._host = host
        self._send = send
        self._fail = fail
        self._sending = asyncio.Lock()
        self._answered: AppendProgress | None = None
        self._latest: AppendProgress | None = None
        self._task: asyncio.Task[None] | None = None

    async def tell(self, waiting: Waiting) -> None:
        """Say why the writer waits, and nothing new of what is accepted: that may not have its level yet."""
        if self._answered is not None:
            await self._send_one(_response(self._answered, waiting))

    async def give(self, progress: AppendProgress) -> None:
        """Answer when the blocks have the table's level; at once where they have it.

        Raises:
          Exception: what a former answer ran into.
        """
        if self._task is None and self._host.is_settled:
            await self._answer(progress)
            return
        self._latest = progress
        if self._task is not None and self._task.done():
            self._task.result()
            self._task = None
        if self._task is None:
            self._task = asyncio.ensure_future(self._answer_latest())

    async def finish(self) -> None:
        """Wait until all is answered."""
        if self._task is not None:
            await self._task

    async def close(self) -> None:
        """Drop what is not answered."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _answer_latest(self) -> None:
        try:
            while (progress := self._latest) is not None:
                await self._host.settled()
                if self._latest is progress:
                    self._latest = None
                await self._answer(progress)
        except Exception as error:
            self._fail(error)
            raise

    async def _answer(self, progress: AppendProgress) -> None:
        self._answered = progress
        await self._send_one(_response(progress))

    async def _send_one(self, response: pb.AppendResponse) -> None:
        async with self._sending:
            await self._send(response)


def _header(part: Block | pb.AppendRequest) -> AppendHeader:
    kind = "block" if isinstance(part, Block) else part.WhichOneof("part")
    if isinstance(part, Block) or kind != "header":
        raise InvalidArgumentError.of("part", kind, "header, as the first message")
    header = part.header
    return AppendHeader(
        table=header.table,
        writer_id=header.writer_id,
        writer_epoch=header.writer_epoch,
        columns=tuple(column_spec_from_proto(c) for c in header.columns),
        num_lanes=header.num_lanes,
    )


def _part(part: Block | pb.AppendRequest) -> Part:
    if isinstance(part, Block):
        return part
    kind = part.WhichOneof("part")
    if kind == "items":
        return items_from_proto(part.items)
    if kind == "end":
        return part.end
    raise InvalidArgumentError.of("part", kind, "block, items or end after the header")


def _num_bytes(part: Part) -> int:
    if isinstance(part, Block):
        return sum(column.nbytes for column in part.columns.values())
    return 0 if isinstance(part, pb.AppendEnd) else part.lanes.nbytes + part.starts.nbytes


def _response(progress: AppendProgress, waiting: Waiting | None = None) -> pb.AppendResponse:
    return pb.AppendResponse(
        accepted_sequence=progress.accepted_sequence,
        level=level_to_proto(progress.level),
        credits=progress.credits,
        waiting=None if waiting is None else waiting_to_proto(waiting),
    )
