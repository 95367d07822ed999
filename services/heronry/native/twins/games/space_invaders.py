"""Space Invaders on ten by ten cells: a cannon against rows of aliens that come down."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from heronry.native.arrays import Bytes
from heronry.native.twins.games.cells import Colour
from heronry.native.twins.games.minatar import (
    FIRE,
    FULL_ROW,
    LAST,
    LEFT,
    NOOP,
    RIGHT,
    SIZE,
    MinAtar,
    State,
    Turn,
    put_rows,
)
from heronry.native.twins.games.one_by_one import Stream

CANNON, ALIEN, ALIEN_LEFT, ALIEN_RIGHT, FRIENDLY_BULLET, ENEMY_BULLET = range(6)
_WAVE = [0b0011111100] * 4 + [0] * 6
_RELOAD, _ALIEN_RELOAD, _SLOWEST, _FASTEST = 5, 10, 12, 6
_RIGHT_EDGE = 1 << LAST


@dataclass
class SpaceInvadersState(State):
    """Rows of cells are bits, the lowest for the cell at the left."""

    bounds: ClassVar[Mapping[str, tuple[int, int]]] = {
        "cannon": (0, LAST),
        "run": (-1, 1),
        "interval": (_FASTEST, _SLOWEST),
        "until_move": (0, _SLOWEST),
        "until_alien_shot": (0, _ALIEN_RELOAD),
        "until_shot": (0, _RELOAD),
        "aliens": (0, FULL_ROW),
        "bullets": (0, FULL_ROW),
        "alien_bullets": (0, FULL_ROW),
    }

    cannon: int = 5
    run: int = -1
    interval: int = _SLOWEST
    until_move: int = _SLOWEST
    until_alien_shot: int = _ALIEN_RELOAD
    until_shot: int = 0
    aliens: list[int] = field(default_factory=lambda: list(_WAVE))
    bullets: list[int] = field(default_factory=lambda: [0] * SIZE)
    alien_bullets: list[int] = field(default_factory=lambda: [0] * SIZE)


class SpaceInvaders(MinAtar[SpaceInvadersState]):
    """An alien is worth 1; an alien or its bullet in the cannon's cell ends the game."""

    num_channels = 6
    state_type = SpaceInvadersState
    actions = (NOOP, LEFT, RIGHT, FIRE)
    colours: ClassVar[Mapping[int, Colour]] = {
        ALIEN: (123, 174, 111),
        ALIEN_RIGHT: (92, 148, 120),
        FRIENDLY_BULLET: (250, 222, 137),
        ENEMY_BULLET: (224, 105, 92),
        CANNON: (102, 178, 214),
    }

    def begin(self, state: SpaceInvadersState, random: Stream) -> None:
        """Every game begins alike."""

    def advance(self, state: SpaceInvadersState, action: int, random: Stream) -> Turn:
        """Play one step: the cannon, the bullets, the aliens, what they shoot, who is hit."""
        self._man_cannon(state, action)
        state.bullets = [*state.bullets[1:], 0]
        state.alien_bullets = [0, *state.alien_bullets[:-1]]
        is_over = self._is_at_cannon(state, state.alien_bullets) or self._is_at_cannon(state, state.aliens)
        if state.until_move == 0:
            is_over |= self._move_aliens(state)
        if state.until_alien_shot == 0:
            self._shoot_back(state)
        reward = self._strike(state)
        state.until_shot -= state.until_shot > 0
        state.until_move -= 1
        state.until_alien_shot -= 1
        if not any(state.aliens):
            self._bring_next_wave(state)
        return Turn(reward, is_over)

    def _man_cannon(self, state: SpaceInvadersState, action: int) -> None:
        state.cannon = min(max(state.cannon + (action == RIGHT) - (action == LEFT), 0), LAST)
        if action == FIRE and state.until_shot == 0:
            state.bullets[LAST] |= 1 << state.cannon
            state.until_shot = _RELOAD

    def _is_at_cannon(self, state: SpaceInvadersState, rows: list[int]) -> bool:
        return bool(rows[LAST] >> state.cannon & 1)

    def _move_aliens(self, state: SpaceInvadersState) -> bool:
        """Move the aliens aside, or down where one is at the edge; return whether that ends the game."""
        state.until_move = min(sum(row.bit_count() for row in state.aliens), state.interval)
        edge = 1 if state.run < 0 else _RIGHT_EDGE
        is_over = False
        if any(row & edge for row in state.aliens):
            state.run = -state.run
            is_over = bool(state.aliens[LAST])
            state.aliens = [state.aliens[LAST], *state.aliens[:LAST]]
        else:
            state.aliens = [row >> 1 if state.run < 0 else row << 1 for row in state.aliens]
        return is_over or self._is_at_cannon(state, state.aliens)

    def _shoot_back(self, state: SpaceInvadersState) -> None:
        """Let the lowest alien of the column nearest to the cannon shoot, the one at the left of two as near."""
        state.until_alien_shot = _ALIEN_RELOAD
        for x in sorted(range(SIZE), key=lambda x: abs(x - state.cannon)):
            for y in reversed(range(SIZE)):
                if state.aliens[y] >> x & 1:
                    state.alien_bullets[y] |= 1 << x
                    return

    def _strike(self, state: SpaceInvadersState) -> int:
        """Remove bullets and aliens that share a cell; return how many aliens."""
        hits = [alien & bullet for alien, bullet in zip(state.aliens, state.bullets, strict=True)]
        state.aliens = [row & ~hit for row, hit in zip(state.aliens, hits, strict=True)]
        state.bullets = [row & ~hit for row, hit in zip(state.bullets, hits, strict=True)]
        return sum(hit.bit_count() for hit in hits)

    def _bring_next_wave(self, state: SpaceInvadersState) -> None:
        if self.is_ramping and state.interval > _FASTEST:
            state.interval -= 1
        state.aliens = list(_WAVE)

    def show(self, state: SpaceInvadersState, out: Bytes) -> None:
        """Fill in what is where."""
        out[LAST, state.cannon, CANNON] = 1
        put_rows(out[:, :, ALIEN], 0, state.aliens)
        put_rows(out[:, :, ALIEN_LEFT if state.run < 0 else ALIEN_RIGHT], 0, state.aliens)
        put_rows(out[:, :, FRIENDLY_BULLET], 0, state.bullets)
        put_rows(out[:, :, ENEMY_BULLET], 0, state.alien_bullets)
