"""A run of an outside learner on service processes of this machine, as a fleet's rate is measured."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from heronry.client import Mesh
from heronry.environments.making import read_spaces
from heronry.environments.settings import EnvironmentSettings
from heronry.launch.local import LocalMesh, LocalMeshSettings
from heronry.maths.networks import Layers, network_for
from heronry.spec import EXPERIENCE, RunSpec
from heronry.types.run import FleetStatistics, ServiceRole
from heronry.types.tensors import FloatArray

_START_S = 60.0
_POLL_S = 0.01
_SETTLE_S = 2.0
"""Some heartbeats: an import holds them up."""
_IDLE_CPU_S = 0.1
_NUM_BLOCKS = 4
"""Blocks of all lanes that the table holds; rates are taken once it is full, and memory in use is written again."""


@asynccontextmanager
async def running(
    environment: Mapping[str, object], fleet: Mapping[str, int], network: Mapping[str, object] | None = None
) -> AsyncIterator[Mesh]:
    """Run fleet and replay as processes, with fresh weights, until the context ends."""
    spec = {
        "environment": dict(environment),
        "fleet": dict(fleet),
        "network": dict(network or {}),
        "algorithm": {"name": "external", "table": "replay", "min_replay_size": 1, "replay_size": _room(fleet)},
        "replay": {"acknowledgement": "memory"},
        "max_env_steps": 10**12,
    }
    with tempfile.TemporaryDirectory(prefix="heronry-bench-") as folder:
        settings = LocalMeshSettings(Path(folder) / "data", Path(folder) / "logs", log_level="warning")
        with LocalMesh(settings) as local:
            mesh = await _connected(local.address)
            async with mesh:
                await mesh.start_run(spec)
                await mesh.params.register_model("policy", _weights(spec))
                yield mesh


async def rate_of(mesh: Mesh, seconds: float) -> float:
    """Return the steps a second that reached the table, over a while.

    Raises:
      TimeoutError: the fleet does not begin.
    """
    async with asyncio.timeout(_START_S + seconds):
        await _start_is_over(mesh)
        while (await mesh.replay.get_table(EXPERIENCE)).num_deletes == 0:  # noqa: ASYNC110 - only the service knows
            await asyncio.sleep(_POLL_S)
        before, began_s = await _next_block(mesh)
        await asyncio.sleep(seconds)
        after, ended_s = await _next_block(mesh)
    return _appended(before, after) / (ended_s - began_s)


async def _start_is_over(mesh: Mesh) -> None:
    """Wait until the learner has imported torch, which it does as it starts and which takes a core for seconds."""
    used_s = None
    while True:
        now_s = await _learner_cpu_s(mesh)
        if now_s and used_s and now_s - used_s <= _IDLE_CPU_S:
            return
        used_s = now_s
        await asyncio.sleep(_SETTLE_S)


async def _learner_cpu_s(mesh: Mesh) -> float | None:
    """Return what the learner told with its last heartbeat; None before it is there."""
    found = await mesh.services(ServiceRole.LEARNER)
    return found[0].cpu_time_s if found else None


async def _next_block(mesh: Mesh) -> tuple[FleetStatistics, float]:
    """Wait for a block to reach the table; return the figures and the time: a rate must not hang on parts of blocks."""
    before = await mesh.fleet.statistics()
    while (found := await mesh.fleet.statistics()).num_unrolls == before.num_unrolls:  # noqa: ASYNC110 - only the fleet knows
        await asyncio.sleep(_POLL_S)
    return found, asyncio.get_running_loop().time()


def _appended(before: FleetStatistics, after: FleetStatistics) -> float:
    """Return the steps of the unrolls that were appended in between."""
    steps_an_unroll = after.num_steps / max(1, sum(after.policy_lag.values()))
    return (after.num_unrolls - before.num_unrolls) * steps_an_unroll


def _room(fleet: Mapping[str, int]) -> int:
    return _NUM_BLOCKS * fleet["num_envs"] * fleet["unroll_length"]


async def _connected(address: str) -> Mesh:
    async with asyncio.timeout(_START_S):
        while True:
            mesh = Mesh.connect(address)
            try:
                return await mesh.open()
            except Exception:  # noqa: BLE001 - it starts; what is wrong for good ends by the deadline
                await asyncio.sleep(_POLL_S)


def _weights(values: Mapping[str, object]) -> dict[str, FloatArray]:
    spec = RunSpec.from_dict(values)
    spaces = read_spaces(EnvironmentSettings.of_spec(spec.environment))
    network = network_for("external", Layers.of_dict(spec.network.model_dump()), *spaces)
    return network.init(np.random.default_rng(1))
