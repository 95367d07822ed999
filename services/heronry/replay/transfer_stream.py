"""Items on their way out of a table and into one, as runs of steps."""

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Final

import numpy as np

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.replay.core.export_session import ExportSession
from heronry.replay.core.import_session import ImportSession, RunFacts
from heronry.replay.core.windows import StoredRun
from heronry.replay.hosts import TableHost, TableHosts
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import Run, RunItems
from heronry.wire.step_runs import run_from_proto, run_to_proto
from heronry.wire.tables import table_info_to_proto

Send = Callable[[pb.ExportResponse], Awaitable[None]]

# A run's steps are cut well below the bound of a message: its items and headers come on top.
_RUN_BYTES: Final = 1 << 20
_MESSAGE_BYTES: Final = 2 << 20


async def serve_export(request: pb.ExportRequest, send: Send, hosts: TableHosts) -> None:
    """Send a table's items as runs, in messages of at most 2 MiB; a run that exceeds it goes alone.

    One message is in memory at a time. A reader that stalls is ended by the deadline of every stream, and what
    was held for it is let go.
    """
    host = hosts.get(request.table)
    info = table_info_to_proto(await host.info())
    session: ExportSession = await host.call(ExportSession, host.table, request.max_items, _RUN_BYTES)
    try:
        message = pb.ExportResponse(info=info)
        size = message.ByteSize()
        while (run := await host.call(_next_run, session)) is not None:
            run_size = run.ByteSize()
            if size + run_size > _MESSAGE_BYTES and (message.runs or message.HasField("info")):
                await send(message)
                message, size = pb.ExportResponse(), 0
            message.runs.append(run)
            size += run_size
        if message.runs or message.HasField("info"):
            await send(message)
    finally:
        await host.finish(session.close)


async def serve_import(requests: AsyncIterable[pb.ImportRequest], hosts: TableHosts) -> pb.ImportResponse:
    """Insert the runs that come; answer when all are in and have the table's level.

    Runs before one that is refused stay in.
    """
    iterator = aiter(requests)
    first = await anext(iterator, None)
    if first is None:
        raise InvalidArgumentError.of("table", "", "a name, in the first message")
    host = hosts.get(first.table)
    session = ImportSession(host.table)
    try:
        await _insert(host, session, first)
        async for request in iterator:
            if request.table:
                raise InvalidArgumentError.of("table", request.table, "empty after the first message")
            await _insert(host, session, request)
    finally:
        await host.finish(session.close)
    await host.settled()
    return pb.ImportResponse(num_items=session.num_items, num_steps=session.num_steps)


async def _insert(host: TableHost, session: ImportSession, request: pb.ImportRequest) -> None:
    for message in request.runs:
        run = run_from_proto(message)
        await host.change(session.insert_run, _stored_run(run), _facts_of(run.items))


def _next_run(session: ExportSession) -> pb.Run | None:
    # Encoded here, in the owner's thread: it takes longer than the loop may be held up.
    run = session.next_run()
    return None if run is None else run_to_proto(run)


def _stored_run(run: Run) -> StoredRun:
    items = run.items
    indices = np.arange(len(items))
    return StoredRun(run.lane, run.first_step, run.columns, items.starts, items.lengths, indices, run.history)


def _facts_of(items: RunItems) -> RunFacts:
    return RunFacts(items.priorities, items.times_sampled, items.behaviour_epochs, items.behaviour_numbers)
