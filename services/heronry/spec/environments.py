"""Checks an environment's name before anything is started."""

import difflib
import importlib
import importlib.util

from heronry.types.errors import ConfigurationError, EnvironmentNotFoundError

# Gymnasium's own families and what they need beside it.
_NEEDS = {
    "gymnasium.envs.box2d": ("Box2D", "gymnasium[box2d]"),
    "gymnasium.envs.mujoco": ("mujoco", "gymnasium[mujoco]"),
    "ale_py": ("ale_py", "ale-py"),
}


def check_environment(environment_id: str) -> None:
    """Refuse an environment that this machine cannot make; imports Gymnasium.

    Raises:
      EnvironmentNotFoundError: neither registered nor an importable `module:factory`.
      ConfigurationError: known, but the package it needs is missing.
    """
    module, colon, name = environment_id.partition(":")
    if colon:
        _check_factory(environment_id, module, name)
        return
    import gymnasium  # here, because it takes 0.2 s that only this check needs

    registered = gymnasium.registry.get(environment_id)
    if registered is None:
        known = sorted(gymnasium.registry)
        near = difflib.get_close_matches(environment_id, known, n=3, cutoff=0.5)
        raise EnvironmentNotFoundError.of("environment", environment_id, near or "see gymnasium.pprint_registry()")
    _check_packages(environment_id, str(registered.entry_point or ""))


def _check_packages(environment_id: str, entry_point: str) -> None:
    for family, (package, requirement) in _NEEDS.items():
        if entry_point.startswith(family) and importlib.util.find_spec(package) is None:
            raise ConfigurationError(
                f"environment.id: {environment_id!r} needs the package {package!r}, which is not installed "
                f"(pip install '{requirement}')",
                details={"field": "environment.id", "value": environment_id, "allowed": f"with {requirement}"},
            )


def _check_factory(environment_id: str, module: str, name: str) -> None:
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise EnvironmentNotFoundError.of("environment", environment_id, f"{error}") from error
    # Gymnasium's own `module:Env-v0` registers on import; a factory is an attribute.
    import gymnasium

    if not callable(getattr(found, name, None)) and name not in gymnasium.registry:
        raise EnvironmentNotFoundError.of("environment", environment_id, f"no {name!r} in module {module!r}")
