"""Environments whose every number can be worked out by hand, under a module that factories can be named in."""

import sys
import types

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

MODULE = "counting_environments"


class CountingEnvironment(gymnasium.Env):
    """Shows (seed, episode, step); rewards step + action / 10; episodes end by turns by termination and truncation.

    Episode k of seed s lasts 2 + (s + 3 k) % 5 steps.
    """

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (3,), np.float64)
    action_space = gymnasium.spaces.Discrete(3)

    def __init__(self, render_mode=None):
        self.render_mode = render_mode
        self._seed = 0
        self._episode = -1
        self._step = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if seed is not None:
            self._seed, self._episode = seed % 1000, -1
        self._episode += 1
        self._step = 0
        return self._observation(), {}

    def step(self, action):
        self._step += 1
        has_ended = self._step == 2 + (self._seed + 3 * self._episode) % 5
        is_truncation = self._episode % 2 == 1
        reward = self._step + int(action) / 10
        return self._observation(), reward, has_ended and not is_truncation, has_ended and is_truncation, {"step": 1}

    def _observation(self):
        return np.array([self._seed, self._episode, self._step], np.float64)


class FailingEnvironment(CountingEnvironment):
    """Raises in the second episode of an odd seed."""

    def step(self, action):
        if self._episode == 1 and self._seed % 2:
            raise RuntimeError("the floor is gone")
        return super().step(action)


class BufferEnvironment(CountingEnvironment):
    """Shows one buffer for ever, which every step and reset writes over."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (3,), np.float32)

    def __init__(self, render_mode=None):
        super().__init__(render_mode)
        self._buffer = np.zeros(3, np.float32)

    def _observation(self):
        self._buffer[:] = self._seed, self._episode, self._step
        return self._buffer


class PointEnvironment(gymnasium.Env):
    """A continuous action in [-1, 1] is echoed as the next observation; one step an episode."""

    observation_space = gymnasium.spaces.Discrete(4, start=10)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.executed = None
        return 12, {}

    def step(self, action):
        self.executed = action
        return 13, float(np.abs(action).max()), True, False, {}


class GraphEnvironment(CountingEnvironment):
    observation_space = gymnasium.spaces.Graph(gymnasium.spaces.Discrete(2), None)


class SequenceEnvironment(CountingEnvironment):
    action_space = gymnasium.spaces.Sequence(gymnasium.spaces.Discrete(2))


class BrokenEnvironment(CountingEnvironment):
    def step(self, action):
        raise ValueError("the simulator fell over")


def counting_vector(num_envs, mode="SAME_STEP"):
    return SyncVectorEnv([CountingEnvironment] * num_envs, autoreset_mode=AutoresetMode[mode])


def buffer_vector(num_envs):
    return SyncVectorEnv([BufferEnvironment] * num_envs, copy=False, autoreset_mode=AutoresetMode.DISABLED)


@pytest.fixture(autouse=True)
def counting_module(monkeypatch):
    """Make the environments importable as `counting_environments:...`."""
    module = types.ModuleType(MODULE)
    kinds = (
        CountingEnvironment,
        BufferEnvironment,
        PointEnvironment,
        GraphEnvironment,
        SequenceEnvironment,
        BrokenEnvironment,
        FailingEnvironment,
    )
    for kind in kinds:
        setattr(module, kind.__name__, kind)
    module.counting_vector = counting_vector
    module.buffer_vector = buffer_vector
    module.not_an_environment = lambda: 3
    monkeypatch.setitem(sys.modules, MODULE, module)
    return module
