"""Runs of steps on their way out of a table and into one."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from typing import Final

import grpc.aio

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import Run
from heronry.wire.step_runs import run_from_proto, run_to_proto

Runs = AsyncIterable[Run] | Iterable[Run]
ImportCall = grpc.aio.StreamUnaryCall[pb.ImportRequest, pb.ImportResponse]
ExportCall = grpc.aio.UnaryStreamCall[pb.ExportRequest, pb.ExportResponse]

# Of the runs that travel in one message; one that is longer goes alone.
_MESSAGE_BYTES: Final = 1 << 20


async def exported_runs(call: "ExportCall") -> AsyncGenerator[Run, None]:
    """Yield the runs of an export; leaving it early ends the call."""
    try:
        async for response in call:
            for run in response.runs:
                yield run_from_proto(run)
    finally:
        call.cancel()


async def imported(call: "ImportCall", table: str, runs: Runs) -> pb.ImportResponse:
    """Send the runs of an import; return the service's answer."""
    try:
        # Written one by one: gRPC would hide what goes wrong while it iterates by itself.
        async for request in _requests(table, runs):
            try:
                await call.write(request)
            except asyncio.InvalidStateError:
                # The service has ended the call: what it answered says why.
                break
        else:
            await call.done_writing()
        return await call
    finally:
        call.cancel()


async def _requests(table: str, runs: Runs) -> AsyncIterator[pb.ImportRequest]:
    yield pb.ImportRequest(table=table)
    waiting: list[pb.Run] = []
    num_bytes = 0
    async for run in _each(runs):
        message = run_to_proto(run)
        size = message.ByteSize()
        if waiting and num_bytes + size > _MESSAGE_BYTES:
            yield pb.ImportRequest(runs=waiting)
            waiting, num_bytes = [], 0
        waiting.append(message)
        num_bytes += size
    if waiting:
        yield pb.ImportRequest(runs=waiting)


async def _each(runs: Runs) -> AsyncIterator[Run]:
    if isinstance(runs, AsyncIterable):
        async for run in runs:
            yield _checked(run)
    else:
        for run in runs:
            yield _checked(run)


def _checked(run: object) -> Run:
    if not isinstance(run, Run):
        raise InvalidArgumentError.of("runs", type(run), "values of Run, as an export yields them")
    return run
