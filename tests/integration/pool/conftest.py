"""Replay services as shards of a pool; each can be stopped and started again at its address."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from heronry.client import ConnectionOptions, ReplayBufferPool
from heronry.replay import ReplaySettings, build
from heronry.runtime import ServiceNode
from heronry.types.columns import ColumnSpec
from heronry.types.experience import AcknowledgementLevel
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

STEP = ColumnSpec("step", ElementType.INT64, ())
OPTIONS = ConnectionOptions(client_id="tester", timeout_s=5.0, retry_s=1.0, reconnect_s=20.0)
VERSION = ParameterVersion(1, 1)


class Shards:
    """Services that are started, stopped and started again."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._nodes: dict[int, ServiceNode] = {}
        self.addresses: list[str] = []

    async def start(self, index: int, *, shard: int | None = None) -> str:
        listen = self.addresses[index] if index < len(self.addresses) else "127.0.0.1:0"
        settings = ReplaySettings(
            instance=f"replay-{index}",
            listen=(listen,),
            data_dir=self._data_dir / str(index),
            shard=index if shard is None else shard,
            waiting_period_s=0.05,
            drain_s=0.2,
        )
        node = ServiceNode(build(settings), settings)
        await node.start()
        self._nodes[index] = node
        if index == len(self.addresses):
            self.addresses.append(node.addresses[0])
        return node.addresses[0]

    async def stop(self, index: int) -> None:
        await self._nodes.pop(index).stop()

    async def stop_all(self) -> None:
        for index in list(self._nodes):
            await self.stop(index)


@pytest.fixture
async def shards(tmp_path: Path) -> AsyncIterator[Shards]:
    services = Shards(tmp_path)
    for index in range(3):
        await services.start(index)
    yield services
    await services.stop_all()


@pytest.fixture
async def pool(shards: Shards) -> AsyncIterator[ReplayBufferPool]:
    async with ReplayBufferPool(shards.addresses, OPTIONS, seed=0) as opened:
        yield opened


@pytest.fixture
def define() -> Callable[..., TableDefinition]:
    def make(**changes: object) -> TableDefinition:
        settings = {
            "table": "t",
            "sampler": Selector.uniform(),
            "remover": Selector.fifo(),
            "rate_limiter": RateLimiter.of_min_size(1),
            "max_size": 30_000,
            "columns": (STEP,),
            **changes,
        }
        return TableDefinition(**settings)

    return make


@pytest.fixture
def fill() -> Callable:
    """Appends single steps to a pool's table, each its own value and priority."""

    async def write(pool: ReplayBufferPool, values, *, priorities=None, writer_id: str | None = None) -> str:
        async with pool.writer("t", columns=(STEP,), num_lanes=1, writer_id=writer_id) as writer:
            steps = np.array(list(values), np.int64).reshape(-1, 1)
            own = None if priorities is None else np.array(list(priorities), np.float64).reshape(-1, 1)
            await writer.append({"step": steps}, VERSION, priorities=own)
            address = writer.address
            await writer.flush(timeout_s=5)
        return address

    return write


@pytest.fixture
def until() -> Callable:
    """Waits until something holds, ten seconds at most."""

    async def wait(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110 # the state is seen by looking alone
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def process_level() -> AcknowledgementLevel:
    return AcknowledgementLevel.PROCESS


@pytest.fixture
async def twin_shards(tmp_path: Path) -> AsyncIterator[list[str]]:
    """Two services that have the same number."""
    async with contextlib.AsyncExitStack() as stack:
        services = Shards(tmp_path)
        stack.push_async_callback(services.stop_all)
        yield [await services.start(0, shard=5), await services.start(1, shard=5)]
