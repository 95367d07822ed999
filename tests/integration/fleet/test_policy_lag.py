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


class CountingEnvironment(gymnasium.Env):
    """Shows how many steps were taken; takes as many as the test allows."""

    observation_space = gymnasium.spaces.Box(0.0, 1e6, (4,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)
    allowed = threading.Semaphore(0)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.num_steps = 0
        return np.zeros(4, np.float32), {}

    def step(self, action):
        assert self.allowed.acquire(timeout=10.0)
        self.num_steps += 1
        return np.full(4, self.num_steps, np.float32), 0.0, False, False, {}


async def test_no_transition_of_several_steps_reaches_over_an_unroll_that_was_thrown_away(
    make_mesh, monkeypatch, wait_until
):
    allowed = threading.Semaphore(8)
    monkeypatch.setattr(CountingEnvironment, "allowed", allowed)
    module = types.ModuleType("counting_environments")
    module.CountingEnvironment = CountingEnvironment
    monkeypatch.setitem(sys.modules, module.__name__, module)
    environment = {"id": "counting_environments:CountingEnvironment", "isolation": "none"}
    algorithm = {"name": "external", "table": "replay", "min_replay_size": 1, "num_steps": 2}
    fleet = {"num_envs": 1, "unroll_length": 8, "max_policy_lag": 0}
    async with make_mesh(environment=environment, algorithm=algorithm, fleet=fleet) as mesh:
        first = await mesh.begin()
        assigned = mesh.services["fleet"]._run
        # The second unroll is begun with the first version, and ends when there is a newer one.
        await wait_until(lambda: assigned.statistics().num_unrolls == 1)
        second = await mesh.publish(first, seed=1)
        await wait_until(lambda: assigned._feed.newest.version == second)
        allowed.release(16)
        await wait_until(lambda: assigned.statistics().num_unrolls == 2)

        assert assigned.statistics().num_unrolls_too_old == 1
        # Two unrolls of eight steps, of which the first ones complete no transition.
        assert (await mesh.replay.get_table("experience")).num_items == 2 * 7
        allowed.release(100)
