"""What an environment that hangs in the fleet's own process does to evaluations: its name, and the next one's turn."""

import asyncio

import gymnasium
import numpy as np
import pytest

from heronry.fleet.watched_calls import MAX_HANGING
from heronry.types.errors import EnvironmentFaultError
from heronry.types.recordings import RecordingOrder
from heronry.types.run import RunState

LIMITS = {"step_timeout_s": 0.4, "reset_timeout_s": 0.8, "isolation": "none"}


@pytest.fixture
def moody(broken_environments):
    """An environment that hangs as long as it is told to, in a step, a reset or a picture."""

    class MoodyEnvironment(gymnasium.Env):
        observation_space = gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)
        action_space = gymnasium.spaces.Discrete(2)
        metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012 # as Gymnasium has it
        hangs_in = ""
        spared_seed = None
        num_hanging = num_closed = 0

        def __init__(self, render_mode=None):
            self.render_mode = render_mode

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.seed = seed
            self.num_steps = 0
            self._wait("reset")
            return np.zeros(4, np.float32), {}

        def step(self, action):
            self.num_steps += 1
            if self.num_steps == 2:
                self._wait("step")
            return np.zeros(4, np.float32), 1.0, self.num_steps == 3, False, {}

        def render(self):
            if self.num_steps == 1:
                self._wait("picture")
            return np.zeros((8, 8, 3), np.uint8)

        def close(self):
            type(self).num_closed += 1

        def _wait(self, doing):
            if type(self).hangs_in == doing and self.seed != type(self).spared_seed:
                type(self).num_hanging += 1
                broken_environments.HangingEnvironment.may_end.wait(15.0)

    broken_environments.MoodyEnvironment = MoodyEnvironment
    return MoodyEnvironment


@pytest.fixture
async def mesh(make_mesh, moody):
    async with make_mesh(environment={"id": "broken_environments:MoodyEnvironment", **LIMITS}) as made:
        await made.register()
        # Pending: nothing is collected, the judge alone plays.
        await made.assign(RunState.PENDING)
        yield made


@pytest.mark.parametrize(
    ("hangs_in", "what"),
    [("step", r"step 2\): no end of a step within 0.4 s"), ("reset", r"step 0\): no end of a reset within 0.8 s")],
)
async def test_a_hanging_evaluation_names_its_environment_and_the_next_is_played(mesh, moody, hangs_in, what):
    moody.hangs_in = hangs_in
    with pytest.raises(EnvironmentFaultError, match=rf"MoodyEnvironment' \(index 0, seed 70, episode 0, {what}"):
        await mesh.fleet.evaluate(num_episodes=3, seed=70)

    moody.hangs_in = ""
    evaluation = await mesh.fleet.evaluate(num_episodes=3, seed=70)

    assert evaluation.lengths == (3, 3, 3)


@pytest.mark.parametrize(
    ("hangs_in", "what"), [("step", "no end of a step within 0.4 s"), ("picture", "no end of a picture within 0.4 s")]
)
async def test_a_hanging_recording_names_its_environment_and_the_next_is_played(mesh, moody, hangs_in, what):
    order = RecordingOrder(model="", number=None, tag=None, seed=7, greedy=True, max_steps=5)
    moody.hangs_in = hangs_in
    with pytest.raises(EnvironmentFaultError, match=what):
        await mesh.fleet.record_episode(order)

    moody.hangs_in = ""

    assert (await mesh.fleet.record_episode(order)).length == 3


async def test_those_that_wait_for_a_hanging_evaluation_get_their_turn(mesh, moody, wait_until):
    moody.hangs_in, moody.spared_seed = "step", 2
    hanging = asyncio.create_task(mesh.fleet.evaluate(num_episodes=1, seed=1))
    await wait_until(lambda: moody.num_hanging)
    waiting = asyncio.create_task(mesh.fleet.evaluate(num_episodes=1, seed=2))

    with pytest.raises(EnvironmentFaultError, match="seed 1"):
        await hanging

    assert (await waiting).lengths == (3,)


async def test_no_more_threads_hang_than_are_borne_and_those_that_come_back_make_room(
    mesh, moody, broken_environments, wait_until
):
    moody.hangs_in = "step"
    for seed in range(MAX_HANGING):
        with pytest.raises(EnvironmentFaultError, match=rf"seed {seed}, .*\(isolation: process\)"):
            await mesh.fleet.evaluate(num_episodes=1, seed=seed)

    with pytest.raises(EnvironmentFaultError, match="and so do 3 more: nothing is played any more"):
        await mesh.fleet.evaluate(num_episodes=1, seed=9)
    broken_environments.HangingEnvironment.may_end.set()
    # They end at their next step, and release their environments.
    await wait_until(lambda: moody.num_closed >= MAX_HANGING)

    assert (await mesh.fleet.evaluate(num_episodes=1, seed=9)).lengths == (3,)


async def test_callers_that_go_away_from_a_hanging_evaluation_leave_no_more_threads_than_are_borne(
    mesh, moody, broken_environments, wait_until
):
    moody.hangs_in = "step"
    for seed in range(MAX_HANGING):
        leaving = asyncio.create_task(mesh.fleet.evaluate(num_episodes=1, seed=seed))
        await wait_until(lambda seed=seed: moody.num_hanging > seed)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)

    with pytest.raises(EnvironmentFaultError, match="and so do 3 more: nothing is played any more"):
        await mesh.fleet.evaluate(num_episodes=1, seed=9)
    assert moody.num_hanging == MAX_HANGING
    broken_environments.HangingEnvironment.may_end.set()

    # Those that end by themselves are waited for.
    assert (await mesh.fleet.evaluate(num_episodes=1, seed=9)).lengths == (3,)
