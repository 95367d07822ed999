"""What cuts a recording short."""

import numpy as np
import pytest

from heronry.environments.vector import Step
from heronry.fleet.core import recording
from heronry.fleet.core.recording import film_episode
from heronry.maths.spaces import ActionSpace
from heronry.types.errors import AbortedError, InvalidArgumentError


class Endless:
    """One lane that goes on for ever, but dies in a step if it is told to."""

    num_envs = 1
    action_space = ActionSpace("discrete", num_actions=2)
    action_mask = None

    def __init__(self, dies_in=0):
        self._dies_in = dies_in
        self._num_steps = 0

    def reset(self, seeds):
        return np.zeros((1, 2), np.float32)

    def step(self, actions):
        self._num_steps += 1
        nothing, no = np.zeros((1, 2), np.float32), np.zeros(1, np.bool_)
        lost = np.array([self._num_steps == self._dies_in])
        return Step(nothing, np.zeros(1, np.float32), no, no, nothing, ~lost, lost if lost.any() else None)

    def render(self, lane):
        return np.zeros((8, 16, 3), np.uint8)


class Idle:
    """Does the same always."""

    def draw(self, num_steps, num_lanes, rng):
        return None

    def begin(self, num_steps, num_lanes, randoms):
        return None

    def act(self, step, observations, actions, mask):
        actions[...] = 0


def test_an_episode_that_its_environments_death_ends_is_no_film():
    with pytest.raises(AbortedError, match="died in step 3 of the episode"):
        film_episode(Endless(dies_in=3), Idle(), seed=1, max_steps=10)


def test_pictures_that_would_take_too_much_memory_are_refused(monkeypatch):
    monkeypatch.setattr(recording, "MAX_FILM_BYTES", 5 * 8 * 16 * 3)

    film = film_episode(Endless(), Idle(), seed=1, max_steps=4)
    with pytest.raises(
        InvalidArgumentError, match="max_steps: got 5, allowed: at most 4 for pictures of 16 x 8 pixels"
    ):
        film_episode(Endless(), Idle(), seed=1, max_steps=5)

    assert len(film.frames) == 5
