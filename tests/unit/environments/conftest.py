"""Environments with every kind of space and habit, under a module that factories can be named in."""

import sys
import types

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from heronry.environments.settings import EnvironmentSettings

MODULE = "toy_environments"


class Counting(gymnasium.Env):
    """Shows (seed, episode, step); rewards step + action / 10; ends by turns by termination and truncation.

    Episode k of seed s lasts 2 + (s + 3 k) % 5 steps.
    """

    observation_space = spaces.Box(-np.inf, np.inf, (3,), np.float32)
    action_space = spaces.Discrete(3)

    def __init__(self, render_mode=None):
        self.render_mode = render_mode
        self._seed, self._episode, self._step = 0, -1, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if seed is not None:
            self._seed, self._episode = seed % 1000, -1
        self._episode += 1
        self._step = 0
        return self.observation(), self.info()

    def step(self, action):
        self._step += 1
        has_ended = self._step == 2 + (self._seed + 3 * self._episode) % 5
        is_truncation = self._episode % 2 == 1
        ends = has_ended and not is_truncation, has_ended and is_truncation
        return self.observation(), self.reward(action), *ends, self.info()

    def reward(self, action):
        return self._step + int(action) / 10

    def observation(self):
        return np.array([self._seed, self._episode, self._step], np.float32)

    def info(self):
        return {}

    def render(self):
        return np.full((2, 3, 3), self._step, np.uint8)


class Composite(Counting):
    """The same numbers in a Dict of a Tuple and other spaces, and an action of several choices."""

    observation_space = spaces.Dict(
        {
            "clock": spaces.Tuple((spaces.Discrete(1000), spaces.Discrete(20))),
            "step": spaces.Box(0, 20, (1, 1), np.float64),
            "word": spaces.Text(3, min_length=0, charset="ab"),
        }
    )
    action_space = spaces.Dict({"move": spaces.Discrete(2, start=1), "push": spaces.MultiBinary(2)})

    def reward(self, action):
        return self._step + action["move"] / 10 + action["push"].sum() / 100

    def observation(self):
        return {"clock": (self._seed, self._episode), "step": np.full((1, 1), self._step), "word": "ab"[: self._step]}


class Masked(Counting):
    """Allows the choices that are not step % 3; an action that is not allowed ends the program."""

    def reward(self, action):
        if self._step > 0 and int(action) == (self._step - 1) % 3:
            raise RuntimeError(f"{action} was not allowed")
        return 1.0

    def info(self):
        mask = np.ones(3, np.int8)
        mask[self._step % 3] = 0
        return {"action_mask": mask}


class MaskInObservation(Masked):
    observation_space = spaces.Dict(
        {"observation": spaces.Box(-np.inf, np.inf, (3,), np.float32), "action_mask": spaces.Box(0, 1, (3,), np.int8)}
    )

    def observation(self):
        return {"observation": super().observation(), "action_mask": super().info()["action_mask"]}

    def info(self):
        return {}


class Faulty(Counting):
    """Does one thing wrong in one step of its seed's second episode."""

    def __init__(self, fault, seed=7, step=2, render_mode=None):
        super().__init__(render_mode)
        self._fault, self._bad_seed, self._bad_step = fault, seed, step

    @property
    def is_due(self):
        return (self._seed, self._episode, self._step) == (self._bad_seed, 1, self._bad_step)

    def step(self, action):
        observation, reward, *rest = super().step(action)
        if not self.is_due:
            return observation, reward, *rest
        if self._fault == "exit":
            sys.exit(3)
        if self._fault == "raise":
            raise ValueError("the simulator fell over")
        if self._fault == "old_api":
            return observation, reward, True, {}
        wrong = {
            "nan_reward": (observation, np.nan),
            "infinite_reward": (observation, -np.inf),
            "text_reward": (observation, "much"),
            "nan": (np.array([1, np.nan, 3], np.float32), reward),
            "shape": (np.zeros(4, np.float32), reward),
            "type": (np.array(["a", "b", "c"]), reward),
            "nothing": (None, reward),
        }
        return *wrong[self._fault], *rest


class Shifting(Counting):
    """Has other spaces from its second episode on."""

    @property
    def observation_space(self):
        return spaces.Box(-np.inf, np.inf, (3 + (self._episode > 0),), np.float32)


class NoChoice(Masked):
    def info(self):
        return {"action_mask": np.zeros(3, np.int8)}


class Offset(gymnasium.Wrapper):
    """Adds to every reward."""

    def __init__(self, env, offset=100.0):
        super().__init__(env)
        self._offset = offset

    def step(self, action):
        observation, reward, *rest = self.env.step(action)
        return observation, reward + self._offset, *rest


class Double(gymnasium.Wrapper):
    def step(self, action):
        observation, reward, *rest = self.env.step(action)
        return observation, 2 * reward, *rest


def vector(num_envs, kind="Counting", mode="SAME_STEP"):
    return SyncVectorEnv([KINDS[kind]] * num_envs, autoreset_mode=AutoresetMode[mode])


KINDS = {
    kind.__name__: kind
    for kind in (Counting, Composite, Masked, MaskInObservation, Faulty, Shifting, NoChoice, Offset, Double)
}


def toy(name, **kwargs):
    return EnvironmentSettings(f"{MODULE}:{name}", kwargs, isolation="none")


def first_allowed(environment):
    """Return the least action that each lane may take."""
    space = environment.action_space
    masks = environment.action_mask
    if space.is_continuous:
        return np.zeros((environment.num_envs, *space.shape), np.float32)
    if masks is None:
        return np.zeros((environment.num_envs, *space.shape), np.int64)
    ends = np.cumsum(space.num_choices)[:-1]
    columns = [part.argmax(axis=1) for part in np.split(masks, ends, axis=1)]
    return np.stack(columns, axis=1).reshape(environment.num_envs, *space.shape)


@pytest.fixture(autouse=True)
def toy_module(monkeypatch):
    """Make the environments importable as `toy_environments:...`."""
    module = types.ModuleType(MODULE)
    for name, kind in KINDS.items():
        setattr(module, name, kind)
    module.vector = vector
    module.not_an_environment = lambda environment=None: 3
    monkeypatch.setitem(sys.modules, MODULE, module)
    return module


@pytest.fixture
def toys():
    """Return the settings of an environment of the module."""
    return toy


@pytest.fixture
def allowed():
    """Return actions that may be taken."""
    return first_allowed
