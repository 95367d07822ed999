"""A replay service on a real server, with the SDK's client and bare streams to it."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio
import numpy as np
import pytest
from zygote import Zygote

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.api.replay.v1 import replay_pb2_grpc
from heronry.client.replay import ReplayClient
from heronry.replay import ReplayService, ReplaySettings, build
from heronry.runtime import ServiceNode
from heronry.types.columns import ColumnSpec
from heronry.types.errors import HeronryError
from heronry.types.experience import Batch, Block
from heronry.types.tables import TableInfo
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion
from heronry.wire.batches import BatchAssembler
from heronry.wire.blocks import block_to_proto
from heronry.wire.columns import column_spec_to_proto
from heronry.wire.status import error_from_rpc
from heronry.wire.tables import table_definition_to_proto, table_info_from_proto

STEP = ColumnSpec("step", ElementType.INT64, ())
WIDE = ColumnSpec("wide", ElementType.FLOAT32, (4096,))
PATIENCE_S = 10


@dataclass
class Running:
    """A service that serves, and ways to call it."""

    service: ReplayService
    node: ServiceNode
    channel: grpc.aio.Channel
    client: ReplayClient
    stub: object = field(init=False)

    def __post_init__(self) -> None:
        self.stub = replay_pb2_grpc.ReplayServiceStub(self.channel)

    async def create(self, definition: object) -> None:
        request = pb.CreateTableRequest(definition=table_definition_to_proto(definition))
        await self.stub.CreateTable(request, timeout=PATIENCE_S)

    async def info(self, table: str = "t") -> TableInfo:
        return table_info_from_proto((await self.stub.GetTable(pb.GetTableRequest(table=table), timeout=5)).info)

    async def until(self, holds: Callable[[TableInfo], bool]) -> TableInfo:
        async with asyncio.timeout(PATIENCE_S):
            while not holds(info := await self.info()):  # noqa: ASYNC110 # the state is seen by asking alone
                await asyncio.sleep(0.01)
        return info

    async def writer(
        self, writer_id: str = "w", *, lanes: int = 1, specs: tuple = (STEP,), table: str = "t"
    ) -> "RawWriter":
        writer = RawWriter(self.stub.Append(), lanes)
        columns = [column_spec_to_proto(s) for s in specs]
        header = pb.AppendHeader(table=table, writer_id=writer_id, writer_epoch=1, columns=columns, num_lanes=lanes)
        await writer.call.write(pb.AppendRequest(header=header))
        writer.opened = await writer.read()
        return writer

    async def reader(self, batch_size: int, num_credits: int = 1, table: str = "t", **header: object) -> "RawReader":
        call = self.stub.Sample()
        await call.write(pb.SampleRequest(header=pb.SampleHeader(table=table, batch_size=batch_size, **header)))
        reader = RawReader(call)
        # Where the header is to be refused nothing may follow it: a write to a call that has ended hides the reason.
        if num_credits:
            await reader.grant(num_credits)
        return reader


async def refused(reads: Callable[[], Awaitable[object]], error: type[HeronryError], match: str) -> None:
    """Check that reading a stream ends with a named error."""

    async def read_all() -> None:
        while await reads() is not grpc.aio.EOF:
            continue

    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await read_all()
    found = error_from_rpc(ended.value)
    assert type(found) is error
    assert re.search(match, found.message), found.message


class RawWriter:
    def __init__(self, call: grpc.aio.StreamStreamCall, lanes: int) -> None:
        self.call, self.lanes = call, lanes
        self.opened: pb.AppendResponse | None = None

    async def write(self, sequence: int, values: list[int], number: int = 1, **facts: object) -> None:
        columns = {"step": np.array(values, np.int64).reshape(-1, self.lanes)}
        block = block_to_proto(Block(sequence, columns, ParameterVersion(1, number), **facts))
        await self.call.write(pb.AppendRequest(block=block))

    async def read(self) -> pb.AppendResponse:
        async with asyncio.timeout(PATIENCE_S):
            return await self.call.read()

    async def accepted(self, sequence: int) -> int:
        """Read answers, each of which stands for all blocks before it, until one reaches a sequence."""
        while (answer := await self.read()).accepted_sequence < sequence:
            continue
        return answer.accepted_sequence


class RawReader:
    def __init__(self, call: grpc.aio.StreamStreamCall) -> None:
        self.call = call
        self.assembler = BatchAssembler()

    async def grant(self, num_batches: int) -> None:
        await self.call.write(pb.SampleRequest(credits=pb.SampleCredits(num_batches=num_batches)))

    async def read(self) -> pb.SampleResponse:
        async with asyncio.timeout(PATIENCE_S):
            return await self.call.read()

    async def drain(self) -> None:
        while (await self.read()) is not grpc.aio.EOF:
            continue

    async def batch(self) -> Batch:
        while True:
            batch = self.assembler.add(await self.read())
            if isinstance(batch, Batch):
                return batch

    async def steps(self) -> list[int]:
        return (await self.batch()).columns["step"].ravel().tolist()


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    started = Zygote(Path(__file__).with_name("zygote.py"))
    yield started
    started.close()


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Callable]:
    """Return what starts a service with settings."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(**settings: object) -> Running:
            chosen = ReplaySettings(instance="replay-0", **{"waiting_period_s": 0.05, "data_dir": tmp_path, **settings})
            service = build(chosen)
            node = ServiceNode(service, chosen)
            await node.start()
            stack.push_async_callback(node.stop)
            channel = grpc.aio.insecure_channel(node.addresses[0], [("grpc.max_receive_message_length", 8 << 20)])
            client = ReplayClient(node.addresses[0])
            stack.push_async_callback(client.close)
            stack.push_async_callback(channel.close)
            return Running(service, node, channel, client)

        yield start


@pytest.fixture
def ends_with() -> Callable:
    """Return what checks how a stream ends."""
    return refused


@pytest.fixture
def specs() -> dict[str, ColumnSpec]:
    return {"step": STEP, "wide": WIDE}
