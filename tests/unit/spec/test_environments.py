"""Environments are checked by name before anything starts."""

import importlib.util

import pytest

from heronry.spec import check_environment
from heronry.types.errors import ConfigurationError, EnvironmentNotFoundError


@pytest.mark.parametrize("environment", ["CartPole-v1", "Pendulum-v1", "gymnasium.envs.classic_control:CartPoleEnv"])
def test_an_environment_that_can_be_made_passes(environment: str) -> None:
    check_environment(environment)


def test_a_misspelt_environment_names_near_ones() -> None:
    with pytest.raises(EnvironmentNotFoundError, match="CartPole-v1"):
        check_environment("CartPol-v1")


@pytest.mark.parametrize("environment", ["no_such_module:Env", "math:no_such_factory"])
def test_a_factory_that_is_not_there_is_refused(environment: str) -> None:
    with pytest.raises(EnvironmentNotFoundError):
        check_environment(environment)


@pytest.mark.skipif(importlib.util.find_spec("Box2D") is not None, reason="Box2D is installed here")
def test_an_environment_whose_package_is_missing_names_the_package() -> None:
    with pytest.raises(ConfigurationError, match=r"gymnasium\[box2d\]"):
        check_environment("LunarLander-v3")
