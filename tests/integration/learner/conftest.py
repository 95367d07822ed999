"""A learner between a real parameter service and a real replay service; the test is coordinator and fleet."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np
import pytest

from heronry import learner, params, replay
from heronry.client import LearnerClient, ParamsClient, ReplayClient
from heronry.learner.core.inference import InferenceLimits
from heronry.runtime import ServiceNode
from heronry.spec import EXPERIENCE, POLICY, RunSpec
from heronry.types.columns import column_specs
from heronry.types.errors import HeronryError
from heronry.types.run import Assignment, Endpoint, RunState, ServiceRole
from heronry.types.version import ParameterVersion
from tests.support.inference_server import Server

DEADLINE_S = 20.0
SETTINGS = {"params": params.ParamsSettings, "replay": replay.ReplaySettings, "learner": learner.Settings}
PACKAGES = {"params": params, "replay": replay, "learner": learner}
NUM_ENVS, NUM_STEPS = 4, 8

PPO = {"name": "ppo", "batch_size": NUM_ENVS, "minibatch_size": 32, "epochs": 2}
DQN = {
    "name": "dqn", "batch_size": 8, "num_steps": 3, "publish_period": 2, "min_replay_size": 16,
    "samples_per_insert": 1.0, "replay_size": 1000,
}  # fmt: skip


async def eventually(holds):
    """Wait until `holds()` is true, or an awaitable that it returns gives true."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            value = holds()
            if asyncio.iscoroutine(value):
                value = await value
            if value:
                return value
            await asyncio.sleep(0.005)


def spec_of(**changes):
    values = {
        "environment": {"id": "CartPole-v1"},
        "algorithm": PPO,
        "network": {"hidden": [8], "activation": "tanh"},
        "fleet": {"num_envs": NUM_ENVS, "unroll_length": NUM_STEPS},
        "replay": {"max_lag": None},
        "seed": 3,
    }
    return RunSpec.from_dict({**values, **changes})


def block_of(rng):
    shape = (NUM_STEPS, NUM_ENVS)
    return {
        "observation": rng.normal(size=(*shape, 4)).astype(np.float32),
        "action": rng.integers(0, 2, shape),
        "reward": np.ones(shape, np.float32),
        "terminated": rng.random(shape) < 0.1,
        "truncated": np.zeros(shape, bool),
        "next_observation": rng.normal(size=(*shape, 4)).astype(np.float32),
        "mask": np.ones(shape, bool),
        "log_probability": np.full(shape, np.log(0.5), np.float32),
    }


class Mesh:
    """Services on UNIX sockets, their clients, a stand-in for the fleet, and the assignment of one run."""

    def __init__(self, folder, spec):
        self.folder = folder
        self.spec = spec
        self.nodes = {}
        self.services = {}
        self.generation = 0
        self.rng = np.random.default_rng(0)
        self.params = ParamsClient(self.address("params"))
        self.replay = ReplayClient(self.address("replay"))
        self.learner = LearnerClient(self.address("learner"))

    def address(self, role):
        return f"unix:{self.folder}/{role}.sock"

    async def start(self, role):
        settings = SETTINGS[role](instance=f"{role}-0", listen=(self.address(role),), data_dir=self.folder / "runs")
        self.services[role] = PACKAGES[role].build(settings)
        self.nodes[role] = ServiceNode(self.services[role], settings)
        await self.nodes[role].start()
        if role == "replay":
            await self.replay.create_table(self.spec.tables()[0])

    async def stop(self, role):
        await self.nodes.pop(role).stop()

    async def restart(self, role):
        await self.stop(role)
        await self.start(role)

    async def assign(self, state, run_id="run"):
        self.generation += 1
        roles = ("params", "replay", "learner")
        endpoints = tuple(Endpoint(ServiceRole(role), f"{role}-0", (self.address(role),)) for role in roles)
        assignment = Assignment(self.generation, run_id, state, self.spec.to_dict(), endpoints)
        await self.services["learner"].reconcile(assignment)

    @asynccontextmanager
    async def fleet(self):
        """Append blocks for ever."""
        task = asyncio.create_task(self._collect())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _collect(self):
        columns = column_specs(block_of(self.rng))
        while True:
            try:
                async with self.replay.writer(EXPERIENCE, columns=columns, num_lanes=NUM_ENVS) as writer:
                    while True:
                        await writer.append(block_of(self.rng), ParameterVersion(1, 1))
                        await asyncio.sleep(0.002)
            except HeronryError:
                await asyncio.sleep(0.02)

    def progress(self):
        return self.services["learner"].progress()

    def num_updates(self):
        return self.services["learner"].statistics().num_updates

    async def newest(self):
        """Return params' newest version, or None while it does not answer."""
        try:
            return (await self.params.pull(POLICY)).version
        except HeronryError:
            return None

    async def until_updates(self, count):
        await eventually(lambda: self.num_updates() >= count)

    async def close(self):
        for client in (self.params, self.replay, self.learner):
            await client.close()
        for role in ("learner", "replay", "params"):
            if role in self.nodes:
                await self.stop(role)


@pytest.fixture
def make_mesh(tmp_path_factory):
    """Return `make_mesh(**spec changes)`, a context manager."""

    @asynccontextmanager
    async def make(**changes):
        mesh = Mesh(tmp_path_factory.mktemp("mesh"), spec_of(**changes))
        try:
            for role in ("params", "replay", "learner"):
                await mesh.start(role)
            yield mesh
        finally:
            await mesh.close()

    return make


@pytest.fixture
async def mesh(make_mesh):
    async with make_mesh() as made:
        yield made


@pytest.fixture
def dqn():
    return DQN


@pytest.fixture
def running():
    return RunState.RUNNING


@pytest.fixture
def wait_until():
    return eventually


@pytest.fixture
def make_server(tmp_path_factory):
    @asynccontextmanager
    async def make(**limits):
        server = Server(f"unix:{tmp_path_factory.mktemp('s')}/l.sock", InferenceLimits(**limits))
        await server.start()
        try:
            yield server
        finally:
            await server.close()

    return make


@pytest.fixture
async def server(make_server):
    async with make_server() as made:
        await made.publish(1)
        yield made
