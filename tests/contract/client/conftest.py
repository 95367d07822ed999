"""One suite over both clients: the blocking twin is driven from a thread, behind awaitable methods."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pytest

import heronry.client
import heronry.client.sync
from heronry.client.sync.loop import LoopThread
from heronry.params import ParamsSettings
from heronry.params import build as build_params
from heronry.replay import ReplaySettings
from heronry.replay import build as build_replay
from heronry.runtime.admission import Admission
from heronry.runtime.node import ServiceNode
from heronry.types.run import ServiceRole

OPTIONS = heronry.client.ConnectionOptions(client_id="tester", timeout_s=5.0, retry_s=1.0, reconnect_s=5.0)


class Awaitable:
    """A blocking client whose methods can be awaited and whose iterators are asynchronous."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._target, name)
        if not callable(attribute):
            return attribute
        if name == "position":
            return attribute
        if name in {"watch", "sample", "watch_run", "export", "join_rounds", "rounds"}:
            return lambda *a, **k: _follow(attribute(*a, **k))
        if name in {"writer", "priority_updates", "worker"}:
            return lambda *a, **k: Awaitable(attribute(*a, **k))
        return lambda *a, **k: asyncio.to_thread(attribute, *a, **k)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._target.__enter__)
        return self

    async def __aexit__(self, *error: object) -> None:
        await asyncio.to_thread(self._target.__exit__, *error)


async def _follow(items: Iterator[Any]) -> AsyncIterator[Any]:
    done = object()
    try:
        while (item := await asyncio.to_thread(next, items, done)) is not done:
            yield item
    finally:
        await asyncio.to_thread(items.close)  # type: ignore[attr-defined]  # they are generators


class Services:
    """Real services on TCP ports, which can be killed and started again at the same address."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._nodes: dict[ServiceRole, ServiceNode] = {}
        self.addresses: dict[ServiceRole, str] = {}
        self.params_settings: dict[str, Any] = {}

    async def start(self, role: ServiceRole) -> None:
        listen = (self.addresses.get(role, "127.0.0.1:0"),)
        common: dict[str, Any] = {"listen": listen, "data_dir": self._data_dir, "drain_s": 0.2}
        if role is ServiceRole.PARAMS:
            settings = ParamsSettings(**(common | self.params_settings))
            node = ServiceNode(build_params(settings), settings)
        else:
            replay_settings = ReplaySettings(waiting_period_s=0.05, **common)
            node = ServiceNode(build_replay(replay_settings), replay_settings)
        await node.start()
        self._nodes[role] = node
        self.addresses[role] = node.addresses[0]

    async def stop(self, role: ServiceRole) -> None:
        await self._nodes.pop(role).stop()

    def admission(self, role: ServiceRole) -> Admission:
        """Return what counts a service's streams."""
        return self._nodes[role]._server.admission  # type: ignore[union-attr]  # it was started

    async def stop_all(self) -> None:
        for role in list(self._nodes):
            await self.stop(role)


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    services = Services(tmp_path)
    # The blocking client's loop shares gRPC's poller with this one and steals its wake-ups.
    asyncio.get_running_loop().set_exception_handler(_ignore_shared_poller)
    await services.start(ServiceRole.PARAMS)
    await services.start(ServiceRole.REPLAY)
    yield services
    await services.stop_all()


@pytest.fixture(params=["async", "sync"])
async def clients(request: pytest.FixtureRequest, services: Services) -> AsyncIterator[SimpleNamespace]:
    params = heronry.client.ParamsClient(services.addresses[ServiceRole.PARAMS], OPTIONS)
    replay = heronry.client.ReplayClient(services.addresses[ServiceRole.REPLAY], OPTIONS)
    if request.param == "async":
        yield SimpleNamespace(params=params, replay=replay)
        await params.close()
        await replay.close()
        return
    loop = LoopThread()
    yield SimpleNamespace(
        params=Awaitable(heronry.client.sync.ParamsClient.of(params, loop)),
        replay=Awaitable(heronry.client.sync.ReplayClient.of(replay, loop)),
    )
    for client in (params, replay):
        await asyncio.to_thread(loop.run, client.close())
    await asyncio.to_thread(loop.close)


@pytest.fixture
def make_block() -> Callable[[int], dict[str, np.ndarray]]:
    """Blocks of two steps of three lanes whose rewards all are the number given."""

    def make(number: int) -> dict[str, np.ndarray]:
        return {
            "observation": np.full((2, 3, 4), number, np.float32),
            "reward": np.full((2, 3), number, np.float32),
        }

    return make


def _ignore_shared_poller(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), BlockingIOError):
        loop.default_exception_handler(context)


@pytest.fixture
def awaitable() -> Callable[[Any], Awaitable]:
    """Makes a blocking client awaitable."""
    return Awaitable
