"""Decides which engine runs an environment, and whether in a process of its own."""

import gymnasium

from heronry.environments.factories import factory_of
from heronry.environments.settings import Engine, EnvironmentSettings

# Their games are known to behave, as are those that PettingZoo registers: `classic/chess-v6`.
_KNOWN_PACKAGES = ("pettingzoo.", "mpe2.")


def engine_of(settings: EnvironmentSettings) -> Engine:
    """Return the engine that is meant; by `auto` a native game of that id and arguments, else Gymnasium."""
    if settings.engine != "auto":
        return settings.engine
    return "native" if _is_native(settings) else "gymnasium"


def is_isolated(settings: EnvironmentSettings) -> bool:
    """Whether environments live in processes of their own: by `auto`, users' factories and commands do.

    Raises:
      EnvironmentNotFoundError: no such id or factory.
    """
    engine = engine_of(settings)
    if settings.command or engine == "command":
        # Whatever `isolation` says: only workers start simulators.
        return True
    if settings.isolation != "auto":
        return settings.isolation == "process"
    if engine == "pettingzoo":
        return "/" not in settings.id and not settings.id.startswith(_KNOWN_PACKAGES)
    return engine == "gymnasium" and ":" in settings.id and factory_of(settings.id) is not None


def lanes_per_environment(settings: EnvironmentSettings) -> int:
    """Return how many adjacent lanes are agents of one environment; makes one where only it can tell.

    Raises:
      EnvironmentNotFoundError, InvalidArgumentError, ConfigurationError: as `make_environment`.
    """
    engine = engine_of(settings)
    if engine == "native":
        from heronry.native.games import GAMES  # here, because it loads the native games

        return GAMES[settings.id].lanes_per_game if settings.id in GAMES else 1
    if engine == "pettingzoo":
        from heronry.environments.pettingzoo_making import count_agents  # here, because it is optional

        return count_agents(settings)
    return 1


def _is_native(settings: EnvironmentSettings) -> bool:
    from heronry.native.games import GAMES, accepts  # here, because it loads the native games

    if settings.id not in GAMES:
        return False
    fits = not settings.wrappers and not settings.command and accepts(settings.id, settings.kwargs)
    # A game that nobody else has is told what does not fit by the native one.
    return fits or settings.id not in gymnasium.registry
