"""Checks an environment's name before anything is started."""

import difflib
import importlib
import importlib.util
from collections.abc import Iterable
from types import ModuleType

from heronry.spec.environment import EnvironmentSettings
from heronry.types.errors import ConfigurationError, EnvironmentFaultError, EnvironmentNotFoundError

# Gymnasium's own families and what they need beside it.
_NEEDS = {
    "gymnasium.envs.box2d": ("Box2D", "gymnasium[box2d]"),
    "gymnasium.envs.mujoco": ("mujoco", "gymnasium[mujoco]"),
    "ale_py": ("ale_py", "ale-py"),
}


def check_environment(environment: EnvironmentSettings) -> None:
    """Refuse an environment that this machine cannot make; imports its engine.

    Raises:
      EnvironmentNotFoundError: neither known to its engine nor an importable `module:factory`.
      ConfigurationError: known, but the package it needs is missing, or a setting that its engine has not.
    """
    if environment.engine == "envpool":
        _refuse_wrappers(environment)
        check_envpool(environment.id)
    elif environment.engine == "pettingzoo":
        check_pettingzoo(environment.id)
    elif environment.engine == "native":
        _refuse_wrappers(environment)
        _check_native(environment)
    elif environment.engine == "command":
        _check_command(environment)
    elif environment.engine == "auto" and _is_native_alone(environment.id):
        _refuse_wrappers(environment)
        _check_native(environment)
    else:
        _check_gymnasium(environment.id, with_native=environment.engine == "auto")


def check_envpool(environment_id: str) -> None:
    """Refuse a task that EnvPool has not.

    Raises:
      ConfigurationError: EnvPool is not installed.
      EnvironmentNotFoundError: no such task; names the nearest.
    """
    _require("envpool", environment_id, "heronry[envs]")
    import envpool  # here, because it takes a second that only this check needs

    _check_listed(environment_id, envpool.list_all_envs(), "envpool.list_all_envs() lists them")


def check_pettingzoo(environment_id: str) -> None:
    """Refuse a game that is neither in PettingZoo's registries nor in an importable module.

    Raises:
      ConfigurationError: PettingZoo, or what the game needs, is not installed.
      EnvironmentNotFoundError: no such game or module; names the nearest game.
    """
    _require("pettingzoo", environment_id, "heronry[envs]")
    if "/" not in environment_id:
        _import_game(environment_id, environment_id.partition(":")[0])
        return
    import pettingzoo  # here, because it is optional

    kind, _, name = environment_id.rpartition(":")
    registries = {"parallel": pettingzoo.parallel_registry, "aec": pettingzoo.aec_registry}
    chosen = [registry for of, registry in registries.items() if kind in ("", of)]
    _check_listed(name, [game for registry in chosen for game in registry], "pettingzoo.pprint_registry() lists them")
    entry_point = next(registry[name] for registry in chosen if name in registry).entry_point
    if isinstance(entry_point, str):
        _import_game(environment_id, entry_point.partition(":")[0])


def _imported(environment_id: str, module: str) -> ModuleType:
    """Import a user's module, or name the environment that it is of in what it raises but for an ImportError."""
    try:
        return importlib.import_module(module)
    except (ImportError, KeyboardInterrupt):
        raise
    except BaseException as error:
        is_exit = isinstance(error, SystemExit)
        what = f"called exit({error})" if is_exit else f"raised {type(error).__name__} in its import: {error}"
        raise EnvironmentFaultError.in_making(environment_id, what) from error


def _import_game(environment_id: str, module: str) -> None:
    try:
        _imported(environment_id, module)
    except ImportError as error:
        # PettingZoo's modules say themselves what to install, or where they have gone to.
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise EnvironmentNotFoundError.of("environment", environment_id, f"{error}") from error
        allowed = f"a module whose own imports are installed ({error})"
        raise ConfigurationError.of("environment.id", environment_id, allowed) from error


def _check_gymnasium(environment_id: str, *, with_native: bool) -> None:
    module, colon, name = environment_id.partition(":")
    if colon:
        _check_factory(environment_id, module, name)
        return
    import gymnasium  # here, because it takes 0.2 s that only this check needs

    from heronry.native.games import GAMES  # here, because it loads the native games

    known = [*gymnasium.registry, *(GAMES if with_native else ())]
    _check_listed(environment_id, known, "see gymnasium.pprint_registry()")
    _check_packages(environment_id, str(gymnasium.registry[environment_id].entry_point or ""))


def _check_native(environment: EnvironmentSettings) -> None:
    from heronry.native.games import GAMES, accepts  # here, because it loads the native games

    _check_listed(environment.id, GAMES, "none")
    if not accepts(environment.id, environment.kwargs):
        options = ", ".join(f"{name}: {option.allowed}" for name, option in GAMES[environment.id].options.items())
        raise ConfigurationError.of("environment.kwargs", environment.kwargs, options or "no arguments")


def _check_command(environment: EnvironmentSettings) -> None:
    if not environment.command:
        raise ConfigurationError.of("environment.command", [], "a command, with engine 'command'")


def _is_native_alone(environment_id: str) -> bool:
    """Whether no other engine that `auto` knows has the game."""
    import gymnasium  # here, because it takes 0.2 s that only checks need

    from heronry.native.games import GAMES  # here, because it loads the native games

    return environment_id in GAMES and environment_id not in gymnasium.registry


def _check_listed(environment_id: str, known: Iterable[str], otherwise: str) -> None:
    names = sorted(set(known))
    if environment_id not in names:
        near = difflib.get_close_matches(environment_id, names, n=3, cutoff=0.5)
        raise EnvironmentNotFoundError.of("environment", environment_id, near or otherwise)


def _refuse_wrappers(environment: EnvironmentSettings) -> None:
    if environment.wrappers:
        given = [wrapper.factory for wrapper in environment.wrappers]
        allowed = f"none with engine {environment.engine!r}, which has no single environments"
        raise ConfigurationError.of("environment.wrappers", given, allowed)


def _check_packages(environment_id: str, entry_point: str) -> None:
    for family, (package, requirement) in _NEEDS.items():
        if entry_point.startswith(family):
            _require(package, environment_id, requirement)


def _require(package: str, environment_id: str, requirement: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise ConfigurationError(
            f"environment.id: {environment_id!r} needs the package {package!r}, which is not installed "
            f"(pip install '{requirement}')",
            details={"field": "environment.id", "value": environment_id, "allowed": f"with {requirement}"},
        )


def _check_factory(environment_id: str, module: str, name: str) -> None:
    try:
        found = _imported(environment_id, module)
    except ImportError as error:
        raise EnvironmentNotFoundError.of("environment", environment_id, f"{error}") from error
    # Gymnasium's own `module:Env-v0` registers on import; a factory is an attribute.
    import gymnasium

    if not callable(getattr(found, name, None)) and name not in gymnasium.registry:
        raise EnvironmentNotFoundError.of("environment", environment_id, f"no {name!r} in module {module!r}")
