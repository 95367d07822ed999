"""GridWorld-v0: from the upper left corner to the lower right one, past holes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from heronry.native.arrays import Bytes, Flags
from heronry.native.twins.games.cells import SIDE, paint_cell
from heronry.native.twins.games.info import GameInfo, Option
from heronry.native.twins.games.one_by_one import OneByOneGame, Outcome, Stream

PLAYER, GOAL, HOLE = range(3)
_MOST_SIZE, _SIZE = 16, 8
_ASIDE, _DOWN = (0, 1, 0, -1), (-1, 0, 1, 0)


@dataclass
class GridState:
    """Where the player is; rows of holes as bits, the lowest for the cell at the left."""

    x: int = 0
    y: int = 0
    holes: list[int] = field(default_factory=lambda: [0] * _MOST_SIZE)


class GridRules:
    """Holes are drawn for each episode, then a way of steps to the right and down is cleared.

    Without slips the shortest way is always 2 (size - 1) steps.
    """

    def __init__(self, options: Mapping[str, float]) -> None:
        self._size = int(options["size"])
        self._hole_probability = options["hole_probability"]
        self._slip_probability = options["slip_probability"]
        self._step_cost = options["step_cost"]

    def new_state(self) -> GridState:
        """Return the state before the first draw."""
        return GridState()

    def begin(self, state: GridState, random: Stream) -> None:
        """Draw the holes, clear a way."""
        for y, x in np.ndindex(self._size, self._size):
            if random.uniform() < self._hole_probability:
                state.holes[y] |= 1 << x
        x = y = 0
        last = self._size - 1
        state.holes[0] &= ~1
        while x < last or y < last:
            if y == last or (x < last and random.below(2) == 0):
                x += 1
            else:
                y += 1
            state.holes[y] &= ~(1 << x)

    def step(self, state: GridState, actions: Sequence[int], random: Stream) -> Outcome:
        """Go up, right, down or left; a slip turns it aside, to either side alike."""
        heading, last = actions[0], self._size - 1
        if self._slip_probability > 0 and random.uniform() < self._slip_probability:
            heading += 1 if random.below(2) == 0 else 3
        state.x = min(max(state.x + _ASIDE[heading % 4], 0), last)
        state.y = min(max(state.y + _DOWN[heading % 4], 0), last)
        if state.x == state.y == last:
            return Outcome((1.0,), True)
        if state.holes[state.y] >> state.x & 1:
            return Outcome((-1.0,), True)
        return Outcome((-self._step_cost,), False)

    def observe(self, state: GridState) -> Bytes:
        """Return where player, goal and holes are, `[1, size, size, 3]`."""
        out = np.zeros((1, self._size, self._size, 3), np.uint8)
        rows = np.array(state.holes[: self._size])[:, None]
        out[0, :, :, HOLE] = rows >> np.arange(self._size) & 1
        out[0, -1, -1, GOAL] = 1
        out[0, state.y, state.x, PLAYER] = 1
        return out

    def mask(self, state: GridState) -> Flags:
        """Allow everything."""
        del state
        return np.ones((1, 4), np.bool_)

    def words(self, state: GridState) -> list[int]:
        """Return the state as whole numbers."""
        return [state.x, state.y, *state.holes]

    def state_of(self, words: list[int]) -> GridState:
        """Return the state of these numbers.

        Raises:
          ValueError: a state that the game cannot be in.
        """
        x, y, *holes = words
        full = (1 << self._size) - 1
        is_inside = min(x, y) >= 0 and max(x, y) < self._size
        if not is_inside or any(holes[self._size :]) or not all(0 <= row <= full for row in holes):
            raise ValueError("a state that the game cannot be in")
        return GridState(x, y, holes)

    def draw(self, state: GridState, frame: Bytes) -> None:
        """Paint floor, holes, goal and player."""
        frame[:] = (226, 222, 212)
        last = self._size - 1
        for y, x in np.ndindex(self._size, self._size):
            colour = (74, 86, 112) if state.holes[y] >> x & 1 else (247, 246, 242)
            colour = (123, 174, 111) if x == y == last else colour
            colour = (211, 122, 62) if (x, y) == (state.x, state.y) else colour
            paint_cell(frame, self._size, x, y, colour)


class GridWorld(OneByOneGame[GridState]):
    """The goal is worth 1 and a hole -1; both end the episode. Every other step costs `step_cost`.

    Without slips the best return is 1 - step_cost * (2 size - 3).
    """

    info = GameInfo(
        name="GridWorld-v0",
        observation_shape=(_SIZE, _SIZE, 3),
        observation_type="uint8",
        observation_high=1,
        num_actions=4,
        time_limit=4 * _SIZE * _SIZE,
        state_fields=("x", "y", *(f"holes_{i}" for i in range(_MOST_SIZE)), "num_drawn", "steps"),
        options={
            "size": Option(_SIZE, low=2, high=_MOST_SIZE),
            "hole_probability": Option(0.2, low=0.0, high=1.0),
            "slip_probability": Option(0.0, low=0.0, high=1.0),
            "step_cost": Option(0.01, low=0.0, high=1.0),
        },
        frame_shape=(SIDE, SIDE, 3),
    )

    @classmethod
    def info_with(cls, options: Mapping[str, float]) -> GameInfo:
        """Set what depends on the size."""
        size = int(options["size"])
        return replace(cls.info, observation_shape=(size, size, 3), time_limit=4 * size * size)

    def make_rules(self, options: Mapping[str, float]) -> GridRules:
        """Return the rules with these options."""
        return GridRules(options)
