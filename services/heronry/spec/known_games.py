"""Checks a run against what is known of heronry's own games, without making one."""

from heronry.spec.environment import EnvironmentSettings
from heronry.spec.run_spec import RunSpec


def check_network(spec: RunSpec) -> None:
    """Refuse a network that cannot see what the environment shows, or an algorithm that cannot act in it.

    Of environments that are no games of ours only a fleet knows.

    Raises:
      InvalidArgumentError: names the setting and what is allowed.
    """
    if not _is_own_game(spec.environment):
        return
    from heronry.maths.game_spaces import action_space_of, observation_space_of  # here, because they load the games
    from heronry.maths.networks import Layers, network_for
    from heronry.native.games import GAMES

    info = GAMES[spec.environment.id]
    layers = Layers.of_dict(spec.network.model_dump())
    network_for(spec.algorithm.name, layers, observation_space_of(info), action_space_of(info))


def _is_own_game(environment: EnvironmentSettings) -> bool:
    """Whether it is one of our games as it is, by whichever engine: they show the same."""
    if environment.engine not in {"auto", "native"} or environment.wrappers or environment.command:
        return False
    from heronry.native.games import GAMES, accepts  # as above

    return environment.id in GAMES and accepts(environment.id, environment.kwargs)
