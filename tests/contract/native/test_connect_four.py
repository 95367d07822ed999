"""Connect Four: hand-made games, what each side sees and may do, and published numbers of positions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.native.arrays import Array, Indices
from heronry.native.backend import Loops
from heronry.native.games import Game, StepArrays, make_game
from heronry.types.errors import InvalidArgumentError

# Positions after n discs: OEIS A212693.
POSITIONS = [1, 7, 49, 238, 1120, 4263, 16422]
FIRST_WINS = {
    "up": [0, 1, 0, 1, 0, 1, 0],
    "aside, at the left": [0, 0, 1, 1, 2, 2, 3],
    "aside, at the right": [6, 6, 5, 5, 4, 4, 3],
    "rising": [0, 1, 1, 2, 2, 3, 2, 3, 3, 6, 3],
    "falling": [6, 5, 5, 4, 4, 3, 4, 3, 3, 0, 3],
}
# A column where a disc beforehand changes nothing.
SPARE = {"up": 6, "aside, at the left": 6, "aside, at the right": 0, "rising": 5, "falling": 1}
# Columns in pairs that never make four: the usual full board without a winner.
DRAW = [0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 2, 3, 2, 3, 2, 3, 3, 2, 3, 2, 3, 2]
DRAW += [4, 5, 4, 5, 4, 5, 5, 4, 5, 4, 5, 4, 6, 6, 6, 6, 6, 6]


def new_game(loops: Loops, num_games: int = 1, **options: bool) -> Game:
    game = make_game("ConnectFour-v0", 2 * num_games, options, loops=loops)
    game.reset(np.arange(2 * num_games, dtype=np.uint64))
    return game


def play(game: Game, columns: list[int]) -> StepArrays:
    """Play a game from its beginning; return its steps."""
    rows = game.new_arrays(len(columns))
    actions = np.zeros((len(columns), 2), np.int64)
    actions[np.arange(len(columns)), np.arange(len(columns)) % 2] = columns
    game.step(actions, rows)
    return rows


@pytest.mark.parametrize("columns", FIRST_WINS.values(), ids=FIRST_WINS)
def test_four_in_a_line_win_for_the_first_player(loops: Loops, columns: list[int]) -> None:
    rows = play(new_game(loops), columns)

    assert not rows.terminated[:-1].any()
    assert rows.terminated[-1].all()
    assert rows.rewards[-1].tolist() == [1, -1]
    assert not rows.rewards[:-1].any()


@pytest.mark.parametrize("line", FIRST_WINS)
def test_the_same_lines_win_for_the_second_player(loops: Loops, line: str) -> None:
    rows = play(new_game(loops), [SPARE[line], *FIRST_WINS[line]])

    assert rows.terminated[-1].all()
    assert rows.rewards[-1].tolist() == [-1, 1]


def test_a_full_board_without_a_line_is_a_draw(loops: Loops) -> None:
    rows = play(new_game(loops), DRAW)

    assert len(DRAW) == 42
    assert rows.terminated[-1].all()
    assert not rows.terminated[:-1].any()
    assert not rows.truncated.any()
    assert not rows.rewards.any()


def test_three_in_a_line_and_lines_around_an_edge_do_not_win(loops: Loops) -> None:
    # The first player has the top of column 0 and the foot of column 1.
    rows = play(new_game(loops), [1, 0, 1, 0, 1, 0, 0, 1, 0, 2, 0])

    assert not rows.terminated.any()


def test_a_column_that_is_full_loses(loops: Loops) -> None:
    rows = play(new_game(loops), [3, 3, 3, 3, 3, 3, 3])

    assert rows.terminated[-1].all()
    assert rows.rewards[-1].tolist() == [-1, 1]


def test_what_the_waiting_player_does_is_ignored(loops: Loops) -> None:
    game = new_game(loops, 2)
    out = game.new_arrays()

    game.step(np.array([3, 0, 3, 5]), out)

    np.testing.assert_array_equal(out.observations[:2], out.observations[2:])


def test_the_mover_may_choose_columns_with_room_and_the_other_nothing_but_to_wait(loops: Loops) -> None:
    game = new_game(loops)
    play(game, [2, 2, 2, 2, 2])
    np.testing.assert_array_equal(game.action_masks(), [[True] + [False] * 6, [True] * 7])

    game.step(np.array([0, 2]), game.new_arrays())

    waits = [True, False, False, False, False, False, False]
    np.testing.assert_array_equal(game.action_masks(), [[True, True, False, True, True, True, True], waits])


def test_each_side_sees_its_own_discs_first(loops: Loops) -> None:
    game = new_game(loops)

    first, second = play(game, [3, 3]).observations[-1]

    assert [tuple(place) for place in np.argwhere(first[:, :, 0])] == [(5, 3)]
    assert [tuple(place) for place in np.argwhere(first[:, :, 1])] == [(4, 3)]
    np.testing.assert_array_equal(first[:, :, :2], second[:, :, 1::-1])
    assert first[:, :, 2].all()
    assert not second[:, :, 2].any()


def first_game_of(loops: Loops, columns: list[int]) -> list[int]:
    """Cut moves where a game ends: whose turn it is in the next one, they do not know."""
    if not columns:
        return columns
    ended = play(new_game(loops), columns).terminated[:, 0]
    return columns[: int(ended.argmax()) + 1] if ended.any() else columns


@settings(max_examples=20)
@given(st.lists(st.integers(0, 6), max_size=20))
def test_the_game_is_the_same_in_a_mirror(twins: list[Loops], columns: list[int]) -> None:
    game, mirrored = new_game(twins[0]), new_game(twins[0])
    columns = first_game_of(twins[0], columns)
    if columns:
        rows, others = play(game, columns), play(mirrored, [6 - column for column in columns])
        np.testing.assert_array_equal(rows.rewards, others.rewards)
        np.testing.assert_array_equal(rows.terminated, others.terminated)

    np.testing.assert_array_equal(game.observe(), mirrored.observe()[:, :, ::-1])


def successors(game: Game, positions: Indices) -> Array:
    """Return the distinct positions one disc later, of games that are not over."""
    words = np.zeros((2 * 7 * len(positions), len(game.info.state_fields)))
    words[::2, :-2] = np.repeat(positions, 7, axis=0)
    game.set_states(words)
    columns = np.tile(np.arange(7), len(positions))
    actions = np.repeat(columns, 2)
    allowed = game.action_masks()[np.arange(len(words)), actions].reshape(-1, 2)
    movers = words[::2, 0].astype(np.int64)
    out = game.new_arrays()
    game.step(actions, out)
    legal = allowed[np.arange(len(columns)), movers]
    # A game that is over begins anew: its last position is read from what was shown.
    distinct = {position.tobytes(): position for position in out.next_observations[::2][legal]}
    return np.array(list(distinct.values()))


def positions_of(shown: Array) -> Indices:
    """Return positions as the first player saw them, as words of a state."""
    boards = shown.astype(np.int64)
    weights = 1 << np.arange(6)[::-1]
    discs = np.einsum("nrcp,r->npc", boards[:, :, :, :2], weights)
    return np.column_stack([1 - boards[:, 0, 0, 2], discs.reshape(-1, 14)])


def test_the_numbers_of_positions_are_those_that_are_published(twins: list[Loops]) -> None:
    positions = np.zeros((1, 15), np.int64)
    counts = [1]

    # No game ends in the first six discs.
    while len(counts) < len(POSITIONS):
        shown = successors(make_game("ConnectFour-v0", 2 * 7 * len(positions), loops=twins[0]), positions)
        counts.append(len(shown))
        positions = positions_of(shown)

    assert counts == POSITIONS


def test_who_begins_may_be_drawn(twins: list[Loops]) -> None:
    movers = new_game(twins[0], 2000, random_first_player=True).states()[::2, 0]

    # Five standard deviations: a false alarm once in two million.
    assert abs(movers.sum() - 1000) < 5 * np.sqrt(500)


@pytest.mark.parametrize("num_lanes", [1, 3])
def test_an_odd_number_of_lanes_is_refused(loops: Loops, num_lanes: int) -> None:
    with pytest.raises(InvalidArgumentError, match=r"num_lanes.*multiple of 2"):
        make_game("ConnectFour-v0", num_lanes, loops=loops)


@pytest.mark.parametrize("field,value", [("mover", 2), ("discs_0_0", 0b10), ("discs_1_6", 64), ("discs_0_3", -1)])
def test_positions_that_cannot_be_are_refused(loops: Loops, field: str, value: int) -> None:
    game = new_game(loops)
    words = game.states()
    words[:, game.info.state_fields.index(field)] = value

    with pytest.raises(ValueError, match="cannot be in"):
        game.set_states(words)
