"""EnvPool behind the interface: against EnvPool itself, stepped beside it."""

import importlib.util
import warnings

import numpy as np
import pytest

from heronry.environments.making import make_environment
from heronry.environments.settings import EnvironmentSettings
from heronry.types.errors import EnvironmentNotFoundError, InvalidArgumentError

pytestmark = pytest.mark.skipif(importlib.util.find_spec("envpool") is None, reason="EnvPool is not installed")


def pool(name, **kwargs):
    return EnvironmentSettings(name, kwargs, engine="envpool")


def raw(name, seeds):
    import envpool  # here, because it takes a second

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = envpool.make_gymnasium(name, num_envs=len(seeds), seed=list(seeds))
        assert made.observation_space is not None
        return made


@pytest.mark.parametrize("name", ["CartPole-v1", "Pendulum-v1", "FrozenLake-v1"])
def test_steps_are_those_of_the_pool(name):
    seeds = [3, 4, 5]
    environment, reference = make_environment(pool(name), 3), raw(name, seeds)
    shown, (expected, _) = environment.reset(seeds), reference.reset()
    rng = np.random.default_rng(0)
    space = environment.action_space

    for _ in range(60):
        actions = rng.uniform(-2, 2, (3, 1)).astype(np.float32) if space.is_continuous else rng.integers(2, size=3)
        step, (expected, *figures, _) = environment.step(actions), reference.step(actions)
        if name != "FrozenLake-v1":
            assert np.array_equal(step.next_observation, expected)
        else:
            assert step.next_observation.argmax(axis=1).tolist() == expected.tolist()
        for ours, theirs in zip((step.reward, step.terminated, step.truncated), figures, strict=True):
            assert np.array_equal(ours, theirs)
    assert shown.shape == step.observation.shape


def test_the_row_after_an_end_does_not_count():
    environment = make_environment(pool("CartPole-v1"), 4)
    environment.reset([1, 2, 3, 4])
    ended = np.zeros(4, bool)
    num_ends = 0

    for _ in range(120):
        step = environment.step(np.ones(4, np.int64))
        assert np.array_equal(step.mask, ~ended)
        assert not (step.reward[~step.mask]).any()
        ended = step.terminated | step.truncated
        num_ends += int(ended.sum())

    assert num_ends > 20


def test_each_lane_has_a_seed_of_its_own_and_repeats_with_it():
    environment = make_environment(pool("CartPole-v1"), 3)

    first, second = environment.reset([8, 9, 8]), environment.reset([8, 2**31 + 9, 7])

    assert np.array_equal(first[0], first[2])
    assert not np.array_equal(first[0], first[1])
    assert np.array_equal(first[:2], second[:2])
    assert not np.array_equal(first[2], second[2])


def test_reals_in_double_precision_are_stored_as_single():
    environment = make_environment(pool("HalfCheetah-v4"), 2)

    shown = environment.reset([1, 2])
    step = environment.step(np.zeros((2, 6), np.float32))

    assert shown.dtype == step.next_observation.dtype == np.float32
    assert environment.observation_space.shape == (17,)
    assert environment.releases_lock


def test_arguments_reach_the_pool():
    environment = make_environment(pool("CartPole-v1", max_episode_steps=3), 1)
    environment.reset([0])

    ends = [bool(environment.step(np.array([i % 2])).truncated[0]) for i in range(3)]

    assert ends == [False, False, True]


def test_images_are_bytes_and_pictures_are_drawn():
    environment = make_environment(pool("Pong-v5"), 1, with_pictures=True)

    shown = environment.reset([0])

    assert (shown.shape, shown.dtype) == ((1, 84, 84, 4), np.uint8)
    assert environment.render(0).shape[2] == 3


def test_an_unknown_task_names_the_nearest():
    with pytest.raises(EnvironmentNotFoundError, match="'Pong-v5'"):
        make_environment(pool("Pongg-v5"), 1)


@pytest.mark.parametrize("kwargs", [{"gravity": 3}, {"seed": 3}, {"batch_size": 1}])
def test_arguments_that_do_not_fit_are_refused(kwargs):
    with pytest.raises(InvalidArgumentError, match=r"environment\.kwargs"):
        make_environment(pool("CartPole-v1", **kwargs), 2)
