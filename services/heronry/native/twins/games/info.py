"""What is known of a game before it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Option:
    """A keyword argument of a game.

    Attributes:
      default: its type is the option's.
      low, high: bounds of a number.
      choices: of a string, each with the number that stands for it in the rules; None: no string.
    """

    default: float | bool | str
    low: float = -1e6
    high: float = 1e6
    choices: Mapping[str, float] | None = None

    @property
    def allowed(self) -> str:
        """What a value may be, in words."""
        if self.choices is not None:
            return " or ".join(self.choices)
        if isinstance(self.default, bool):
            return "true or false"
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        return f"{kind} of {self.low:g} to {self.high:g}"

    def number(self, value: object) -> float | None:
        """Return the number that stands for a value; None where it is not allowed."""
        if self.choices is not None:
            return self.choices.get(value) if isinstance(value, str) else None
        if isinstance(self.default, bool) or isinstance(value, bool):
            return float(value) if isinstance(self.default, bool) and isinstance(value, bool) else None
        if not isinstance(value, (int, float)) or not self.low <= value <= self.high:
            return None
        return float(value) if isinstance(self.default, float) or value == int(value) else None


PRECISION = Option("float32", choices={"float32": 32.0, "float64": 64.0})


@dataclass(frozen=True)
class GameInfo:
    """A game as spaces, limits and names.

    Attributes:
      name: as run specs give it.
      observation_shape: of a lane.
      num_actions: choices; 0 where actions are reals.
      time_limit: steps after which an episode is truncated.
      state_fields: names of a lane's state, all of them numbers; the last is `steps`, of the episode.
      observation_type: `float32` or `uint8`.
      observation_high: the largest byte that is shown.
      action_low, action_high: bounds of real actions, one a component; the game clips to them.
      options: keyword arguments.
      lanes_per_game: adjacent lanes that share a game, one a player.
      is_masked: whether some choices are forbidden at times.
      frame_shape: of a picture, `[height, width, 3]`.
    """

    name: str
    observation_shape: tuple[int, ...]
    num_actions: int
    time_limit: int
    state_fields: tuple[str, ...]
    observation_type: str = "float32"
    observation_high: int = 255
    action_low: tuple[float, ...] = ()
    action_high: tuple[float, ...] = ()
    options: Mapping[str, Option] = field(default_factory=dict)
    lanes_per_game: int = 1
    is_masked: bool = False
    frame_shape: tuple[int, int, int] = (300, 400, 3)

    @property
    def action_shape(self) -> tuple[int, ...]:
        """Of a lane's action: one whole number, or reals."""
        return () if self.num_actions else (len(self.action_low),)

    @property
    def action_type(self) -> type[np.int64] | type[np.float32]:
        """Of a lane's action."""
        return np.int64 if self.num_actions else np.float32
