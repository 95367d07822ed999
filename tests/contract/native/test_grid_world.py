"""The grid world against value iteration, and its rules."""

import numpy as np
import pytest

from heronry.native.arrays import Array, Reals
from heronry.native.backend import Loops
from heronry.native.games import Game, make_game
from heronry.types.errors import InvalidArgumentError

UP, RIGHT, DOWN, LEFT = range(4)
MOVES = {UP: (-1, 0), RIGHT: (0, 1), DOWN: (1, 0), LEFT: (0, -1)}


def holes_of(game: Game, lane: int) -> Array:
    return np.asarray(game.observe()[lane, :, :, 2])


def action_values(holes: Array, step_cost: float, slip: float) -> Reals:
    """Return the best expected return of each action in each cell, by value iteration: `[size, size, 4]`."""
    size = len(holes)
    values, ends = np.zeros((size, size)), holes.astype(bool)
    ends[-1, -1] = True
    reward = np.where(holes, -1.0, -step_cost)
    reward[-1, -1] = 1.0
    while True:
        arrivals = reward + np.where(ends, 0.0, values)
        reached = np.stack([moved(arrivals, action) for action in range(4)])
        aside = (np.roll(reached, 1, axis=0) + np.roll(reached, -1, axis=0)) / 2
        better = (1 - slip) * reached + slip * aside
        if np.abs(better.max(axis=0) - values).max() < 1e-13:
            return np.moveaxis(better, 0, -1)
        values = better.max(axis=0)


def moved(cells: Array, action: int) -> Array:
    """Return what each cell's neighbour in that direction holds; a wall leads back to the cell."""
    size = len(cells)
    rows, columns = np.indices(cells.shape)
    down, aside = MOVES[action]
    return np.asarray(cells[np.clip(rows + down, 0, size - 1), np.clip(columns + aside, 0, size - 1)])


def returns_of_the_best_policy(game: Game, policies: Array, max_steps: int) -> Reals:
    """Play each lane's first episode to its end by `policies`, `[lanes, size, size]`."""
    lanes, out = np.arange(game.num_lanes), game.new_arrays()
    total, going_on = np.zeros(game.num_lanes), np.ones(game.num_lanes, np.bool_)
    shown = game.observe()
    for _ in range(max_steps):
        places = shown[:, :, :, 0].reshape(game.num_lanes, -1).argmax(axis=1)
        actions = policies.reshape(game.num_lanes, -1)[lanes, places]
        game.step(np.asarray(actions, np.int64), out)
        total += np.where(going_on, out.rewards, 0.0)
        going_on &= ~(out.terminated | out.truncated)
        shown = out.observations.copy()
        if not going_on.any():
            break
    return total


@pytest.mark.parametrize("size,step_cost", [(2, 0.1), (5, 0.01), (8, 0.005), (16, 0.02)])
def test_the_best_policy_earns_what_value_iteration_and_the_closed_form_say(
    loops: Loops, size: int, step_cost: float
) -> None:
    game = make_game("GridWorld-v0", 6, {"size": size, "step_cost": step_cost, "hole_probability": 0.4}, loops=loops)
    game.reset(np.arange(6, dtype=np.uint64))
    values = [action_values(holes_of(game, lane), step_cost, 0.0) for lane in range(6)]
    expected = 1 - step_cost * (2 * size - 3)

    total = returns_of_the_best_policy(game, np.array([value.argmax(axis=-1) for value in values]), 4 * size)

    np.testing.assert_allclose([value[0, 0].max() for value in values], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(total, expected, rtol=0, atol=1e-6)


def test_slips_cost_what_value_iteration_says(twins: list[Loops]) -> None:
    options = {"size": 5, "slip_probability": 0.3, "hole_probability": 0.2}
    game = make_game("GridWorld-v0", 3000, options, loops=twins[0])
    game.reset(np.full(3000, 4, np.uint64))
    words = game.states()
    words[:, -2] = 1000 * np.arange(3000)  # the same holes, other random numbers
    game.set_states(words)
    value = action_values(holes_of(game, 0), 0.01, 0.3)

    total = returns_of_the_best_policy(game, np.repeat(value.argmax(axis=-1)[None], 3000, axis=0), 100)

    # Five standard errors: a false alarm once in two million. Of 100 steps none are cut off but by chance below 1e-6.
    assert abs(total.mean() - value[0, 0].max()) < 5 * total.std() / np.sqrt(3000)


def test_walls_hold_holes_end_and_steps_cost(loops: Loops) -> None:
    game = make_game("GridWorld-v0", 3, {"size": 3, "hole_probability": 0.0, "step_cost": 0.25}, loops=loops)
    words = game.states()
    names = game.info.state_fields
    words[:, names.index("holes_0")] = 0b010
    words[2, [names.index("x"), names.index("y")]] = (2, 1)
    game.set_states(words)
    out = game.new_arrays()

    game.step(np.array([UP, RIGHT, DOWN]), out)

    np.testing.assert_array_equal(out.rewards, np.array([-0.25, -1.0, 1.0], np.float32))
    np.testing.assert_array_equal(out.terminated, [False, True, True])
    assert out.next_observations[0, 0, 0, 0] == 1
    assert out.next_observations[1, 0, 1].tolist() == [1, 0, 1]
    assert out.next_observations[2, 2, 2].tolist() == [1, 1, 0]


def test_an_episode_is_cut_off_after_four_times_as_many_steps_as_cells(loops: Loops) -> None:
    game = make_game("GridWorld-v0", 1, {"size": 3, "hole_probability": 0.0}, loops=loops)
    rows = game.new_arrays(36)

    game.step(np.full((36, 1), UP), rows)

    np.testing.assert_array_equal(rows.truncated[:, 0], [False] * 35 + [True])
    assert not rows.terminated.any()


@pytest.mark.parametrize("size", [1, 17, 2.5])
def test_a_size_that_does_not_fit_is_refused(loops: Loops, size: float) -> None:
    with pytest.raises(InvalidArgumentError, match=r"size.*2 to 16"):
        make_game("GridWorld-v0", 1, {"size": size}, loops=loops)


@pytest.mark.parametrize("field,value", [("x", 3), ("y", -1), ("holes_0", 8), ("holes_3", 1)])
def test_a_place_outside_the_grid_is_refused(loops: Loops, field: str, value: int) -> None:
    game = make_game("GridWorld-v0", 1, {"size": 3}, loops=loops)
    words = game.states()
    words[0, game.info.state_fields.index(field)] = value

    with pytest.raises(ValueError, match="cannot be in"):
        game.set_states(words)
