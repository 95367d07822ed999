"""ConnectFour-v0: two players drop discs into seven columns of six; four in a line win."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from heronry.native.arrays import Bytes, Flags, Indices
from heronry.native.twins.games.disc_board import CELL, paint_place
from heronry.native.twins.games.info import GameInfo, Option
from heronry.native.twins.games.one_by_one import OneByOneGame, Outcome, Stream

ROWS, COLUMNS = 6, 7
OWN, OTHER, TURN = range(3)
_FULL_COLUMN = (1 << ROWS) - 1


@dataclass
class ConnectFourState:
    """Whose turn it is; a player's discs in a column as bits, the lowest for the lowest disc."""

    mover: int = 0
    discs: list[list[int]] = field(default_factory=lambda: [[0] * COLUMNS, [0] * COLUMNS])

    def taken(self, column: int) -> int:
        """Return the places of a column that hold a disc."""
        return self.discs[0][column] | self.discs[1][column]

    def places(self, player: int) -> Indices:
        """Return where a player has discs, `[6, 7]`, the upper row first."""
        return np.array(self.discs[player]) >> np.arange(ROWS)[::-1, None] & 1


class ConnectFourRules:
    """The winner gets 1, the loser -1, both 0 where the board is full. A column that is full loses."""

    def __init__(self, options: Mapping[str, float]) -> None:
        self._draws_first_mover = bool(options["random_first_player"])

    def new_state(self) -> ConnectFourState:
        """Return the empty board."""
        return ConnectFourState()

    def begin(self, state: ConnectFourState, random: Stream) -> None:
        """Let the first player begin, or whom the draw names."""
        if self._draws_first_mover:
            state.mover = random.below(2)

    def step(self, state: ConnectFourState, actions: Sequence[int], random: Stream) -> Outcome:
        """Drop the mover's disc; what the waiting player does is ignored."""
        mover, column = state.mover, actions[state.mover]
        place = state.taken(column) + 1
        if place > _FULL_COLUMN:
            return _ended(1 - mover)
        state.discs[mover][column] |= place
        state.mover = 1 - mover
        if _has_four(state.discs[mover]):
            return _ended(mover)
        return Outcome((0, 0), all(state.taken(column) == _FULL_COLUMN for column in range(COLUMNS)))

    def observe(self, state: ConnectFourState) -> Bytes:
        """Return own discs, the other's and whose turn it is, from either side, `[2, 6, 7, 3]`."""
        out = np.zeros((2, ROWS, COLUMNS, 3), np.uint8)
        for player in range(2):
            out[player, :, :, OWN] = state.places(player)
            out[player, :, :, OTHER] = state.places(1 - player)
        out[state.mover, :, :, TURN] = 1
        return out

    def mask(self, state: ConnectFourState) -> Flags:
        """Allow the mover the columns with room, the waiting player 0 alone."""
        mask = np.zeros((2, COLUMNS), np.bool_)
        mask[state.mover] = [state.taken(column) < _FULL_COLUMN for column in range(COLUMNS)]
        mask[1 - state.mover, 0] = True
        return mask

    def words(self, state: ConnectFourState) -> list[int]:
        """Return the state as whole numbers."""
        return [state.mover, *state.discs[0], *state.discs[1]]

    def state_of(self, words: list[int]) -> ConnectFourState:
        """Return the state of these numbers; one player may be ahead by any number of discs.

        Raises:
          ValueError: a state that the game cannot be in.
        """
        state = ConnectFourState(words[0], [words[1 : 1 + COLUMNS], words[1 + COLUMNS :]])
        if words[0] not in (0, 1) or not all(_lies_well(*column) for column in zip(*state.discs, strict=True)):
            raise ValueError("a state that the game cannot be in")
        return state

    def draw(self, state: ConnectFourState, frame: Bytes) -> None:
        """Paint the board."""
        contents = state.places(0) + 2 * state.places(1)
        for row, column in np.ndindex(ROWS, COLUMNS):
            paint_place(frame, column, row, int(contents[row, column]))


class ConnectFour(OneByOneGame[ConnectFourState]):
    """Two adjacent lanes play each other; the first of them begins unless the first player is drawn."""

    info = GameInfo(
        name="ConnectFour-v0",
        observation_shape=(ROWS, COLUMNS, 3),
        observation_type="uint8",
        observation_high=1,
        num_actions=COLUMNS,
        time_limit=ROWS * COLUMNS + 1,
        state_fields=("mover", *(f"discs_{p}_{c}" for p in range(2) for c in range(COLUMNS)), "num_drawn", "steps"),
        options={"random_first_player": Option(default=False)},
        lanes_per_game=2,
        is_masked=True,
        frame_shape=(ROWS * CELL, COLUMNS * CELL, 3),
    )

    def make_rules(self, options: Mapping[str, float]) -> ConnectFourRules:
        """Return the rules with these options."""
        return ConnectFourRules(options)


def _ended(winner: int) -> Outcome:
    return Outcome((1, -1) if winner == 0 else (-1, 1), True)


def _has_four(discs: list[int]) -> bool:
    # Columns are laid end to end with an empty row between them, so that no line runs on into the next column.
    board = sum(column << (ROWS + 1) * i for i, column in enumerate(discs))
    pairs = [(board & board >> step, step) for step in (1, ROWS, ROWS + 1, ROWS + 2)]
    return any(pair & pair >> 2 * step for pair, step in pairs)


def _lies_well(first: int, second: int) -> bool:
    both = first | second
    return min(first, second) >= 0 and both <= _FULL_COLUMN and not first & second and not both & (both + 1)
