"""Asterix on ten by ten cells: treasure is picked up, enemies are kept away from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from heronry.native.arrays import Bytes
from heronry.native.twins.games.cells import Colour
from heronry.native.twins.games.minatar import DOWN, LAST, LEFT, NOOP, RIGHT, UP, MinAtar, State, Turn
from heronry.native.twins.games.one_by_one import Stream

PLAYER, ENEMY, TRAIL, GOLD = range(4)
_NUM_ROWS = 8
_NOTHING, _ENEMY, _GOLD = range(3)
_SLOWEST_SPAWN, _SLOWEST_MOVE, _RAMP_INTERVAL = 10, 5, 100


@dataclass
class AsterixState(State):
    """Row y + 1 of the cells holds what `kinds[y]` says, at `xs[y]`, one cell a move to the side of `runs[y]`."""

    bounds: ClassVar[Mapping[str, tuple[int, int]]] = {
        "x": (0, LAST),
        "y": (1, _NUM_ROWS),
        "spawn_interval": (1, _SLOWEST_SPAWN),
        "until_spawn": (0, _SLOWEST_SPAWN),
        "move_interval": (1, _SLOWEST_MOVE),
        "until_move": (0, _SLOWEST_MOVE),
        "until_ramp": (-1, _RAMP_INTERVAL),
        "num_ramps": (0, 1 << 20),
        "kinds": (_NOTHING, _GOLD),
        "xs": (0, LAST),
        "runs": (-1, 1),
    }

    x: int = 5
    y: int = 5
    spawn_interval: int = _SLOWEST_SPAWN
    until_spawn: int = _SLOWEST_SPAWN
    move_interval: int = _SLOWEST_MOVE
    until_move: int = _SLOWEST_MOVE
    until_ramp: int = _RAMP_INTERVAL
    num_ramps: int = 0
    kinds: list[int] = field(default_factory=lambda: [_NOTHING] * _NUM_ROWS)
    xs: list[int] = field(default_factory=lambda: [0] * _NUM_ROWS)
    runs: list[int] = field(default_factory=lambda: [0] * _NUM_ROWS)


class Asterix(MinAtar[AsterixState]):
    """Treasure is worth 1; touching an enemy ends the game."""

    num_channels = 4
    state_type = AsterixState
    actions = (NOOP, LEFT, UP, RIGHT, DOWN)
    colours: ClassVar[Mapping[int, Colour]] = {
        TRAIL: (74, 86, 112),
        ENEMY: (224, 105, 92),
        GOLD: (250, 200, 92),
        PLAYER: (102, 178, 214),
    }

    def begin(self, state: AsterixState, random: Stream) -> None:
        """Every game begins alike."""

    def advance(self, state: AsterixState, action: int, random: Stream) -> Turn:
        """Play one step: something may come in, the player moves, then all else does."""
        if state.until_spawn == 0:
            self._spawn(state, random)
            state.until_spawn = state.spawn_interval
        state.x = min(max(state.x + (action == RIGHT) - (action == LEFT), 0), LAST)
        state.y = min(max(state.y + (action == DOWN) - (action == UP), 1), _NUM_ROWS)
        reward, is_over = self._touch(state)
        if state.until_move == 0:
            state.until_move = state.move_interval
            self._move(state)
            more, is_over_now = self._touch(state)
            reward, is_over = reward + more, is_over or is_over_now
        state.until_spawn -= 1
        state.until_move -= 1
        if self.is_ramping and (state.spawn_interval > 1 or state.move_interval > 1):
            self._ramp(state)
        return Turn(reward, is_over)

    def _spawn(self, state: AsterixState, random: Stream) -> None:
        """Let treasure, once in three, or an enemy come in at one side of a free row."""
        comes_from_left = random.below(2) == 0
        is_gold = random.below(3) == 0
        free = [row for row in range(_NUM_ROWS) if state.kinds[row] == _NOTHING]
        if free:
            row = free[random.below(len(free))]
            state.kinds[row] = _GOLD if is_gold else _ENEMY
            state.xs[row], state.runs[row] = (0, 1) if comes_from_left else (LAST, -1)

    def _move(self, state: AsterixState) -> None:
        for row in range(_NUM_ROWS):
            if state.kinds[row] != _NOTHING:
                state.xs[row] += state.runs[row]
                if not 0 <= state.xs[row] <= LAST:
                    self._clear(state, row)

    def _touch(self, state: AsterixState) -> Turn:
        row = state.y - 1
        if state.kinds[row] == _NOTHING or state.xs[row] != state.x:
            return Turn(0, False)
        if state.kinds[row] == _ENEMY:
            return Turn(0, True)
        self._clear(state, row)
        return Turn(1, False)

    def _clear(self, state: AsterixState, row: int) -> None:
        state.kinds[row], state.xs[row], state.runs[row] = _NOTHING, 0, 0

    def _ramp(self, state: AsterixState) -> None:
        """Make things come in sooner from time to time, and move sooner every second time."""
        if state.until_ramp >= 0:
            state.until_ramp -= 1
            return
        if state.move_interval > 1 and state.num_ramps % 2:
            state.move_interval -= 1
        if state.spawn_interval > 1:
            state.spawn_interval -= 1
        state.num_ramps += 1
        state.until_ramp = _RAMP_INTERVAL

    def show(self, state: AsterixState, out: Bytes) -> None:
        """Fill in what is where; a trail is behind what moves."""
        out[state.y, state.x, PLAYER] = 1
        for row in range(_NUM_ROWS):
            if state.kinds[row] != _NOTHING:
                x, behind = state.xs[row], state.xs[row] - state.runs[row]
                out[row + 1, x, GOLD if state.kinds[row] == _GOLD else ENEMY] = 1
                if 0 <= behind <= LAST:
                    out[row + 1, behind, TRAIL] = 1
