"""Wrappers and pictures: what is put around environments, and what cannot be."""

import numpy as np
import pytest

from heronry.environments.engines import engine_of, is_isolated
from heronry.environments.making import make_environment, make_single
from heronry.environments.settings import EnvironmentSettings, WrapperSettings
from heronry.types.errors import FailedPreconditionError, InvalidArgumentError


def wrapped(environment, *wrappers, **values):
    settings = tuple(WrapperSettings(factory, kwargs) for factory, kwargs in wrappers)
    return EnvironmentSettings(environment, wrappers=settings, isolation="none", **values)


def first_reward(environment):
    environment.reset([5] * environment.num_envs)
    return environment.step(np.zeros(environment.num_envs, np.int64)).reward.tolist()


def test_the_first_wrapper_is_the_innermost():
    # The first reward of an environment that counts is 1.
    offset, double = ("toy_environments:Offset", {"offset": 10.0}), ("toy_environments:Double", {})

    offset_first = make_environment(wrapped("toy_environments:Counting", offset, double), 2)
    double_first = make_environment(wrapped("toy_environments:Counting", double, offset), 2)

    assert first_reward(offset_first) == [22.0, 22.0]
    assert first_reward(double_first) == [12.0, 12.0]


def test_a_wrapped_id_has_no_vector_entry_point_and_no_native_game():
    settings = wrapped("CartPole-v1", ("toy_environments:Offset", {}))

    assert engine_of(settings) == "gymnasium"
    assert first_reward(make_environment(settings, 2)) == [101.0, 101.0]
    assert make_single(settings).env.unwrapped.spec.id == "CartPole-v1"


def test_gymnasiums_own_wrappers_can_be_named():
    settings = wrapped("CartPole-v1", ("gymnasium.wrappers:FlattenObservation", {}))

    assert make_environment(settings, 1).observation_space.shape == (4,)


@pytest.mark.parametrize(
    ("factory", "kwargs", "message"),
    [
        ("toy_environments:Ofset", {}, r"wrappers\[0\].factory: got 'toy_environments:Ofset'.*near: .*Offset"),
        ("no_such_module:Offset", {}, r"wrappers\[0\].factory.*no_such_module"),
        ("toy_environments:Offset", {"by": 3}, r"wrappers\[0\].kwargs: got \{'by': 3\}"),
        ("toy_environments:not_an_environment", {}, r"wrappers\[0\].factory.*returns an environment"),
    ],
)
def test_a_wrapper_that_cannot_be_put_on_is_named(factory, kwargs, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make_environment(wrapped("toy_environments:Counting", (factory, kwargs)), 1)


@pytest.mark.parametrize(
    ("environment", "engine"), [("toy_environments:vector", "gymnasium"), ("CartPole-v1", "native")]
)
def test_engines_without_single_environments_refuse_wrappers(environment, engine):
    settings = wrapped(environment, ("toy_environments:Offset", {}), engine=engine)

    with pytest.raises(InvalidArgumentError, match="wrappers"):
        make_environment(settings, 1)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (EnvironmentSettings("toy_environments:Counting"), True),
        (EnvironmentSettings("toy_environments:Counting", isolation="none"), False),
        (EnvironmentSettings("CartPole-v1"), False),
        (EnvironmentSettings("CartPole-v1", isolation="process"), True),
        (EnvironmentSettings("Pendulum-v1", engine="gymnasium", command=("simulator",)), True),
        (EnvironmentSettings("anything", engine="command", command=("simulator",)), True),
        (EnvironmentSettings("pettingzoo.classic.rps_v2", engine="pettingzoo"), False),
        (EnvironmentSettings("my.games", engine="pettingzoo"), True),
    ],
)
def test_what_is_not_known_to_behave_lives_in_a_process_of_its_own(settings, expected):
    assert is_isolated(settings) is expected


@pytest.mark.parametrize(
    ("environment", "kwargs", "engine"),
    [
        ("CartPole-v1", {}, "native"),
        ("CartPole-v1", {"disable_env_checker": True}, "gymnasium"),
        ("toy_environments:Counting", {}, "gymnasium"),
        ("Taxi-v4", {}, "gymnasium"),
        ("MinAtar/Breakout-v1", {"no_such_option": 1}, "native"),
    ],
)
def test_auto_takes_a_native_game_where_there_is_one_of_these_arguments(environment, kwargs, engine):
    assert engine_of(EnvironmentSettings(environment, kwargs)) == engine


def test_pictures_are_drawn_of_environments_that_were_made_with_them(toys):
    environment = make_environment(toys("Counting"), 2, with_pictures=True)
    environment.reset([3, 3])
    environment.step(np.zeros(2, np.int64))

    picture = environment.render(1)

    assert picture.shape == (2, 3, 3)
    assert (picture == 1).all()


@pytest.mark.parametrize("name", ["Counting", "vector"])
def test_an_environment_that_was_made_without_pictures_says_so(name, toys):
    environment = make_environment(toys(name), 2)
    environment.reset([3, 3])

    with pytest.raises(FailedPreconditionError, match="render mode"):
        environment.render(0)


def test_a_drawing_that_fails_says_why(toys, toy_module, monkeypatch):
    def fall(self):
        raise ImportError("no drawing library")

    monkeypatch.setattr(toy_module.Counting, "render", fall)
    environment = make_environment(toys("Counting"), 1, with_pictures=True)
    environment.reset([0])

    with pytest.raises(FailedPreconditionError, match="no drawing library"):
        environment.render(0)


def test_a_picture_is_not_drawn_over_by_the_next(toys, toy_module, monkeypatch):
    buffer = np.zeros((2, 3, 3), np.uint8)

    def render(self):
        buffer[:] = self._step
        return buffer

    monkeypatch.setattr(toy_module.Counting, "render", render)
    environment = make_environment(toys("Counting"), 1, with_pictures=True)
    environment.reset([3])

    before = environment.render(0)
    environment.step(np.zeros(1, np.int64))
    after = environment.render(0)

    assert (before[0, 0, 0], after[0, 0, 0]) == (0, 1)
