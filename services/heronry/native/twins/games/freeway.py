"""Freeway on ten by ten cells: across eight lanes of cars, again and again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from heronry.native.arrays import Bytes
from heronry.native.twins.games.cells import Colour
from heronry.native.twins.games.minatar import DOWN, LAST, NOOP, SIZE, UP, MinAtar, State, Turn
from heronry.native.twins.games.one_by_one import Stream

CHICKEN, CAR, SPEED_1 = range(3)
_X, _NUM_CARS, _REST, _SLOWEST, _NUM_STEPS = 4, 8, 3, 5, 2500


@dataclass
class FreewayState(State):
    """The car in row y + 1 moves by one cell each `waits[y]` + 1 steps, to the side of `runs[y]`."""

    bounds: ClassVar[Mapping[str, tuple[int, int]]] = {
        "y": (0, LAST),
        "until_move": (0, _REST),
        "num_steps_left": (-1, _NUM_STEPS),
        "xs": (0, LAST),
        "runs": (-1, 1),
        "waits": (1, _SLOWEST),
        "until_car_moves": (0, _SLOWEST),
    }

    y: int = LAST
    until_move: int = _REST
    num_steps_left: int = _NUM_STEPS
    xs: list[int] = field(default_factory=lambda: [0] * _NUM_CARS)
    runs: list[int] = field(default_factory=lambda: [1] * _NUM_CARS)
    waits: list[int] = field(default_factory=lambda: [1] * _NUM_CARS)
    until_car_moves: list[int] = field(default_factory=lambda: [1] * _NUM_CARS)


class Freeway(MinAtar[FreewayState]):
    """The far side is worth 1; a car sends the player back; the game has a fixed length."""

    num_channels = 7
    state_type = FreewayState
    actions = (NOOP, UP, DOWN)
    colours: ClassVar[Mapping[int, Colour]] = {
        SPEED_1: (120, 74, 82),
        SPEED_1 + 1: (106, 76, 92),
        SPEED_1 + 2: (92, 78, 102),
        SPEED_1 + 3: (78, 80, 110),
        SPEED_1 + 4: (64, 82, 116),
        CAR: (224, 105, 92),
        CHICKEN: (250, 222, 137),
    }

    def begin(self, state: FreewayState, random: Stream) -> None:
        """All cars start at the left."""
        self._draw_speeds(state, random)

    def advance(self, state: FreewayState, action: int, random: Stream) -> Turn:
        """Play one step: the player moves, then the cars."""
        reward = 0
        if state.until_move == 0 and action in (UP, DOWN):
            state.until_move = _REST
            state.y = max(state.y - 1, 0) if action == UP else min(state.y + 1, LAST)
        if state.y == 0:
            reward, state.y = 1, LAST
            self._draw_speeds(state, random)
        for row in range(_NUM_CARS):
            self._drive(state, row)
        state.until_move -= state.until_move > 0
        state.num_steps_left -= 1
        return Turn(reward, state.num_steps_left < 0)

    def _draw_speeds(self, state: FreewayState, random: Stream) -> None:
        waits = [1 + random.below(_SLOWEST) for _ in range(_NUM_CARS)]
        state.runs = [-1 if random.below(2) == 0 else 1 for _ in range(_NUM_CARS)]
        state.waits, state.until_car_moves = waits, list(waits)

    def _drive(self, state: FreewayState, row: int) -> None:
        """Move a car when its time has come; one that meets the player sends it back."""
        self._meet(state, row)
        if state.until_car_moves[row]:
            state.until_car_moves[row] -= 1
            return
        state.until_car_moves[row] = state.waits[row]
        state.xs[row] = (state.xs[row] + state.runs[row]) % SIZE
        self._meet(state, row)

    def _meet(self, state: FreewayState, row: int) -> None:
        if state.xs[row] == _X and row + 1 == state.y:
            state.y = LAST

    def show(self, state: FreewayState, out: Bytes) -> None:
        """Fill in what is where; behind a car is a trail in the channel of its speed."""
        out[state.y, _X, CHICKEN] = 1
        for row in range(_NUM_CARS):
            x = state.xs[row]
            out[row + 1, x, CAR] = 1
            out[row + 1, (x - state.runs[row]) % SIZE, SPEED_1 + state.waits[row] - 1] = 1
