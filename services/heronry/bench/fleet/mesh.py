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
from heronry.spec import RunSpec
from heronry.types.run import FleetStatistics
from heronry.types.tensors import FloatArray

_START_S = 60.0
_POLL_S = 0.05
_ROOM = 1_000_000
"""Unrolls that the queue holds: nobody takes any while the fleet is measured."""


@asynccontextmanager
async def running(
    environment: Mapping[str, object], fleet: Mapping[str, object], network: Mapping[str, object] | None = None
) -> AsyncIterator[Mesh]:
    """Run fleet and replay as processes, with fresh weights, until the context ends."""
    spec = {
        "environment": dict(environment),
        "fleet": dict(fleet),
        "network": dict(network or {}),
        "algorithm": {"name": "external"},
        "replay": {"queue_size": _ROOM, "max_lag": None},
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
    async with asyncio.timeout(_START_S):
        while (await mesh.fleet.statistics()).num_unrolls == 0:  # noqa: ASYNC110 - only the fleet knows
            await asyncio.sleep(_POLL_S)
    loop = asyncio.get_running_loop()
    before, began_s = await mesh.fleet.statistics(), loop.time()
    await asyncio.sleep(seconds)
    after, ended_s = await mesh.fleet.statistics(), loop.time()
    return _appended(before, after) / (ended_s - began_s)


def _appended(before: FleetStatistics, after: FleetStatistics) -> float:
    """Return the steps of the unrolls that were appended in between."""
    steps_an_unroll = after.num_steps / max(1, sum(after.policy_lag.values()))
    return (after.num_unrolls - before.num_unrolls) * steps_an_unroll


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
