"""Real processes that freeze or are killed: what they held is free within the keepalive, nobody else notices."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heronry.client import Mesh, ParamsClient
from heronry.client.options import ConnectionOptions
from heronry.launch.local import LocalMesh, LocalMeshSettings
from heronry.types.columns import ColumnSpec
from heronry.types.contribution import ContributionKind
from heronry.types.errors import DeadlineExceededError, HeronryError
from heronry.types.patterns import Pattern
from heronry.types.tables import TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

DEADLINE_S = 30.0
KEEPALIVE_S, PING_TIMEOUT_S = 1.0, 1.0
# Far below the defaults, which would need 25 s, and below the 30 s of a stalled stream.
NOTICED_S = KEEPALIVE_S + PING_TIMEOUT_S + 3.0
SPEC: dict[str, Any] = {
    "environment": {"id": "CartPole-v1"},
    "algorithm": {"name": "external", "batch_size": 2},
    "network": {"hidden": [8]},
    "fleet": {"num_envs": 2, "unroll_length": 8},
    "evaluation": {"every_updates": 1000},
}


async def eventually(holds: Callable[[], Any]) -> Any:
    """Wait until `holds()` gives something true; errors of services that are away count as not yet."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            with contextlib.suppress(HeronryError):
                if value := await holds():
                    return value
            await asyncio.sleep(0.02)


def policy() -> dict[str, np.ndarray]:
    shapes = {"policy/0": (8, 4), "policy/head": (2, 8), "value/0": (8, 4), "value/head": (1, 8)}
    tensors = {f"{name}/weight": np.zeros(shape, np.float32) for name, shape in shapes.items()}
    return tensors | {f"{name}/bias": np.zeros(shape[0], np.float32) for name, shape in shapes.items()}


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Hold a process as a debugger or a swapped-out machine would: its connections stay, nobody answers."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalMesh]:
    monkeypatch.setenv("HERONRY_KEEPALIVE_S", str(KEEPALIVE_S))
    monkeypatch.setenv("HERONRY_PING_TIMEOUT_S", str(PING_TIMEOUT_S))
    with LocalMesh(LocalMeshSettings(tmp_path, tmp_path / "logs")) as mesh:
        yield mesh


@contextlib.asynccontextmanager
async def busy_client(mesh: Mesh) -> AsyncIterator[list[float]]:
    """Append to and sample from a table of its own all the time; gives how long each round took."""
    table = TableDefinition.queue("other", size=4, pattern=Pattern())
    await mesh.replay.create_table(table)
    columns = {"x": np.zeros((1, 1), np.float32)}
    rounds: list[float] = []

    async def work() -> None:
        specs = [ColumnSpec("x", ElementType.FLOAT32, ())]
        batches = mesh.replay.sample("other", batch_size=1)
        async with mesh.replay.writer("other", columns=specs, num_lanes=1) as writer:
            while True:
                begun = time.monotonic()
                await writer.append(columns, ParameterVersion(1, 1))
                await anext(batches)
                rounds.append(time.monotonic() - begun)

    task = asyncio.create_task(work())
    try:
        yield rounds
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_frozen_fleet_frees_its_lanes_within_the_keepalive_and_comes_back(processes: LocalMesh) -> None:
    async with await eventually(lambda: Mesh.connect(processes.address).open()) as mesh:
        await mesh.start_run(SPEC)
        await mesh.params.register_model("policy", policy())
        reader = mesh.replay.sample("experience", batch_size=2)
        await anext(reader)

        async def num_writers() -> int:
            return (await mesh.replay.get_table("experience")).num_writers

        assert await num_writers() == 1
        async with busy_client(mesh) as rounds:
            with frozen(processes.supervisor.pids()["fleet-0"]):
                begun = time.monotonic()
                before = len(rounds)
                await eventually(lambda: _is(num_writers, 0))
                noticed_s = time.monotonic() - begun
                others = rounds[before:]
            await eventually(lambda: _is(num_writers, 1))
        steps = (await mesh.coordinator.get_run()).env_steps
        for _ in range(5):
            await anext(reader)
        await eventually(lambda: _more_steps(mesh, steps))
        await reader.aclose()

    assert noticed_s < NOTICED_S
    assert len(others) > 20
    assert max(others) < KEEPALIVE_S
    assert processes.supervisor.num_starts("fleet-0") == 1


async def _is(read: Callable[[], Any], wanted: int) -> bool:
    return await read() == wanted


async def _more_steps(mesh: Mesh, steps: int) -> bool:
    return (await mesh.coordinator.get_run()).env_steps > steps


@pytest.fixture
async def params_process(tmp_path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A parameter service of its own, and where it listens."""
    address = f"unix:{tmp_path}/p.sock"
    command = [sys.executable, "-m", "heronry.params", "--listen", address, "--data-dir", str(tmp_path / "runs")]
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=nothing, stderr=nothing)
    try:
        async with ParamsClient(address) as client:
            await eventually(lambda: _answers(client))
        yield process, address
    finally:
        process.kill()
        await process.wait()


async def _answers(client: ParamsClient) -> bool:
    return await client.list_models() is not None


@pytest.mark.parametrize("is_connected", [True, False])
async def test_a_call_that_is_not_answered_ends_at_its_deadline_and_says_which_and_when(
    params_process, is_connected: bool
) -> None:
    process, address = params_process
    async with ParamsClient(address, ConnectionOptions(timeout_s=0.7)) as client:
        await client.register_model("policy", policy())
        if is_connected:
            await client.get_model("policy")
        with frozen(process.pid):
            begun = time.monotonic()
            with pytest.raises(
                DeadlineExceededError, match=r"params at .*: no answer to GetModel within 0\.7 s"
            ) as told:
                await client.get_model("policy")
            took_s = time.monotonic() - begun

        assert 0.6 < took_s < 3.0
        assert told.value.details["method"] == "GetModel"
        assert told.value.details["timeout_s"] == "0.7"
        assert (await eventually(lambda: client.get_model("policy"))).version.number == 1


HALF_AN_UPLOAD = """
import sys, time
import grpc
import numpy as np
from heronry.api.params.v1 import params_pb2 as pb, params_pb2_grpc
from heronry.types.contribution import ContributionHeader, ContributionKind
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion
from heronry.wire.chunks import cut_frames
from heronry.wire.contributions import contribution_header_to_proto

tensors = {"w": np.full(2 << 20, 7.0, np.float32)}
flat = ModelSchema.of(tensors).pack(tensors)
header = ContributionHeader("large", "victim", "r", ParameterVersion(1, 1), ContributionKind.WEIGHTS)
chunks = [pb.PushRequest.FromString(frame) for frame in cut_frames(flat, pb.PushRequest)]

def messages():
    yield pb.PushRequest(header=contribution_header_to_proto(header, len(flat)))
    yield from chunks[: len(chunks) // 2]
    print("half", flush=True)
    time.sleep(600)

with grpc.insecure_channel(sys.argv[1]) as channel:
    metadata = (("heronry-client-id", "victim"),)
    params_pb2_grpc.ParamsServiceStub(channel).Push(messages(), metadata=metadata, timeout=600)
"""


async def test_a_client_killed_in_the_middle_of_an_upload_leaves_nothing_counted(params_process) -> None:
    _, address = params_process
    async with ParamsClient(address) as client:
        first, _ = await client.register_model("large", {"w": np.zeros(2 << 20, np.float32)})
        command = [sys.executable, "-c", HALF_AN_UPLOAD, address]
        victim = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert await victim.stdout.readline() == b"half\n"
        victim.kill()
        await victim.wait()

        ones = {"w": np.ones(2 << 20, np.float32)}
        done = await client.push("large", ones, base_version=first, kind=ContributionKind.WEIGHTS)
        info = await client.get_model("large")

    assert done.version.number == first.number + 1
    assert (info.num_accepted, info.num_pending, info.version) == (1, 0, done.version)
