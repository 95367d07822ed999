"""Environments are checked by name before anything starts, as their engine knows them."""

import importlib.util

import pytest

from heronry.spec import check_environment
from heronry.spec.environment import EnvironmentSettings
from heronry.types.errors import ConfigurationError, EnvironmentNotFoundError


def section(environment: str, **values: object) -> EnvironmentSettings:
    return EnvironmentSettings.model_validate({"id": environment, **values})


@pytest.mark.parametrize("environment", ["CartPole-v1", "Pendulum-v1", "gymnasium.envs.classic_control:CartPoleEnv"])
def test_an_environment_that_can_be_made_passes(environment: str) -> None:
    check_environment(section(environment))


def test_a_misspelt_environment_names_near_ones() -> None:
    with pytest.raises(EnvironmentNotFoundError, match="CartPole-v1"):
        check_environment(section("CartPol-v1"))


def test_a_misspelt_game_that_only_heronry_has_is_found_too() -> None:
    with pytest.raises(EnvironmentNotFoundError, match="MinAtar/Breakout-v1"):
        check_environment(section("MinAtar/Breakot-v1"))


@pytest.mark.parametrize("environment", ["no_such_module:Env", "math:no_such_factory"])
def test_a_factory_that_is_not_there_is_refused(environment: str) -> None:
    with pytest.raises(EnvironmentNotFoundError):
        check_environment(section(environment))


@pytest.mark.skipif(importlib.util.find_spec("Box2D") is not None, reason="Box2D is installed here")
def test_an_environment_whose_package_is_missing_names_the_package() -> None:
    with pytest.raises(ConfigurationError, match=r"gymnasium\[box2d\]"):
        check_environment(section("LunarLander-v3"))


def test_a_native_game_passes_with_its_arguments_only() -> None:
    check_environment(section("CartPole-v1", engine="native"))

    with pytest.raises(ConfigurationError, match=r"environment\.kwargs"):
        check_environment(section("CartPole-v1", engine="native", kwargs={"gravity_of_the_moon": 1.6}))


@pytest.mark.parametrize("values", [{"kwargs": {"no_such_option": 1}}, {"wrappers": [{"factory": "a:b"}]}])
def test_a_game_that_only_heronry_has_says_what_does_not_fit(values: dict[str, object]) -> None:
    check_environment(section("MinAtar/Breakout-v1"))

    with pytest.raises(ConfigurationError, match=next(iter(values))):
        check_environment(section("MinAtar/Breakout-v1", **values))


def test_a_native_game_that_is_not_there_names_near_ones() -> None:
    with pytest.raises(EnvironmentNotFoundError, match="CartPole-v1"):
        check_environment(section("CartPole-v9", engine="native"))


@pytest.mark.parametrize(("engine", "extra"), [("envpool", "envpool"), ("pettingzoo", "pettingzoo")])
def test_an_engine_that_is_not_installed_names_its_extra(
    engine: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == extra else found(name))

    with pytest.raises(ConfigurationError, match=r"heronry\[envs\]"):
        check_environment(section("Pong-v5", engine=engine))


@pytest.mark.parametrize("engine", ["native", "envpool"])
def test_wrappers_are_refused_where_there_are_no_single_environments(engine: str) -> None:
    wrappers = [{"factory": "gymnasium.wrappers:ClipReward"}]

    with pytest.raises(ConfigurationError, match=r"environment\.wrappers"):
        check_environment(section("CartPole-v1", engine=engine, wrappers=wrappers))


def test_a_command_as_engine_needs_a_command() -> None:
    with pytest.raises(ConfigurationError, match=r"environment\.command"):
        check_environment(section("my-simulator", engine="command"))


@pytest.mark.skipif(importlib.util.find_spec("pettingzoo") is None, reason="PettingZoo is not installed")
def test_particle_games_that_have_moved_say_where_to() -> None:
    with pytest.raises(ConfigurationError, match="mpe2"):
        check_environment(section("pettingzoo.mpe.simple_spread_v3", engine="pettingzoo"))
