"""Makes PettingZoo's games from a registered id, a module or `module:factory`."""

import functools
from typing import Any

from heronry.environments.agents import Game, ParallelGame, TurnBasedGame
from heronry.environments.factories import Factory, constructed, imported, wrapped
from heronry.environments.pettingzoo_engine import GamesOfAgents
from heronry.environments.settings import EnvironmentSettings
from heronry.spec.environments import check_pettingzoo
from heronry.types.errors import EnvironmentNotFoundError, InvalidArgumentError

# In modules, the preferred one first: where all act at once a game takes a step where turns take one an agent.
_FACTORIES = ("parallel_env", "env")


def make_games(settings: EnvironmentSettings, num_envs: int, *, with_pictures: bool = False) -> GamesOfAgents:
    """Return as many games as have `num_envs` agents.

    Raises:
      ConfigurationError: PettingZoo is not installed.
      EnvironmentNotFoundError: no such module or factory.
      InvalidArgumentError: `num_envs` is no multiple of the agents, their spaces differ, or it is no game.
    """
    check_pettingzoo(settings.id)
    factory = _factory(settings.id)
    first = _environment(settings, factory, with_pictures=with_pictures)
    spaces = _common_spaces(settings, first)
    games = [_game(first)]
    num_agents = len(games[0].agents)
    if num_envs % num_agents:
        first.close()
        raise InvalidArgumentError.of("num_envs", num_envs, f"a multiple of {num_agents}, the agents of {settings.id}")
    others = range(num_envs // num_agents - 1)
    games += [_game(_environment(settings, factory, with_pictures=with_pictures)) for _ in others]
    return GamesOfAgents(games, spaces, takes_turns=isinstance(games[0], TurnBasedGame))


def count_agents(settings: EnvironmentSettings) -> int:
    """Return how many lanes a game has; makes one to see it.

    Raises:
      ConfigurationError, EnvironmentNotFoundError, InvalidArgumentError: as `make_games`.
    """
    check_pettingzoo(settings.id)
    environment = _environment(settings, _factory(settings.id), with_pictures=False)
    try:
        return len(_game(environment).agents)
    finally:
        environment.close()


def _factory(environment_id: str) -> Factory:
    if "/" in environment_id:
        return _registered(environment_id)
    module_name, _, name = environment_id.partition(":")
    try:
        module = imported(module_name, environment_id)
    except ImportError as error:
        raise EnvironmentNotFoundError.of("environment", environment_id, f"{error}") from error
    for candidate in (name,) if name else _FACTORIES:
        factory = getattr(module, candidate, None)
        if callable(factory):
            return factory  # type: ignore[no-any-return]  # an attribute of somebody's module
    raise EnvironmentNotFoundError.of("environment", environment_id, f"no {name or ' or '.join(_FACTORIES)} there")


def _registered(environment_id: str) -> Factory:
    import pettingzoo  # here, because it is optional

    kind, _, name = environment_id.rpartition(":")
    has_parallel = kind != "aec" and name in pettingzoo.parallel_registry
    return functools.partial(pettingzoo.make, "parallel" if has_parallel else "aec", name)


def _environment(settings: EnvironmentSettings, factory: Factory, *, with_pictures: bool) -> Any:  # noqa: ANN401 - of two kinds
    import pettingzoo  # here, because it is optional

    arguments = {"render_mode": "rgb_array"} if with_pictures else {}
    environment = constructed(settings, factory, **(arguments | dict(settings.kwargs)))
    kinds = (pettingzoo.ParallelEnv, pettingzoo.AECEnv)
    if not isinstance(environment, kinds):
        raise InvalidArgumentError.of("environment.id", settings.id, "a factory of a ParallelEnv or an AECEnv")
    return wrapped(environment, settings.wrappers, kinds)


def _game(environment: Any) -> Game:  # noqa: ANN401 - of two kinds
    import pettingzoo

    if isinstance(environment, pettingzoo.ParallelEnv):
        return ParallelGame(environment)
    return TurnBasedGame(environment)


def _common_spaces(settings: EnvironmentSettings, environment: Any) -> tuple[Any, Any]:  # noqa: ANN401 - of two kinds
    """Return the spaces that all agents share: one policy acts for them all."""
    agents = _game(environment).agents
    spaces = environment.observation_space(agents[0]), environment.action_space(agents[0])
    for agent in agents[1:]:
        if (environment.observation_space(agent), environment.action_space(agent)) != spaces:
            allowed = f"agents that see and do the same kind of thing: {agent!r} is not like {agents[0]!r}"
            raise InvalidArgumentError.of("environment.id", settings.id, allowed)
    return spaces
