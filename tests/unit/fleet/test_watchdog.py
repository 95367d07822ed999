"""Environments of the fleet's own process that do not come back are noticed and named."""

import threading

import gymnasium
import numpy as np
import pytest

from heronry.environments.checked import CheckedEnvironment
from heronry.environments.settings import EnvironmentSettings
from heronry.environments.single import SingleEnvironments
from heronry.environments.vector import Work
from heronry.fleet.core.watchdog import Watchdog

SETTINGS = EnvironmentSettings("slow", step_timeout_s=1.0, reset_timeout_s=10.0)


class Slow(gymnasium.Env):
    """Tells when it is called, and comes back when it may."""

    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self):
        self.is_called, self.may_end = threading.Event(), threading.Event()

    def reset(self, *, seed=None, options=None):
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.is_called.set()
        assert self.may_end.wait(10.0)
        return np.zeros(2, np.float32), 0.0, False, False, {}


class Told:
    """An environment that says what it is told to."""

    work = None

    def hung(self, work, limit_s):
        return RuntimeError(f"{work} {limit_s}")


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


def test_the_environment_that_is_at_work_is_named_with_its_seed_and_step(clock):
    lanes = [Slow(), Slow()]
    made = iter(lanes)
    environment = CheckedEnvironment(SingleEnvironments(lambda: next(made), 2), "slow", first_index=4)
    environment.reset([7, 8])
    lanes[0].may_end.set()
    watchdog = Watchdog([environment], SETTINGS, clock)
    stepping = threading.Thread(target=environment.step, args=(np.zeros(2, np.int64),))
    stepping.start()
    assert lanes[1].is_called.wait(10.0)

    before = watchdog.look()
    clock.now_s = 1.1
    fault = watchdog.look()
    lanes[1].may_end.set()
    stepping.join(10.0)

    assert before is None
    assert "environment 'slow' (index 5, seed 8, episode 0, step 1): no end of a step within 1 s" in fault.message
    assert environment.work is None


@pytest.mark.parametrize(
    ("work", "limit_s"), [(Work(3, 0, False), 1.0), (Work(3, 0, True), 10.0), (Work(3, None, False), 10.0)]
)
def test_steps_and_resets_have_limits_of_their_own_and_who_does_not_tell_the_longer(clock, work, limit_s):
    environment = Told()
    watchdog = Watchdog([environment], SETTINGS, clock)
    environment.work = work
    assert watchdog.look() is None

    clock.now_s = limit_s
    assert watchdog.look() is None
    clock.now_s = limit_s + 0.1

    assert str(watchdog.look()) == f"{work} {limit_s}"


def test_one_that_gets_on_is_left_alone(clock):
    environment = Told()
    watchdog = Watchdog([environment], SETTINGS, clock)

    for second in range(100):
        clock.now_s = float(second)
        environment.work = Work(second, 0, False) if second % 2 else None
        assert watchdog.look() is None
