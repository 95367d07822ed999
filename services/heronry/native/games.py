"""Games in many lanes: C++ or its NumPy twin, one face.

A lane's episodes depend on its seed alone: not on the other lanes, not on threads. Where an episode ends the next one
begins at once, `next_observations` being the true successor and `observations` what the next action is chosen from.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from heronry.native.arrays import Array, Bytes, Flags, Floats, Keys, Reals
from heronry.native.backend import LOOPS, Loops
from heronry.native.game_engine import GameEngine
from heronry.native.twins.games import GAME_TWINS
from heronry.native.twins.games.info import GameInfo, Option
from heronry.types.errors import EnvironmentNotFoundError, InvalidArgumentError

__all__ = ["GAMES", "Game", "GameEngine", "GameInfo", "Option", "StepArrays", "accepts", "make_game"]

_TWINS = {twin.info.name: twin for twin in GAME_TWINS}

GAMES: Final[Mapping[str, GameInfo]] = {name: twin.info for name, twin in _TWINS.items()}


class StepArrays(NamedTuple):
    """What a step fills, `[num_lanes, ...]`, or `[num_steps, num_lanes, ...]` for several."""

    observations: Array
    rewards: Floats
    terminated: Flags
    truncated: Flags
    next_observations: Array


class Game:
    """N lanes of one game; owned by one thread.

    Attributes:
      info: spaces, limits, names.
      engine: what runs it, for loops that step it in C++.
    """

    def __init__(self, info: GameInfo, num_lanes: int, engine: GameEngine) -> None:
        self.info = info
        self.num_lanes = num_lanes
        self.engine = engine
        self._shown = (num_lanes, *info.observation_shape), np.dtype(info.observation_type)

    @property
    def releases_lock(self) -> bool:
        """Whether a step takes long enough to leave the interpreter's lock to other threads."""
        return self.engine.releases_lock()

    def reset(self, seeds: Keys) -> Array:
        """Begin first episodes with a seed for each lane; return the observations.

        Of a game with several lanes the first lane's seed counts.

        Raises:
          TypeError: seeds of another type than uint64.
          ValueError: not one for every lane.
        """
        observations = self.new_observations()
        self.engine.reset(seeds, observations)
        return observations

    def step(self, actions: Array, out: StepArrays) -> None:
        """Step every lane, as many times as `out` has rows.

        Args:
          actions: `[num_lanes]` int64 or `[num_lanes, components]` float32; several rows as in `out`.
          out: filled in place.

        Raises:
          TypeError: an array of another type, or with gaps.
          ValueError: of another shape, or an action that is NaN. Nothing was done then.
          IndexError: a choice that the game has not. Nothing was done then.
        """
        self.engine.step(actions, *out)

    def observe(self) -> Array:
        """Return what every lane shows now."""
        observations = self.new_observations()
        self.engine.observe(observations)
        return observations

    def states(self) -> Reals:
        """Return every lane's state, `[num_lanes, len(info.state_fields)]`; seeds are no part of it."""
        states = np.empty((self.num_lanes, len(self.info.state_fields)))
        self.engine.save(states)
        return states

    def set_states(self, states: Reals) -> None:
        """Put every lane in a state; a game with several lanes takes its first one's.

        Raises:
          TypeError: another type than float64.
          ValueError: another shape than that of `states()`, or a state that the game cannot be in.
        """
        self.engine.load(states)

    def action_masks(self) -> Flags:
        """Return which choices are allowed now, `[num_lanes, num_actions]`."""
        masks = np.empty((self.num_lanes, self.info.num_actions), np.bool_)
        self.engine.action_masks(masks)
        return masks

    def render(self, lane: int) -> Bytes:
        """Return a picture of a lane's game, `[height, width, 3]`.

        Raises:
          IndexError: no such lane.
        """
        frame = np.zeros(self.info.frame_shape, np.uint8)
        self.engine.render(lane, frame)
        return frame

    def new_observations(self, *leading: int) -> Array:
        """Return room for the observations of a step, or of `leading` steps."""
        shape, element_type = self._shown
        return np.empty((*leading, *shape), element_type)

    def new_arrays(self, *leading: int) -> StepArrays:
        """Return room for what a step fills, or `leading` steps."""
        rows = (*leading, self.num_lanes)
        observations, successors = self.new_observations(*leading), self.new_observations(*leading)
        flags = np.empty(rows, np.bool_), np.empty(rows, np.bool_)
        return StepArrays(observations, np.empty(rows, np.float32), *flags, successors)


def accepts(name: str, options: Mapping[str, object]) -> bool:
    """Whether there is such a game and it takes these options."""
    info = GAMES.get(name)
    return info is not None and all(
        key in info.options and info.options[key].number(value) is not None for key, value in options.items()
    )


def make_game(
    name: str,
    num_lanes: int,
    options: Mapping[str, object] | None = None,
    num_threads: int = 1,
    *,
    loops: Loops = LOOPS,
) -> Game:
    """Return a game in its lanes' first episodes, seeded with their indices.

    Args:
      name: one of `GAMES`.
      num_lanes: a multiple of the game's `lanes_per_game`.
      options: keyword arguments; `GAMES[name].options` tells them.
      num_threads: that lanes are split over, where that pays.
      loops: the twin to use; the one chosen at import by default.

    Raises:
      EnvironmentNotFoundError: no such game.
      InvalidArgumentError: an option that the game has not, or a value out of its range.
    """
    if name not in GAMES:
        raise EnvironmentNotFoundError.of("game", name, list(GAMES))
    numbers = _numbers(name, options or {})
    info = _TWINS[name].info_with(numbers)
    if num_lanes <= 0 or num_lanes % info.lanes_per_game:
        raise InvalidArgumentError.of("num_lanes", num_lanes, f"a positive multiple of {info.lanes_per_game}")
    if num_threads <= 0:
        raise InvalidArgumentError.of("num_threads", num_threads, "1 or more")
    return Game(info, num_lanes, loops.make_game(name, num_lanes, numbers, num_threads))


def _numbers(name: str, options: Mapping[str, object]) -> dict[str, float]:
    """Return every option of the game as a number."""
    known = GAMES[name].options
    for key in options:
        if key not in known:
            raise InvalidArgumentError.of(f"{name}: option", key, ", ".join(known) or "no options")
    numbers = {}
    for key, option in known.items():
        value = options.get(key, option.default)
        number = option.number(value)
        if number is None:
            raise InvalidArgumentError.of(f"{name}: {key}", value, option.allowed)
        numbers[key] = number
    return numbers
