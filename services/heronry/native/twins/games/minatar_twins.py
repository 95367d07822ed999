"""The MinAtar games as lanes, under the names of the reference: -v0 has six actions, -v1 those that do something."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from heronry.native.twins.games.asterix import Asterix
from heronry.native.twins.games.breakout import Breakout
from heronry.native.twins.games.freeway import Freeway
from heronry.native.twins.games.info import GameInfo, Option
from heronry.native.twins.games.minatar import FIRE, FRAME_SHAPE, SIZE, MinAtar
from heronry.native.twins.games.one_by_one import OneByOneGame, Rules
from heronry.native.twins.games.seaquest import Seaquest
from heronry.native.twins.games.space_invaders import SpaceInvaders

_NO_LIMIT = 2**63 - 1
_OPTIONS = {
    "sticky_action_probability": Option(0.1, low=0.0, high=1.0),
    "difficulty_ramping": Option(default=True),
    "max_steps": Option(0, low=0, high=2**31 - 1),
}


class MinAtarGame(OneByOneGame[Any]):  # Any: each game has a state of its own
    """Lanes of a MinAtar game; `max_steps` 0 is the reference's: no limit."""

    rules_type: type[MinAtar[Any]]
    has_all_actions: bool

    @classmethod
    def info_with(cls, options: Mapping[str, float]) -> GameInfo:
        """Set the time limit."""
        return replace(cls.info, time_limit=int(options["max_steps"]) or _NO_LIMIT)

    def make_rules(self, options: Mapping[str, float]) -> Rules[Any]:
        """Return the rules with these options."""
        return self.rules_type(options, self.has_all_actions)


def _twin(name: str, rules: type[MinAtar[Any]], version: int) -> type[MinAtarGame]:
    has_all_actions = version == 0
    info = GameInfo(
        name=f"MinAtar/{name}-v{version}",
        observation_shape=(SIZE, SIZE, rules.num_channels),
        observation_type="uint8",
        observation_high=1,
        num_actions=FIRE + 1 if has_all_actions else len(rules.actions),
        time_limit=_NO_LIMIT,
        state_fields=(*rules.state_type().fields(), "num_drawn", "steps"),
        options=_OPTIONS,
        frame_shape=FRAME_SHAPE,
    )
    members = {"info": info, "rules_type": rules, "has_all_actions": has_all_actions}
    return type(f"{name}V{version}", (MinAtarGame,), members)


_RULES: Mapping[str, type[MinAtar[Any]]] = {
    "Asterix": Asterix,
    "Breakout": Breakout,
    "Freeway": Freeway,
    "Seaquest": Seaquest,
    "SpaceInvaders": SpaceInvaders,
}

MINATAR_TWINS = tuple(_twin(name, rules, version) for name, rules in _RULES.items() for version in (0, 1))
