"""The bound on policy lag: an unroll whose policy is too old does not reach the table."""

import sys
import threading
import types

import gymnasium
import numpy as np
import pytest

MAY_STEP = threading.Event()


class GatedEnvironment(gymnasium.Env):
    """Takes a step only while the test allows it."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(4, np.float32), {}

    def step(self, action):
        assert MAY_STEP.wait(10.0)
        return np.zeros(4, np.float32), 0.0, False, False, {}


@pytest.fixture
def gated(monkeypatch):
    module = types.ModuleType("gated_environments")
    module.GatedEnvironment = GatedEnvironment
    monkeypatch.setitem(sys.modules, module.__name__, module)
    MAY_STEP.clear()
    yield {"id": "gated_environments:GatedEnvironment", "isolation": "none"}
    MAY_STEP.set()


@pytest.mark.parametrize(("bound", "num_thrown"), [(0, 1), (1, 0)])
async def test_an_unroll_is_thrown_away_when_its_policy_lags_more_than_allowed(
    make_mesh, gated, wait_until, bound, num_thrown
):
    fleet = {"num_envs": 4, "unroll_length": 8, "max_policy_lag": bound}
    async with make_mesh(environment=gated, fleet=fleet) as mesh:
        first = await mesh.begin()
        await wait_until(lambda: mesh.progress().first_step_time_s is not None)
        second = await mesh.publish(first, seed=1)
        assigned = mesh.services["fleet"]._run
        await wait_until(lambda: assigned._feed.newest.version == second)

        MAY_STEP.set()
        await wait_until(lambda: assigned.statistics().num_unrolls > 0)

        statistics = await mesh.fleet.statistics()
        assert statistics.num_unrolls_too_old == num_thrown
        assert statistics.policy_lag[1] == 1
