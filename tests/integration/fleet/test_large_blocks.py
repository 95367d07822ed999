"""A fleet's blocks beyond a message: the writer cuts them, and the table has whole unrolls."""

import gymnasium
import numpy as np
import pytest

from heronry.maths.networks import Layers, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.run import RunState

SHAPE = (256, 256, 3)
# A block has 8 steps of 4 lanes with two pictures each: 12 MiB, of which a message takes 8.
FLEET = {"num_envs": 4, "unroll_length": 8}


@pytest.fixture
def pictures(broken_environments):
    class Pictures(gymnasium.Env):
        """Episodes of five steps, whose pictures tell the step."""

        observation_space = gymnasium.spaces.Box(0, 255, SHAPE, np.uint8)
        action_space = gymnasium.spaces.Discrete(2)

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.num_steps = 0
            return np.zeros(SHAPE, np.uint8), {}

        def step(self, action):
            self.num_steps += 1
            return np.full(SHAPE, self.num_steps, np.uint8), 1.0, self.num_steps == 5, False, {}

    broken_environments.Pictures = Pictures
    return f"{broken_environments.__name__}:Pictures"


async def test_an_unroll_larger_than_a_message_reaches_the_table_whole(make_mesh, pictures):
    network = {"hidden": [2], "activation": "tanh"}
    async with make_mesh(environment={"id": pictures, "isolation": "none"}, network=network, fleet=FLEET) as mesh:
        spaces = ObservationSpace(SHAPE, "uint8"), ActionSpace("discrete", num_actions=2)
        weights = network_for("ppo", Layers((2,)), *spaces).init(np.random.default_rng(0))
        await mesh.replay.create_table(mesh.spec.tables()[0])
        await mesh.params.register_model("policy", weights)
        await mesh.assign(RunState.RUNNING)

        batches = mesh.replay.sample("experience", batch_size=4, credits=1, timeout_s=20.0)
        columns = (await anext(batches)).columns

        assert columns["next_observation"].shape == (8, 4, *SHAPE)
        expected = np.arange(8) % 5 + 1
        for place in ((0, 0, 0), (255, 255, 2)):
            np.testing.assert_array_equal(columns["next_observation"][(..., *place)], np.tile(expected, (4, 1)).T)
        await batches.aclose()
