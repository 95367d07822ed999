"""Makes environments from a Gymnasium id or `module:factory`."""

import difflib
import importlib
import inspect
from collections.abc import Callable
from typing import Any

import gymnasium

from heronry.environments.autoreset import AutoresettingEnvironment
from heronry.environments.settings import EnvironmentSettings
from heronry.environments.single import SingleEnvironment, SingleEnvironments
from heronry.environments.vector import VectorEnvironment
from heronry.types.errors import EnvironmentNotFoundError, InvalidArgumentError


def make_environment(settings: EnvironmentSettings, num_envs: int) -> VectorEnvironment:
    """Return `num_envs` environments: by the id's vector entry point where it has one.

    Raises:
      EnvironmentNotFoundError: no such id or factory; names the nearest.
      InvalidArgumentError: its arguments do not fit, or its spaces are not supported.
    """
    factory = _factory(settings)
    arguments: dict[str, Any] = dict(settings.kwargs)  # what they are, the constructor knows
    if factory is not None and "num_envs" in inspect.signature(factory).parameters:
        engine = _construct(settings, lambda: factory(num_envs=num_envs, **arguments))
        if not isinstance(engine, gymnasium.vector.VectorEnv):
            raise InvalidArgumentError.of("environment.id", settings.id, "a factory of a Gymnasium VectorEnv")
        return AutoresettingEnvironment(engine)
    if factory is None and has_vector_entry_point(settings):
        engine = _construct(settings, lambda: gymnasium.make_vec(settings.id, num_envs=num_envs, **arguments))
        return AutoresettingEnvironment(engine)  # type: ignore[arg-type]  # make_vec returns a VectorEnv
    return SingleEnvironments(lambda: make_single(settings), num_envs)


def make_single(settings: EnvironmentSettings) -> SingleEnvironment:
    """Return one environment.

    Raises:
      EnvironmentNotFoundError, InvalidArgumentError: as `make_environment`.
    """
    factory = _factory(settings)
    arguments: dict[str, Any] = dict(settings.kwargs)  # what they are, the constructor knows
    if factory is not None:
        environment = _construct(settings, lambda: factory(**arguments))
    else:
        # The checker's tests are for authors of environments and cost time in every first step.
        arguments = {"disable_env_checker": True, **arguments}
        environment = _construct(settings, lambda: gymnasium.make(settings.id, **arguments))
    if not isinstance(environment, gymnasium.Env):
        raise InvalidArgumentError.of("environment.id", settings.id, "a factory of a Gymnasium Env")
    return environment


def has_vector_entry_point(settings: EnvironmentSettings) -> bool:
    """Whether the id's own vectorised implementation takes these arguments."""
    found = gymnasium.registry.get(settings.id.rpartition(":")[2])
    if found is None or found.vector_entry_point is None or found.additional_wrappers:
        return False
    entry_point = found.vector_entry_point
    if isinstance(entry_point, str):
        module, _, name = entry_point.partition(":")
        entry_point = getattr(importlib.import_module(module), name)
    return set(settings.kwargs) <= set(inspect.signature(entry_point).parameters)


def _factory(settings: EnvironmentSettings) -> Callable[..., object] | None:
    """Return the callable that `module:factory` names; None where Gymnasium's registry has the id."""
    module_name, colon, name = settings.id.rpartition(":")
    if not colon:
        _check_registered(settings.id, name)
        return None
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise EnvironmentNotFoundError.of("environment", settings.id, f"{error}") from error
    factory = getattr(module, name, None)
    if callable(factory):
        return factory  # type: ignore[no-any-return]  # an attribute of a user's module
    _check_registered(settings.id, name, [n for n, v in vars(module).items() if callable(v)])
    return None


def _check_registered(environment_id: str, name: str, also: list[str] | None = None) -> None:
    if name in gymnasium.registry:
        return
    known = [*sorted(gymnasium.registry), *(also or [])]
    nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    raise EnvironmentNotFoundError.of(
        "environment", environment_id, nearest or "gymnasium.pprint_registry() lists them"
    )


def _construct(settings: EnvironmentSettings, make: Callable[[], object]) -> object:
    """Name the environment in what its constructor refuses."""
    try:
        return make()
    except TypeError as error:
        message = f"arguments of the environment's constructor ({error})"
        raise InvalidArgumentError.of("environment.kwargs", dict(settings.kwargs), message) from error
    except gymnasium.error.DependencyNotInstalled as error:
        raise InvalidArgumentError.of("environment.id", settings.id, f"an installed environment ({error})") from error
    except gymnasium.error.Error as error:
        raise EnvironmentNotFoundError.of("environment", settings.id, f"{error}") from error
