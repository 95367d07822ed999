"""Action masks reach the policy as they belong to the observation that is shown with them."""

import numpy as np
import pytest
from gymnasium import spaces

from heronry.environments.codecs import MaskReader
from heronry.environments.making import make_environment, read_spaces
from heronry.environments.settings import EnvironmentSettings
from heronry.maths.spaces import ActionSpace
from heronry.types.errors import EnvironmentFaultError, SchemaMismatchError

MODES = ["NEXT_STEP", "SAME_STEP", "DISABLED"]
ENGINES = ["Masked", "MaskInObservation", *((kind, mode) for mode in MODES for kind in ("Masked", "MaskInObservation"))]
NUMBERS = spaces.Box(-np.inf, np.inf, (3,))


def make(engine, toys, num_envs):
    if isinstance(engine, str):
        return make_environment(toys(engine), num_envs)
    kind, mode = engine
    return make_environment(toys("vector", kind=kind, mode=mode), num_envs)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_mask_is_that_of_the_observation_shown_last(engine, toys, allowed):
    environment = make(engine, toys, 3)

    shown = environment.reset([1, 2, 3])

    for _ in range(20):
        step = shown[:, 2].astype(int)
        expected = np.ones((3, 3), bool)
        expected[np.arange(3), step % 3] = False
        assert np.array_equal(environment.action_mask, expected)
        shown = environment.step(allowed(environment)).observation


@pytest.mark.parametrize("engine", ENGINES)
def test_a_mask_is_told_before_the_first_reset(engine, toys):
    environment = make(engine, toys, 2)

    assert environment.action_space.is_masked
    assert environment.observation_space.shape == (3,)


@pytest.mark.parametrize("engine", ["Counting", ("Counting", "NEXT_STEP")])
def test_an_environment_without_masks_allows_everything(engine, toys):
    environment = make(engine, toys, 2)

    environment.reset([1, 2])

    assert environment.action_mask is None
    assert not environment.action_space.is_masked


def test_gymnasiums_own_masks_are_found():
    space = read_spaces(EnvironmentSettings("Taxi-v4"))[1]

    assert space == ActionSpace("discrete", num_actions=6, is_masked=True)


def test_a_mask_a_component_is_laid_end_to_end():
    reader = MaskReader(NUMBERS, ActionSpace.of_choices((2, 3)))

    row = reader.row(None, {"action_mask": (np.array([1, 0], np.int8), np.array([0, 1, 1], np.int8))})

    assert row.tolist() == [True, False, False, True, True]


def test_an_environment_that_wrote_no_mask_allows_everything():
    reader = MaskReader(NUMBERS, ActionSpace("discrete", num_actions=2))
    info = {"action_mask": np.array([[1, 0], [0, 0]], np.int8), "_action_mask": np.array([True, False])}

    assert reader.rows(None, info, 2).tolist() == [[True, False], [True, True]]


@pytest.mark.parametrize("mask", [np.zeros(2, np.int8), np.ones(3, np.int8)])
def test_a_mask_without_choices_or_of_another_size_is_refused(mask):
    reader = MaskReader(NUMBERS, ActionSpace("discrete", num_actions=2))

    with pytest.raises(SchemaMismatchError, match="action_mask"):
        reader.row(None, {"action_mask": mask})


def test_every_component_needs_a_choice_of_its_own():
    reader = MaskReader(NUMBERS, ActionSpace.of_choices((2, 3)))

    with pytest.raises(SchemaMismatchError, match="at least one choice of each component"):
        reader.row(None, {"action_mask": np.array([0, 0, 1, 1, 1], np.int8)})


@pytest.mark.parametrize("engine", ["Masked", ("Masked", "NEXT_STEP"), ("Masked", "SAME_STEP")])
def test_masks_that_were_there_at_first_are_there_for_good(engine, toys, toy_module, monkeypatch):
    environment = make(engine, toys, 2)
    assert environment.action_space.is_masked

    monkeypatch.setattr(toy_module.Masked, "info", lambda self: {})
    environment.reset([1, 2])

    assert np.array_equal(environment.action_mask, np.ones((2, 3), bool))


@pytest.mark.parametrize("engine", ["Counting", ("Counting", "NEXT_STEP"), ("Counting", "SAME_STEP")])
def test_masks_that_come_late_are_not_taken_for_some_that_were_told(engine, toys, toy_module, monkeypatch):
    environment = make(engine, toys, 2)
    assert not environment.action_space.is_masked

    monkeypatch.setattr(toy_module.Counting, "info", lambda self: {"action_mask": np.ones(3, np.int8)})
    environment.reset([1, 2])

    assert environment.action_mask is None


@pytest.mark.parametrize("engine", ["Masked", *(("Masked", mode) for mode in MODES)])
def test_an_episode_that_is_over_need_not_allow_anything(engine, toys, toy_module, monkeypatch):
    def info(self):
        has_ended = self._step == 2 + (self._seed + 3 * self._episode) % 5
        return {"action_mask": np.full(3, 0 if has_ended else 1, np.int8)}

    monkeypatch.setattr(toy_module.Masked, "info", info)
    monkeypatch.setattr(toy_module.Masked, "reward", lambda self, action: 0.0)
    environment = make(engine, toys, 2)
    environment.reset([1, 2])

    for _ in range(12):
        environment.step(np.zeros(2, np.int64))

        assert environment.action_mask.all()


def test_an_environment_that_allows_nothing_is_at_fault(toys):
    environment = make_environment(toys("NoChoice"), 2)

    with pytest.raises(EnvironmentFaultError, match="no choice"):
        environment.reset([1, 2])
