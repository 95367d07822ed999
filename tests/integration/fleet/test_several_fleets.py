"""Several fleets in one run: each does what its speed allows, and none plays another's episodes."""

import asyncio
import sys
import threading
import types
from typing import ClassVar

import gymnasium
import numpy as np
import pytest

from heronry.client import Mesh
from heronry.maths.networks import Layers, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace

DEADLINE_S = 30.0
MODULE = "uneven_environments"


class UnevenEnvironment(gymnasium.Env):
    """Shows its seed; stands still in the thread that made the first one, unless the test lets it go on."""

    observation_space = gymnasium.spaces.Box(0, 1, (4,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)
    slow_thread: ClassVar[int | None] = None
    may_go_on: ClassVar[threading.Event] = threading.Event()
    seeds: ClassVar[list[int]] = []

    def __init__(self):
        made_in = threading.get_ident()
        if UnevenEnvironment.slow_thread is None:
            UnevenEnvironment.slow_thread = made_in

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        # Seed 0 is a look at the environment before it is played.
        if seed:
            UnevenEnvironment.seeds.append(seed)
        return np.zeros(4, np.float32), {}

    def step(self, action):
        if threading.get_ident() == UnevenEnvironment.slow_thread:
            assert UnevenEnvironment.may_go_on.wait(DEADLINE_S)
        return np.zeros(4, np.float32), 0.0, False, False, {}


@pytest.fixture
def uneven(monkeypatch):
    module = types.ModuleType(MODULE)
    module.UnevenEnvironment = UnevenEnvironment
    monkeypatch.setitem(sys.modules, MODULE, module)
    UnevenEnvironment.slow_thread = None
    UnevenEnvironment.seeds = []
    UnevenEnvironment.may_go_on.clear()
    yield {"id": f"{MODULE}:UnevenEnvironment", "isolation": "none"}
    UnevenEnvironment.may_go_on.set()


async def unrolls_of(fleets):
    return [(await fleet.statistics()).num_unrolls for fleet in fleets]


async def test_a_fleet_that_stands_still_holds_up_nobody_and_comes_in_again(uneven):
    spec = {
        "environment": uneven,
        "algorithm": {"name": "external"},
        "network": {"hidden": [4]},
        "fleet": {"num_envs": 2, "unroll_length": 8},
    }
    network = network_for("external", Layers((4,)), ObservationSpace((4,)), ActionSpace("discrete", num_actions=2))

    async with asyncio.timeout(DEADLINE_S), Mesh.embedded(num_fleets=2) as mesh:
        await mesh.start_run(spec)
        await mesh.params.register_model("policy", network.init(np.random.default_rng(0)))
        fleets = await mesh.fleets()
        num_batches = 0
        async for _ in mesh.replay.sample("experience", batch_size=4, timeout_s=DEADLINE_S):
            num_batches += 1
            if num_batches == 20:
                UnevenEnvironment.may_go_on.set()
            if num_batches > 20 and min(await unrolls_of(fleets)) > 0:
                break
            if num_batches < 20:
                # Whichever fleet stands still has given nothing; the other has given all of it.
                assert min(await unrolls_of(fleets)) == 0

        assert len(UnevenEnvironment.seeds) == len(set(UnevenEnvironment.seeds)) == 4
        for fleet in fleets:
            await fleet.close()
