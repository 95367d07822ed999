"""Makes Gymnasium's environments from an id or `module:factory`."""

import importlib
import inspect
from collections.abc import Callable
from typing import Any

import gymnasium

from heronry.environments.autoreset import AutoresettingEnvironment
from heronry.environments.factories import constructed, factory_of, takes_num_envs, wrapped
from heronry.environments.pictures import refuse_picture
from heronry.environments.settings import EnvironmentSettings
from heronry.environments.single import SingleEnvironment, SingleEnvironments
from heronry.environments.vector import VectorEnvironment
from heronry.types.errors import InvalidArgumentError


def make_gymnasium(settings: EnvironmentSettings, num_envs: int, *, with_pictures: bool = False) -> VectorEnvironment:
    """Return `num_envs` environments: by the id's vector entry point where it has one.

    Raises:
      EnvironmentNotFoundError: no such id or factory; names the nearest.
      InvalidArgumentError: its arguments do not fit, or its spaces are not supported.
    """
    if is_single(settings):
        return SingleEnvironments(lambda: make_single(settings, with_pictures=with_pictures), num_envs)
    if settings.wrappers:
        allowed = "none around a factory of a vector environment: it wraps what it makes itself"
        raise InvalidArgumentError.of("environment.wrappers", [w.factory for w in settings.wrappers], allowed)
    arguments = _arguments(settings, with_pictures=with_pictures)
    factory = factory_of(settings.id)
    if factory is None:
        engine = constructed(settings, gymnasium.make_vec, id=settings.id, num_envs=num_envs, **arguments)
    else:
        engine = constructed(settings, factory, num_envs=num_envs, **arguments)
    if not isinstance(engine, gymnasium.vector.VectorEnv):
        raise InvalidArgumentError.of("environment.id", settings.id, "a factory of a Gymnasium VectorEnv")
    return AutoresettingEnvironment(engine)


def make_single(settings: EnvironmentSettings, *, with_pictures: bool = False) -> SingleEnvironment:
    """Return one environment with its wrappers.

    Args:
      settings: which; its engine and isolation do not count.
      with_pictures: whether it is to draw pictures.

    Raises:
      EnvironmentNotFoundError, InvalidArgumentError: as `make_gymnasium`.
      FailedPreconditionError: pictures are wanted of a factory that takes no `render_mode`.
    """
    factory = factory_of(settings.id)
    arguments = _arguments(settings, with_pictures=with_pictures)
    if factory is not None and with_pictures and not _takes(factory, "render_mode"):
        raise refuse_picture(settings.id, "its factory takes no render_mode")
    if factory is not None:
        environment = constructed(settings, factory, **arguments)
    else:
        # The checker's tests are for authors of environments and cost time in every first step.
        arguments = {"disable_env_checker": True, **arguments}
        environment = constructed(settings, gymnasium.make, id=settings.id, **arguments)
    if not isinstance(environment, gymnasium.Env):
        raise InvalidArgumentError.of("environment.id", settings.id, "a factory of a Gymnasium Env")
    single: SingleEnvironment = wrapped(environment, settings.wrappers, gymnasium.Env)
    return single


def is_single(settings: EnvironmentSettings) -> bool:
    """Whether environments are made one by one, each with a seed and wrappers of its own.

    Raises:
      EnvironmentNotFoundError: no such id or factory.
    """
    factory = factory_of(settings.id)
    if factory is not None:
        return not takes_num_envs(factory)
    return bool(settings.wrappers) or not has_vector_entry_point(settings)


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


def _takes(factory: Callable[..., object], name: str) -> bool:
    """Whether a factory has an argument of that name; one whose signature cannot be read may."""
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(p.name == name or p.kind is p.VAR_KEYWORD for p in parameters)


def _arguments(settings: EnvironmentSettings, *, with_pictures: bool) -> dict[str, Any]:
    arguments: dict[str, Any] = dict(settings.kwargs)  # what they are, the constructor knows
    return {"render_mode": "rgb_array", **arguments} if with_pictures else arguments
