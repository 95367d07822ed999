"""What a fleet survives, and how it tells what it cannot."""

import pytest
from structlog.testing import capture_logs

from heronry.types.run import RunState

FALLING = """
import gymnasium
import numpy as np


class Falling(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-1, 1, (4,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(4, np.float32), {}

    def step(self, action):
        self.steps += 1
        if self.steps == 30:
            raise RuntimeError("the arm is stuck")
        return np.zeros(4, np.float32), 1.0, False, False, {}
"""


async def num_inserts(mesh, table):
    return (await mesh.replay.get_table(table)).num_inserts


async def test_a_replay_service_that_comes_back_is_appended_to_again(mesh, table, wait_until):
    await mesh.begin()
    await wait_until(lambda: mesh.progress().figures["env_steps"] > 0)

    await mesh.stop("replay")
    await mesh.start("replay")
    await mesh.replay.create_table(mesh.spec.tables()[0])

    await wait_until(lambda: inserted(mesh, table))
    assert mesh.progress().failure is None


async def inserted(mesh, table):
    return await num_inserts(mesh, table) > 0


async def test_stepping_goes_on_while_the_parameter_service_is_away(mesh, table, wait_until):
    await mesh.begin()
    await wait_until(lambda: mesh.progress().figures["env_steps"] > 0)

    await mesh.stop("params")
    steps = mesh.progress().figures["env_steps"]
    async for _ in mesh.replay.sample(table, batch_size=4, timeout_s=10.0):
        if mesh.progress().figures["env_steps"] > steps + 200:
            break

    assert mesh.progress().failure is None


async def test_an_environment_that_raises_fails_the_run_by_name(make_mesh, broken_environment, wait_until):
    async with make_mesh(environment={"id": broken_environment, "isolation": "none"}) as mesh:
        await mesh.begin()

        failure = await wait_until(lambda: mesh.progress().failure)

        assert broken_environment in failure
        assert "step 3" in failure
        assert "raised ValueError in step(): the simulator fell over" in failure


@pytest.mark.acceptance
async def test_an_isolated_environment_that_raises_is_begun_anew_counted_and_told(
    make_mesh, tmp_path, monkeypatch, wait_until
):
    (tmp_path / "falling_environments.py").write_text(FALLING)
    monkeypatch.syspath_prepend(tmp_path)
    environment = {"id": "falling_environments:Falling", "num_workers": 1}

    with capture_logs() as logs:
        async with make_mesh(environment=environment, fleet={"num_envs": 1, "unroll_length": 8}) as mesh:
            await mesh.begin()
            await wait_until(lambda: mesh.progress().figures.get("env_steps", 0) > 40)
            statistics = await mesh.fleet.statistics()

    (told,) = [entry for entry in logs if entry["event"] == "environment_begun_anew"][:1]
    assert (told["environment_index"], told["step"]) == (0, 30)
    assert told["reason"] == statistics.failures[0].reason
    assert "the arm is stuck" in told["reason"]
    assert told["seed"] == statistics.failures[0].seed
    assert statistics.num_restarts >= 1


async def test_an_unknown_environment_fails_the_run_with_the_nearest_name(make_mesh, wait_until):
    async with make_mesh(environment={"id": "CartPoll-v1"}) as mesh:
        await mesh.assign(RunState.PENDING)

        failure = await wait_until(lambda: mesh.progress().failure)

        assert failure.startswith("EnvironmentNotFoundError: ")
        assert "'CartPoll-v1'" in failure
        assert "'CartPole-v1'" in failure


async def test_weights_of_another_network_fail_the_run_by_tensor(mesh, wait_until):
    await mesh.begin(hidden=(16,))

    failure = await wait_until(lambda: mesh.progress().failure)

    assert "policy/0/weight" in failure


async def test_a_run_that_failed_is_begun_anew_when_it_is_restored(make_mesh, broken_environment, wait_until):
    async with make_mesh(environment={"id": broken_environment, "isolation": "none"}) as mesh:
        await mesh.begin()
        await wait_until(lambda: mesh.progress().failure)
        await mesh.assign(RunState.FAILED)
        assert mesh.progress().failure

        mesh.spec = mesh.spec.model_copy(
            update={"environment": mesh.spec.environment.model_copy(update={"id": "CartPole-v1"})}
        )
        await mesh.begin_anew(RunState.RUNNING)

        assert mesh.progress().failure is None
        await wait_until(lambda: mesh.progress().figures["env_steps"] > 0)


async def test_a_failed_run_does_not_hinder_the_next(make_mesh, broken_environment, table, wait_until):
    async with make_mesh(environment={"id": broken_environment, "isolation": "none"}) as mesh:
        await mesh.begin()
        await wait_until(lambda: mesh.progress().failure)

        healthy = mesh.spec.model_copy(
            update={"environment": mesh.spec.environment.model_copy(update={"id": "CartPole-v1"})}
        )
        await mesh.assign(RunState.RUNNING, run_id="next", spec=healthy)

        await wait_until(lambda: mesh.progress().figures.get("env_steps", 0) > 0)
        assert mesh.progress().failure is None
