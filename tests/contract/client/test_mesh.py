"""The face of the SDK: one address, all services; the same over both flavours."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

import heronry.client
import heronry.client.sync
import heronry.coordinator
import heronry.fleet
import heronry.learner
import heronry.params
import heronry.replay
from heronry.launch.embedded import EmbeddedMesh
from heronry.runtime.node import ServiceNode
from heronry.types.errors import (
    ConfigurationError,
    DeadlineExceededError,
    RunNotFoundError,
    ServiceNotFoundError,
    UnavailableError,
)
from heronry.types.run import RunState, ServiceRole

SPEC: dict[str, Any] = {"environment": {"id": "CartPole-v1"}, "algorithm": {"name": "external"}}
Connect = Callable[..., Any]


def make_weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    sizes = {"0": (64, 4), "1": (64, 64), "head": (2, 64)}
    weights = {f"policy/{n}/weight": rng.normal(0, 0.1, s).astype(np.float32) for n, s in sizes.items()}
    return weights | {f"policy/{n}/bias": np.zeros(s[0], np.float32) for n, s in sizes.items()}


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    async with EmbeddedMesh(data_dir=tmp_path) as mesh:
        yield mesh.address


class SyncMesh:
    """The blocking mesh, its clients awaitable."""

    def __init__(self, make: Callable[[], heronry.client.sync.Mesh], wrap: Callable[[Any], Any]) -> None:
        self._make = make
        self._wrap = wrap

    async def __aenter__(self) -> Any:
        self._mesh = await asyncio.to_thread(self._make)
        wrapped = self._wrap(self._mesh)
        for name in ("params", "replay", "coordinator", "fleet", "learner"):
            setattr(wrapped, name, self._wrap(getattr(self._mesh, name)))
        return wrapped

    async def __aexit__(self, *error: object) -> None:
        await asyncio.to_thread(self._mesh.close)


@pytest.fixture(params=["async", "sync"])
def connect(request: pytest.FixtureRequest, awaitable: Callable[[Any], Any]) -> Connect:
    if request.param == "async":
        return heronry.client.Mesh.connect
    return lambda *a, **k: SyncMesh(lambda: heronry.client.sync.Mesh.connect(*a, **k), awaitable)


async def test_one_address_leads_to_every_service(connect: Connect, address: str) -> None:
    async with connect(address) as mesh:
        services = await mesh.coordinator.list_services()
        fleets = await mesh.services(ServiceRole.FLEET)

        assert {s.role for s in services} >= {ServiceRole.PARAMS, ServiceRole.REPLAY, ServiceRole.FLEET}
        assert [f.instance for f in fleets] == ["fleet-0"]
        assert await mesh.replay.list_tables() == ()
        assert (await mesh.fleet.statistics()).run_id == ""
        assert (await mesh.learner.statistics()).num_updates == 0


async def test_a_run_with_the_caller_s_learner_collects_for_it(connect: Connect, address: str) -> None:
    async with connect(address) as mesh:
        run = await mesh.start_run(SPEC)
        version, created = await mesh.params.register_model("policy", make_weights())
        batches = mesh.replay.sample("experience", batch_size=8, timeout_s=20.0)
        batch = await anext(batches)
        await batches.aclose()
        evaluation = await mesh.fleet.evaluate(num_episodes=2, seed=1)
        paused = await mesh.coordinator.pause()
        stopped = await mesh.coordinator.stop(evaluate=False)
        statuses = [status async for status in mesh.coordinator.watch_run(run.run_id)]

    assert created
    assert batch.columns["observation"].shape == (32, 8, 4)
    assert set(batch.behaviour_numbers) == {version.number}
    assert evaluation.version == version
    assert len(evaluation.returns) == 2
    assert paused.state is RunState.PAUSED
    assert stopped.run_id == run.run_id
    assert statuses[-1].state is RunState.STOPPED


async def test_nobody_at_the_address_is_told_at_once_and_what_to_start(connect: Connect) -> None:
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1.*heronry up"):
        async with connect("127.0.0.1:1"):
            pytest.fail("it connected")


async def test_a_text_that_is_no_address_is_refused(connect: Connect) -> None:
    with pytest.raises(ConfigurationError, match="address: got 'nowhere', allowed: `unix:/path` or `host:port`"):
        async with connect("nowhere"):
            pytest.fail("it connected")


async def test_a_peer_that_never_answers_runs_into_the_deadline(connect: Connect) -> None:
    # The kernel takes the connection, nobody reads from it.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(DeadlineExceededError, match=r"no answer to ListServices within 0\.5 s"):
            async with connect(f"127.0.0.1:{port}", timeout_s=0.5):
                pytest.fail("it connected")


async def test_an_unknown_run_is_named(connect: Connect, address: str) -> None:
    async with connect(address) as mesh:
        with pytest.raises(RunNotFoundError, match="'none'"):
            await mesh.coordinator.get_run("none")


async def test_a_misspelt_key_names_the_nearest_one(connect: Connect, address: str) -> None:
    async with connect(address) as mesh:
        with pytest.raises(ConfigurationError, match="environment"):
            await mesh.coordinator.submit_run({"enviroment": {"id": "CartPole-v1"}})


async def test_a_service_that_is_not_there_is_named_with_those_that_are(address: str) -> None:
    async with heronry.client.Mesh.connect(address) as mesh:
        resolve = mesh._resolver(ServiceRole.COORDINATOR)

        with pytest.raises(ServiceNotFoundError, match="'fleet'"):
            await resolve()


async def test_the_blocking_twin_works_while_the_caller_s_loop_runs(address: str) -> None:
    with heronry.client.sync.Mesh.connect(address) as mesh:
        assert mesh.services(ServiceRole.PARAMS)

    with pytest.raises(UnavailableError, match="the mesh is closed"):
        mesh.params.list_models()


def test_a_mesh_inside_the_process_needs_no_address(tmp_path: Path) -> None:
    with heronry.client.sync.Mesh.embedded(data_dir=tmp_path) as mesh:
        assert mesh.address.startswith("unix:")
        assert mesh.params.list_models() == ()


@pytest.fixture
async def tcp_address(tmp_path: Path) -> AsyncIterator[str]:
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    nodes: list[ServiceNode] = []
    for package in (heronry.coordinator, heronry.params, heronry.replay, heronry.fleet, heronry.learner):
        settings_class = get_type_hints(package.build)["settings"]
        coordinator = nodes[0].addresses[0] if nodes else ""
        settings = settings_class(listen=("127.0.0.1:0",), coordinator=coordinator, data_dir=tmp_path)
        nodes.append(ServiceNode(package.build(settings), settings))
        await nodes[-1].start()
    yield nodes[0].addresses[0]
    for node in reversed(nodes):
        await node.stop()


async def test_a_mesh_without_unix_sockets_serves_a_run_too(connect: Connect, tcp_address: str) -> None:
    async with connect(tcp_address) as mesh:
        await mesh.start_run(SPEC)
        version, _ = await mesh.params.register_model("policy", make_weights())
        batches = mesh.replay.sample("experience", batch_size=8, timeout_s=20.0)
        batch = await anext(batches)
        await batches.aclose()
        zeros = {name: np.zeros_like(array) for name, array in (await mesh.params.pull("policy")).items()}
        pushed = await mesh.params.push("policy", zeros, base_version=version)
        services = await mesh.coordinator.list_services()
        await mesh.coordinator.stop(evaluate=False)

    assert batch.columns["observation"].shape == (32, 8, 4)
    assert pushed.counted
    assert all(address.startswith("127.0.0.1:") for service in services for address in service.addresses)
