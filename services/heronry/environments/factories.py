"""Finds the callables that settings name: `module:factory` and wrappers."""

import difflib
import importlib
import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import gymnasium

from heronry.environments.faults import fault_of, words_of
from heronry.environments.settings import EnvironmentSettings, WrapperSettings
from heronry.types.errors import EnvironmentFaultError, EnvironmentNotFoundError, InvalidArgumentError

Factory = Callable[..., object]


def factory_of(environment_id: str) -> Factory | None:
    """Return the callable that `module:factory` names; None where Gymnasium's registry has the id.

    Raises:
      EnvironmentNotFoundError: neither; names the nearest.
      EnvironmentFaultError: the module raises, or calls `exit`.
    """
    module_name, colon, name = environment_id.rpartition(":")
    if not colon:
        _check_registered(environment_id, name)
        return None
    try:
        module = imported(module_name, environment_id)
    except ImportError as error:
        raise EnvironmentNotFoundError.of("environment", environment_id, f"{error}") from error
    factory = getattr(module, name, None)
    if callable(factory):
        return factory  # type: ignore[no-any-return]  # an attribute of a user's module
    _check_registered(environment_id, name, [n for n, v in vars(module).items() if callable(v)])
    return None


def imported(module_name: str, of: str) -> ModuleType:
    """Import a user's module, for the environment or setting `of`.

    Raises:
      ImportError: there is none, or it lacks another.
      EnvironmentFaultError: it raises anything else, or calls `exit`.
    """
    if not module_name or module_name.startswith("."):
        raise ImportError(f"{module_name!r} names no module")
    try:
        return importlib.import_module(module_name)
    except ImportError:
        raise
    except BaseException as error:
        raise EnvironmentFaultError.in_making(of, fault_of(error, None, "its import").what) from error


def takes_num_envs(factory: Factory) -> bool:
    """Whether a factory makes vector environments."""
    return "num_envs" in inspect.signature(factory).parameters


def wrapped(environment: Any, wrappers: tuple[WrapperSettings, ...], kind: type | tuple[type, ...]) -> Any:  # noqa: ANN401 - of Gymnasium or PettingZoo
    """Return an environment with its wrappers, the first one innermost.

    Raises:
      InvalidArgumentError: a wrapper that is not there, does not take its arguments, or returns something else.
    """
    for i, wrapper in enumerate(wrappers):
        field = f"environment.wrappers[{i}]"
        environment = called(f"{field}.kwargs", wrapper.kwargs, _wrapper(field, wrapper.factory), environment)
        if not isinstance(environment, kind):
            raise InvalidArgumentError.of(f"{field}.factory", wrapper.factory, "a callable that returns an environment")
    return environment


def called(field: str, kwargs: Mapping[str, object], factory: Factory, *arguments: Any) -> object:  # noqa: ANN401 - passed on
    """Return what a factory makes, or name the arguments that it refuses.

    Raises:
      InvalidArgumentError: a TypeError, most often an argument that it has not.
      EnvironmentFaultError: it raises anything else.
    """
    try:
        return factory(*arguments, **kwargs)
    except TypeError as error:
        message = f"arguments of the constructor ({words_of(error)})"
        raise InvalidArgumentError.of(field, dict(kwargs), message) from error
    except BaseException as error:
        raise EnvironmentFaultError.in_making(field, fault_of(error, None, "its constructor").what) from error


def constructed(settings: EnvironmentSettings, factory: Factory, **arguments: Any) -> object:  # noqa: ANN401 - passed on
    """Name the environment in what its constructor refuses.

    Raises:
      InvalidArgumentError, EnvironmentNotFoundError: as Gymnasium says it.
      EnvironmentFaultError: the constructor raises anything else, or calls `exit`.
    """
    try:
        return factory(**arguments)
    except TypeError as error:
        message = f"arguments of the environment's constructor ({words_of(error)})"
        raise InvalidArgumentError.of("environment.kwargs", dict(settings.kwargs), message) from error
    except gymnasium.error.DependencyNotInstalled as error:
        raise InvalidArgumentError.of("environment.id", settings.id, f"an installed environment ({error})") from error
    except gymnasium.error.Error as error:
        raise EnvironmentNotFoundError.of("environment", settings.id, f"{error}") from error
    except BaseException as error:
        raise EnvironmentFaultError.in_making(settings.id, fault_of(error, None, "its constructor").what) from error


def _wrapper(field: str, name: str) -> Factory:
    module_name, _, attribute = name.partition(":")
    try:
        module = imported(module_name, name)
    except ImportError as error:
        raise InvalidArgumentError.of(f"{field}.factory", name, f"an importable `module:callable` ({error})") from error
    found = getattr(module, attribute, None)
    if not callable(found):
        callables = [n for n, v in vars(module).items() if callable(v)]
        near = difflib.get_close_matches(attribute, callables, n=3, cutoff=0.4)
        allowed = f"a callable of {module_name!r}" + (f" (near: {', '.join(near)})" if near else "")
        raise InvalidArgumentError.of(f"{field}.factory", name, allowed)
    return found  # type: ignore[no-any-return]  # an attribute of a user's module


def _check_registered(environment_id: str, name: str, also: list[str] | None = None) -> None:
    if name in gymnasium.registry:
        return
    known = [*sorted(gymnasium.registry), *(also or [])]
    nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    raise EnvironmentNotFoundError.of(
        "environment", environment_id, nearest or "gymnasium.pprint_registry() lists them"
    )
