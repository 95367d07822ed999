"""A fleet between a real parameter service and a real replay service; the test is coordinator and learner."""

import asyncio
import sys
import threading
import types
from contextlib import asynccontextmanager

import gymnasium
import numpy as np
import pytest

from heronry import fleet, params, replay
from heronry.client import FleetClient, ParamsClient, ReplayClient
from heronry.maths.networks import Layers, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.runtime import ServiceNode
from heronry.spec import EXPERIENCE, POLICY, RunSpec
from heronry.types.contribution import ContributionKind
from heronry.types.run import Assignment, Endpoint, RunState, ServiceRole

DEADLINE_S = 15.0
SETTINGS = {"params": params.ParamsSettings, "replay": replay.ReplaySettings, "fleet": fleet.Settings}


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
        "algorithm": {"name": "ppo", "batch_size": 4, "minibatch_size": 32},
        "network": {"hidden": [8], "activation": "tanh"},
        "fleet": {"num_envs": 4, "unroll_length": 8},
        "seed": 3,
    }
    return RunSpec.from_dict({**values, **changes})


class Mesh:
    """Services on UNIX sockets, their clients, and the assignment of one run."""

    def __init__(self, folder, spec):
        self.folder = folder
        self.spec = spec
        self.nodes = {}
        self.services = {}
        self.generation = 0
        self.num_starts = 1
        self.params = ParamsClient(self.address("params"))
        self.replay = ReplayClient(self.address("replay"))
        self.fleet = FleetClient(self.address("fleet"))

    def address(self, role):
        return f"unix:{self.folder}/{role}.sock"

    async def start(self, role):
        package = {"params": params, "replay": replay, "fleet": fleet}[role]
        settings = SETTINGS[role](instance=f"{role}-0", listen=(self.address(role),), data_dir=self.folder / "runs")
        self.services[role] = package.build(settings)
        self.nodes[role] = ServiceNode(self.services[role], settings)
        await self.nodes[role].start()

    async def stop(self, role):
        await self.nodes.pop(role).stop()

    async def register(self, seed=0, **changes):
        """Register the run's policy; return its first version."""
        version, _ = await self.params.register_model(POLICY, self.tensors(seed, **changes))
        return version

    def tensors(self, seed=0, hidden=(8,)):
        network = network_for(
            self.spec.algorithm.name,
            Layers(tuple(hidden)),
            ObservationSpace((4,)),
            ActionSpace("discrete", num_actions=2),
        )
        return network.init(np.random.default_rng(seed))

    async def publish(self, base, seed):
        """Publish other weights; return their version."""
        tensors = self.tensors(seed)
        acknowledgement = await self.params.push(
            POLICY, tensors, kind=ContributionKind.WEIGHTS, base_version=base, weight=1.0
        )
        return acknowledgement.version

    async def assign(self, state, run_id="run", spec=None):
        self.generation += 1
        endpoints = tuple(
            Endpoint(ServiceRole(role), f"{role}-0", (self.address(role),)) for role in ("params", "replay", "learner")
        )
        values = (spec or self.spec).to_dict()
        assignment = Assignment(self.generation, run_id, state, values, endpoints, num_starts=self.num_starts)
        await self.services["fleet"].reconcile(assignment)

    async def begin_anew(self, state):
        """Assign the run's next start, as the coordinator does when the run is restored."""
        self.num_starts += 1
        await self.assign(state)

    def progress(self):
        return self.services["fleet"].progress()

    async def begin(self, **changes):
        """Bring the run to RUNNING with its table and its policy's first version."""
        await self.replay.create_table(self.spec.tables()[0])
        version = await self.register(**changes)
        await self.assign(RunState.RUNNING)
        return version

    async def close(self):
        for client in (self.params, self.replay, self.fleet):
            await client.close()
        for role in ("fleet", "replay", "params"):
            if role in self.nodes:
                await self.stop(role)


@pytest.fixture
def make_mesh(tmp_path_factory):
    """Return `make_mesh(**spec changes)`, a context manager."""

    @asynccontextmanager
    async def make(**changes):
        mesh = Mesh(tmp_path_factory.mktemp("mesh"), spec_of(**changes))
        try:
            for role in ("params", "replay", "fleet"):
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
def table():
    return EXPERIENCE


@pytest.fixture
def wait_until():
    return eventually


class BrokenEnvironment(gymnasium.Env):
    """Falls over at its third step."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.num_steps = 0
        return np.zeros(4, np.float32), {}

    def step(self, action):
        self.num_steps += 1
        if self.num_steps == 3:
            raise ValueError("the simulator fell over")
        return np.zeros(4, np.float32), 0.0, False, False, {}


class HangingEnvironment(BrokenEnvironment):
    """Does not come back from its third step until it is let go."""

    may_end = threading.Event()
    num_closed = 0

    def step(self, action):
        self.num_steps += 1
        if self.num_steps == 3:
            self.may_end.wait(DEADLINE_S)
        return np.zeros(4, np.float32), 0.0, False, False, {}

    def close(self):
        type(self).num_closed += 1
        raise RuntimeError("the window is gone already")


@pytest.fixture
def broken_environments(monkeypatch):
    module = types.ModuleType("broken_environments")
    module.BrokenEnvironment = BrokenEnvironment
    module.HangingEnvironment = type("HangingEnvironment", (HangingEnvironment,), {"may_end": threading.Event()})
    monkeypatch.setitem(sys.modules, module.__name__, module)
    yield module
    module.HangingEnvironment.may_end.set()


@pytest.fixture
def broken_environment(broken_environments):
    return f"{broken_environments.__name__}:BrokenEnvironment"
