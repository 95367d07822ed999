"""One suite over both twins of every game: what holds whatever the rules are."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.native.arrays import Array, Keys
from heronry.native.backend import Loops
from heronry.native.games import GAMES, Game, StepArrays, accepts, make_game
from heronry.types.errors import EnvironmentNotFoundError, InvalidArgumentError

every_game = pytest.mark.parametrize("name", GAMES)


def some_lanes(name: str, num_games: int) -> int:
    return num_games * GAMES[name].lanes_per_game


def some_seeds(game: Game, first: int = 11) -> Keys:
    return np.arange(first, first + game.num_lanes, dtype=np.uint64)


def allowed_actions(game: Game, rng: np.random.Generator) -> Array:
    """Choices that the masks allow, or reals beyond the bounds on both sides."""
    if not game.info.num_actions:
        low, high = np.array(game.info.action_low), np.array(game.info.action_high)
        return rng.uniform(1.2 * low, 1.2 * high, (game.num_lanes, len(low))).astype(np.float32)
    draws = rng.random((game.num_lanes, game.info.num_actions)) * game.action_masks()
    return np.asarray(draws.argmax(axis=1), np.int64)


def play(game: Game, num_steps: int, seed: int = 0) -> tuple[list[Array], list[StepArrays]]:
    rng = np.random.default_rng(seed)
    actions, steps = [], []
    for _ in range(num_steps):
        actions.append(allowed_actions(game, rng))
        steps.append(game.new_arrays())
        game.step(actions[-1], steps[-1])
    return actions, steps


def assert_same(first: StepArrays, second: StepArrays) -> None:
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def limited(name: str, loops: Loops) -> Game:
    """A game whose episodes are truncated, by an option where the game itself has no limit."""
    options = {"max_steps": 50} if "max_steps" in GAMES[name].options else {}
    return make_game(name, some_lanes(name, 3), options, loops=loops)


def in_last_step(game: Game) -> None:
    """Make the next step the last one that the time limit grants."""
    states = game.states()
    states[:, -1] = game.info.time_limit - 1
    game.set_states(states)


@every_game
def test_both_twins_give_the_same_bits(twins: list[Loops], name: str) -> None:
    native, numpy = (make_game(name, some_lanes(name, 4), loops=twin) for twin in twins)

    np.testing.assert_array_equal(native.reset(some_seeds(native)), numpy.reset(some_seeds(numpy)))
    for t in range(60):
        actions = allowed_actions(native, np.random.default_rng(t))
        steps = native.new_arrays(), numpy.new_arrays()
        native.step(actions, steps[0])
        numpy.step(actions, steps[1])
        assert_same(*steps)

    np.testing.assert_array_equal(native.states(), numpy.states())
    np.testing.assert_array_equal(native.action_masks(), numpy.action_masks())
    np.testing.assert_array_equal(native.render(0), numpy.render(0))


@every_game
def test_a_state_can_be_taken_out_and_put_back(loops: Loops, name: str) -> None:
    game, other = (make_game(name, some_lanes(name, 3), loops=loops) for _ in range(2))
    game.reset(some_seeds(game))
    other.reset(some_seeds(game))
    play(game, 3)

    other.set_states(game.states())

    np.testing.assert_array_equal(other.states(), game.states())
    np.testing.assert_array_equal(other.observe(), game.observe())
    np.testing.assert_array_equal(other.render(0), game.render(0))
    _, (step,) = play(game, 1)
    _, (again,) = play(other, 1)
    assert_same(step, again)


@every_game
def test_an_episode_is_truncated_at_its_time_limit(loops: Loops, name: str) -> None:
    game = limited(name, loops)
    in_last_step(game)

    _, (step,) = play(game, 1)

    assert step.truncated.all()
    np.testing.assert_array_equal(game.states()[:, -1], 0)


@every_game
def test_the_successor_is_the_true_one_where_the_next_episode_is_shown(loops: Loops, name: str) -> None:
    ending, going_on = limited(name, loops), limited(name, loops)
    in_last_step(ending)

    _, (last,) = play(ending, 1)
    _, (middle,) = play(going_on, 1)

    np.testing.assert_array_equal(last.next_observations, middle.next_observations)
    np.testing.assert_array_equal(last.rewards, middle.rewards)
    np.testing.assert_array_equal(last.observations, ending.observe())
    np.testing.assert_array_equal(middle.observations, going_on.observe())


@every_game
def test_several_steps_at_once_are_those_one_after_another(loops: Loops, name: str) -> None:
    single, several = (make_game(name, some_lanes(name, 3), loops=loops) for _ in range(2))
    actions, steps = play(single, 30)

    rows = several.new_arrays(30)
    several.step(np.stack(actions), rows)

    columns: list[np.ndarray] = [np.stack(column) for column in zip(*steps, strict=True)]
    assert_same(rows, StepArrays(*columns))


@every_game
@settings(max_examples=8)
@given(st.integers(0, 2**64 - 1), st.integers(0, 5), st.integers(6, 9))
def test_a_lane_knows_nothing_of_its_neighbours(twins: list[Loops], name: str, seed: int, place: int, num: int) -> None:
    width = GAMES[name].lanes_per_game
    alone, among = make_game(name, width, loops=twins[0]), make_game(name, num * width, loops=twins[0])
    lanes = slice(place * width, (place + 1) * width)
    seeds = some_seeds(among)
    seeds[lanes] = seed
    shown = alone.reset(np.full(width, seed, np.uint64))

    np.testing.assert_array_equal(among.reset(seeds)[lanes], shown)
    actions, steps = play(among, 40, seed % 1000)
    for row, step in zip(actions, steps, strict=True):
        own = alone.new_arrays()
        alone.step(np.ascontiguousarray(row[lanes]), own)
        columns: list[np.ndarray] = [column[lanes] for column in step]
        assert_same(own, StepArrays(*columns))


@every_game
def test_threads_change_no_bit(twins: list[Loops], name: str) -> None:
    one, three = (make_game(name, some_lanes(name, 40), num_threads=n, loops=twins[0]) for n in (1, 3))
    num_steps = 700 if "precision" in one.info.options else 60  # fewer would not be worth a thread
    actions = np.stack(play(make_game(name, some_lanes(name, 40), loops=twins[0]), num_steps)[0])

    rows = [game.new_arrays(len(actions)) for game in (one, three)]
    one.step(actions, rows[0])
    three.step(actions, rows[1])

    assert_same(*rows)
    np.testing.assert_array_equal(one.states(), three.states())


@every_game
def test_wrong_arguments_are_refused_and_change_nothing(loops: Loops, name: str) -> None:
    game = make_game(name, some_lanes(name, 2), loops=loops)
    before, out = game.states(), game.new_arrays()
    good = allowed_actions(game, np.random.default_rng(0))
    bad = (game.info.num_actions, -1) if game.info.num_actions else (np.nan, -np.nan)

    for action in bad:
        with pytest.raises((IndexError, ValueError)):
            game.step(np.full_like(good, action), out)
    with pytest.raises(TypeError):
        game.step(good.astype(np.int32 if game.info.num_actions else np.float64), out)
    with pytest.raises(ValueError):
        game.step(good[:-1], out)
    with pytest.raises(ValueError):
        game.step(good, out._replace(truncated=np.empty(1, np.bool_)))
    with pytest.raises(ValueError):
        game.step(good, out._replace(observations=out.observations[:1]))
    with pytest.raises(TypeError):
        game.step(good, out._replace(next_observations=out.observations.astype(np.float64)))
    with pytest.raises(TypeError):
        game.step(good, out._replace(rewards=np.empty(2 * game.num_lanes, np.float32)[::2]))
    np.testing.assert_array_equal(game.states(), before)


@every_game
def test_wrong_seeds_states_and_lanes_are_refused(loops: Loops, name: str) -> None:
    game = make_game(name, some_lanes(name, 2), loops=loops)
    before = game.states()

    with pytest.raises(ValueError):
        game.reset(np.zeros(game.num_lanes + 1, np.uint64))
    with pytest.raises(TypeError):
        game.reset(np.zeros(game.num_lanes, np.int64))
    with pytest.raises(ValueError):
        game.set_states(before[:, :-1].copy())
    with pytest.raises(TypeError):
        game.set_states(before.astype(np.float32))
    with pytest.raises(ValueError):
        game.set_states(np.full_like(before, np.nan))
    with pytest.raises(IndexError):
        game.render(game.num_lanes)
    np.testing.assert_array_equal(game.states(), before)


@every_game
def test_an_option_that_the_game_has_not_is_named_beside_those_it_has(loops: Loops, name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="gravitas") as refused:
        make_game(name, some_lanes(name, 1), {"gravitas": 1}, loops=loops)

    assert all(option in refused.value.message for option in GAMES[name].options)
    assert not accepts(name, {"gravitas": 1})


@pytest.mark.parametrize(
    "name,option,value,allowed",
    [
        ("CartPole-v1", "precision", "float16", "float32 or float64"),
        ("CartPole-v1", "precision", 32, "float32 or float64"),
        ("CartPole-v1", "sutton_barto_reward", 1, "true or false"),
        ("Pendulum-v1", "g", "10", "a number"),
        ("Pendulum-v1", "g", True, "a number"),
        ("MountainCar-v0", "goal_velocity", float("nan"), "a number"),
    ],
)
def test_a_value_out_of_its_range_is_refused(name: str, option: str, value: object, allowed: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"{option}.*{allowed}"):
        make_game(name, 1, {option: value})

    assert not accepts(name, {option: value})


def test_an_unknown_game_no_lanes_and_no_threads_are_refused(loops: Loops) -> None:
    with pytest.raises(EnvironmentNotFoundError, match="CartPole-v1"):
        make_game("CartPole-v2", 1, loops=loops)
    with pytest.raises(InvalidArgumentError, match="num_lanes"):
        make_game("CartPole-v1", 0, loops=loops)
    with pytest.raises(InvalidArgumentError, match="num_threads"):
        make_game("CartPole-v1", 1, num_threads=0, loops=loops)
    assert not accepts("CartPole-v2", {})
    assert accepts("CartPole-v1", {"sutton_barto_reward": True})


def test_only_long_steps_leave_the_lock(twins: list[Loops]) -> None:
    assert make_game("CartPole-v1", 65536, loops=twins[0]).releases_lock
    assert not make_game("CartPole-v1", 16, loops=twins[0]).releases_lock
    assert not make_game("CartPole-v1", 65536, loops=twins[1]).releases_lock


@every_game
def test_actions_may_be_read_only(loops: Loops, name: str) -> None:
    game = make_game(name, some_lanes(name, 2), loops=loops)
    actions = allowed_actions(game, np.random.default_rng(0))
    actions.flags.writeable = False

    game.step(actions, game.new_arrays())

    assert (game.states()[:, -1] <= 1).all()


def test_threads_that_share_a_game_by_mistake_take_turns(twins: list[Loops]) -> None:
    game = make_game("Acrobot-v1", 4096, num_threads=3, loops=twins[0])
    actions = np.ones((20, 4096), np.int64)
    sharing = [threading.Thread(target=game.step, args=(actions, game.new_arrays(20)), daemon=True) for _ in range(3)]

    for thread in sharing:
        thread.start()
    for thread in sharing:
        thread.join(20.0)

    assert not any(thread.is_alive() for thread in sharing)
