"""Breakout on ten by ten cells: a paddle keeps a ball in play that breaks three rows of bricks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from heronry.native.arrays import Bytes
from heronry.native.twins.games.cells import Colour
from heronry.native.twins.games.minatar import FULL_ROW, LAST, LEFT, NOOP, RIGHT, MinAtar, State, Turn, put_rows
from heronry.native.twins.games.one_by_one import Stream

PADDLE, BALL, TRAIL, BRICK = range(4)
_TOP_BRICKS, _BOTTOM = 1, LAST


@dataclass
class BreakoutState(State):
    """Bricks are bits, the lowest at the left; `run` and `rise` are 1 or -1 a step, to the right and down."""

    bounds: ClassVar[Mapping[str, tuple[int, int]]] = {
        "paddle": (0, LAST),
        "x": (0, LAST),
        "y": (0, LAST),
        "run": (-1, 1),
        "rise": (-1, 1),
        "last_x": (0, LAST),
        "last_y": (0, LAST),
        "is_among_bricks": (0, 1),
        "bricks": (0, FULL_ROW),
    }

    paddle: int = 4
    x: int = 0
    y: int = 3
    run: int = 1
    rise: int = 1
    last_x: int = 0
    last_y: int = 3
    is_among_bricks: int = 0
    bricks: list[int] = field(default_factory=lambda: [FULL_ROW] * 3)


class Breakout(MinAtar[BreakoutState]):
    """A brick is worth 1; the ball's loss ends the game."""

    num_channels = 4
    state_type = BreakoutState
    actions = (NOOP, LEFT, RIGHT)
    colours: ClassVar[Mapping[int, Colour]] = {
        BRICK: (201, 92, 72),
        TRAIL: (74, 86, 112),
        PADDLE: (102, 178, 214),
        BALL: (250, 222, 137),
    }

    def begin(self, state: BreakoutState, random: Stream) -> None:
        """Start the ball at either wall."""
        if random.below(2):
            state.x = state.last_x = LAST
            state.run = -1

    def advance(self, state: BreakoutState, action: int, random: Stream) -> Turn:
        """Move the paddle, then the ball."""
        state.paddle = min(max(state.paddle + (action == RIGHT) - (action == LEFT), 0), LAST)
        state.last_x, state.last_y = state.x, state.y
        x, y = state.x + state.run, state.y + state.rise
        if not 0 <= x <= LAST:
            x = state.x
            state.run = -state.run
        state.x = x
        return self._meet(state, y)

    def _meet(self, state: BreakoutState, y: int) -> Turn:
        """Move the ball to row `y`, or turn it back from what is there."""
        was_among_bricks, state.is_among_bricks = state.is_among_bricks, 0
        if y < 0:
            state.y, state.rise = 0, -state.rise
        elif self._is_brick(state, y):
            # Of bricks that follow each other the ball breaks the first alone; it flies on through the next.
            state.is_among_bricks = 1
            if was_among_bricks:
                state.y = y
                return Turn(0, False)
            state.bricks[y - _TOP_BRICKS] &= ~(1 << state.x)
            state.rise = -state.rise
            return Turn(1, False)
        elif y >= _BOTTOM:
            return Turn(0, not self._returns(state))
        else:
            state.y = y
        return Turn(0, False)

    def _returns(self, state: BreakoutState) -> bool:
        """Send the ball up again where the paddle is, else let it go."""
        if not any(state.bricks):
            state.bricks = [FULL_ROW] * 3
        if state.last_x == state.paddle:
            state.rise = -state.rise
        elif state.x == state.paddle:
            state.rise, state.run = -state.rise, -state.run
        else:
            state.y = _BOTTOM
            return False
        return True

    def _is_brick(self, state: BreakoutState, y: int) -> bool:
        row = y - _TOP_BRICKS
        return 0 <= row < 3 and bool(state.bricks[row] >> state.x & 1)

    def show(self, state: BreakoutState, out: Bytes) -> None:
        """Fill in what is where."""
        out[LAST, state.paddle, PADDLE] = 1
        out[state.y, state.x, BALL] = 1
        out[state.last_y, state.last_x, TRAIL] = 1
        put_rows(out[:, :, BRICK], _TOP_BRICKS, state.bricks)
