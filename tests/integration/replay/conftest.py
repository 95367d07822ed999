"""A replay service on a real server, with the SDK's client and bare streams to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import grpc.aio
import numpy as np
import pytest

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.api.replay.v1 import replay_pb2_grpc
from heronry.client.replay import ReplayClient
from heronry.replay import ReplayService, ReplaySettings, build
from heronry.runtime import ServiceNode
from heronry.types.columns import ColumnSpec
from heronry.types.experience import Block
from heronry.types.tables import TableInfo
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion
from heronry.wire.blocks import block_to_proto
from heronry.wire.columns import column_spec_to_proto
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

    async def writer(self, writer_id: str = "w", *, lanes: int = 1, specs: tuple = (STEP,)) -> "RawWriter":
        writer = RawWriter(self.stub.Append(), lanes)
        columns = [column_spec_to_proto(s) for s in specs]
        header = pb.AppendHeader(table="t", writer_id=writer_id, writer_epoch=1, columns=columns, num_lanes=lanes)
        await writer.call.write(pb.AppendRequest(header=header))
        writer.opened = await writer.read()
        return writer

    async def reader(self, batch_size: int, num_credits: int = 1, table: str = "t") -> "RawReader":
        call = self.stub.Sample()
        await call.write(pb.SampleRequest(header=pb.SampleHeader(table=table, batch_size=batch_size)))
        reader = RawReader(call)
        await reader.grant(num_credits)
        return reader


class RawWriter:
    def __init__(self, call: grpc.aio.StreamStreamCall, lanes: int) -> None:
        self.call, self.lanes = call, lanes
        self.opened: pb.AppendResponse | None = None

    async def write(self, sequence: int, values: list[int], number: int = 1) -> None:
        columns = {"step": np.array(values, np.int64).reshape(-1, self.lanes)}
        block = block_to_proto(Block(sequence, columns, ParameterVersion(1, number)))
        await self.call.write(pb.AppendRequest(block=block))

    async def read(self) -> pb.AppendResponse:
        async with asyncio.timeout(PATIENCE_S):
            return await self.call.read()


class RawReader:
    def __init__(self, call: grpc.aio.StreamStreamCall) -> None:
        self.call = call

    async def grant(self, num_batches: int) -> None:
        await self.call.write(pb.SampleRequest(credits=pb.SampleCredits(num_batches=num_batches)))

    async def read(self) -> pb.SampleResponse:
        async with asyncio.timeout(PATIENCE_S):
            return await self.call.read()

    async def drain(self) -> None:
        while (await self.read()) is not grpc.aio.EOF:
            continue

    async def steps(self) -> list[int]:
        while True:
            response = await self.read()
            if response.WhichOneof("part") == "batch":
                paths = [c.path for c in response.batch.columns]
                return np.frombuffer(response.batch.data[paths.index("step")], np.int64).tolist()


@pytest.fixture
async def run() -> AsyncIterator[Callable]:
    """Return what starts a service with settings."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(**settings: object) -> Running:
            chosen = ReplaySettings(instance="replay-0", **{"waiting_period_s": 0.05, **settings})
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
def specs() -> dict[str, ColumnSpec]:
    return {"step": STEP, "wide": WIDE}
