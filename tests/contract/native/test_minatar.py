"""The MinAtar games against recordings of the MinAtar package, the package itself where it is there, and their draws.

The reference draws from another generator. So its steps are played again by the NumPy twin's rules with what it drew,
and by both whole games where it drew nothing; the twins being equal bit for bit does the rest.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from heronry.native.arrays import Array, Indices
from heronry.native.backend import Loops
from heronry.native.games import GAMES, Game, make_game
from heronry.native.twins.games.asterix import Asterix
from heronry.native.twins.games.breakout import Breakout
from heronry.native.twins.games.freeway import Freeway
from heronry.native.twins.games.seaquest import Seaquest
from heronry.native.twins.games.space_invaders import SpaceInvaders
from heronry.types.errors import InvalidArgumentError
from tests.contract.native.minatar_reference import NAMES, Played, Reference, canonical
from tests.contract.native.minatar_scrambles import Scrambler

RULES = {
    "Asterix": Asterix,
    "Breakout": Breakout,
    "Freeway": Freeway,
    "Seaquest": Seaquest,
    "SpaceInvaders": SpaceInvaders,
}
# Of a chi-squared statistic, by degrees of freedom, exceeded with probability 1e-6.
LIMITS = {1: 23.93, 2: 27.63, 4: 33.38, 7: 40.52}
every_name = pytest.mark.parametrize("name", NAMES)


class Recording(NamedTuple):
    """What the package did; columns of the states are those of `GAMES`, but for the last two."""

    first: Indices
    first_draws: Indices
    is_ramping: Array
    before: Indices
    actions: Indices
    draws: Indices
    after: Indices
    rewards: Array
    terminated: Array
    observations: Array

    def chosen(self, which: Array) -> "Recording":
        return Recording(self.first, self.first_draws, *(column[which] for column in self[2:]))


class Feed:
    """Random numbers that are known beforehand."""

    def __init__(self, draws: Iterable[int]) -> None:
        self.rest = [int(draw) for draw in draws if draw >= 0]

    def below(self, bound: int) -> int:
        assert 0 <= self.rest[0] < bound
        return self.rest.pop(0)

    def uniform(self) -> float:
        raise AssertionError("only sticky actions ask for it")


def recording(name: str) -> Recording:
    with np.load(Path(__file__).parent / "golden" / f"minatar_{NAMES[name]}.npz") as file:
        assert tuple(file["names"]) == GAMES[f"MinAtar/{name}-v0"].state_fields[:-2]
        columns = [file[column] for column in Recording._fields[:-1]]
        cells = 100 * RULES[name].num_channels
        observations = np.unpackbits(file["observations"], axis=1, count=cells).reshape(-1, 10, 10, cells // 100)
    as_words = [column.astype(np.int64) if column.dtype.kind == "i" else column for column in columns]
    return Recording(*as_words, observations)


def options(**changed: float | bool) -> dict[str, object]:
    return {"sticky_action_probability": 0.0, **changed}


def without_last_action(words: Indices) -> Indices:
    return words[:, 1:]


def game_in(name: str, words: Indices, loops: Loops, is_ramping: bool) -> Game:
    game = make_game(f"MinAtar/{name}-v0", len(words), options(difficulty_ramping=is_ramping), loops=loops)
    game.set_states(np.column_stack([words, np.zeros((len(words), 2))]).astype(np.float64))
    return game


def assert_rules_play(name: str, step: Played, is_ramping: bool) -> None:
    """Play a step of the reference with its draws by the twin's rules."""
    names = tuple(step.before)
    rules = RULES[name]({"sticky_action_probability": 0.0, "difficulty_ramping": float(is_ramping)}, True)
    state, feed = rules.state_of(list(step.before.values())), Feed(step.draws)

    turn = rules.advance(state, step.action, feed)

    assert (turn.reward, turn.terminated, feed.rest) == (step.reward, step.terminated, [])
    ours, theirs = (np.array([list(words)]) for words in (rules.words(state), step.after.values()))
    np.testing.assert_array_equal(canonical(ours, names), canonical(theirs, names))
    np.testing.assert_array_equal(rules.observe(state)[0], step.observation)


@every_name
def test_the_rules_play_the_recorded_steps_with_the_recorded_draws(name: str) -> None:
    steps, names = recording(name), GAMES[f"MinAtar/{name}-v0"].state_fields[:-2]

    for i, draws in enumerate(steps.draws):
        before, after = (dict(zip(names, words[i].tolist(), strict=True)) for words in (steps.before, steps.after))
        recorded = Played(
            before,
            int(steps.actions[i]),
            [draw for draw in draws.tolist() if draw >= 0],
            after,
            int(steps.rewards[i]),
            bool(steps.terminated[i]),
            steps.observations[i],
        )
        assert_rules_play(name, recorded, bool(steps.is_ramping[i]))


@every_name
def test_an_episode_begins_as_recorded(name: str) -> None:
    steps = recording(name)
    rules = RULES[name]({"sticky_action_probability": 0.0, "difficulty_ramping": 1.0}, True)
    state, feed = rules.new_state(), Feed(steps.first_draws)

    rules.begin(state, feed)

    assert rules.words(state) == steps.first.tolist()
    assert not feed.rest


@every_name
@pytest.mark.parametrize("is_ramping", [True, False])
def test_both_twins_play_the_recorded_steps_in_which_nothing_was_drawn(
    loops: Loops, name: str, is_ramping: bool
) -> None:
    steps = recording(name)
    steps = steps.chosen((steps.draws[:, 0] < 0) & (steps.is_ramping == is_ramping))
    names = GAMES[f"MinAtar/{name}-v0"].state_fields[:-2]
    game = game_in(name, steps.before, loops, is_ramping)
    out = game.new_arrays()

    game.step(steps.actions, out)

    assert len(steps.actions) > 100
    np.testing.assert_array_equal(out.rewards, steps.rewards)
    np.testing.assert_array_equal(out.terminated, steps.terminated)
    np.testing.assert_array_equal(out.next_observations, steps.observations)
    going_on = ~steps.terminated
    ours, theirs = (canonical(words[going_on], names) for words in (game.states()[:, :-2], steps.after))
    np.testing.assert_array_equal(without_last_action(ours), without_last_action(theirs))


@every_name
def test_from_the_recorded_states_the_twins_go_on_alike_bit_by_bit(twins: list[Loops], name: str) -> None:
    words = recording(name).before[::4]
    native, numpy = (game_in(name, words, twin, is_ramping=True) for twin in twins)
    actions = np.random.default_rng(5).integers(0, 6, (12, len(words)))
    rows = native.new_arrays(len(actions)), numpy.new_arrays(len(actions))

    native.step(actions, rows[0])
    numpy.step(actions, rows[1])

    for one, other in zip(*rows, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(native.states(), numpy.states())


@every_name
@pytest.mark.parametrize("is_ramping", [True, False])
def test_the_rules_play_along_with_the_package(name: str, is_ramping: bool) -> None:
    pytest.importorskip("minatar", reason="the oracle is no dependency")
    reference, scrambler = Reference(name, is_ramping, seed=1), Scrambler(seed=2)
    reference.begin()

    for t in range(600):
        if t >= 300 and t % 4 == 0:
            scrambler.scramble(name, reference.game)
        step = reference.step(scrambler.action())
        assert_rules_play(name, step, is_ramping)
        if step.terminated:
            reference.begin()


def assert_even(counts: Array, shares: Array) -> None:
    """Refuse counts that are unlike their shares; a false alarm once in a million."""
    expected = counts.sum() * np.asarray(shares)
    assert ((counts - expected) ** 2 / expected).sum() < LIMITS[len(counts) - 1]


def column(game: Game, *names: str) -> Indices:
    places = [game.info.state_fields.index(name) for name in names]
    return game.states()[:, places].astype(np.int64)


def played(name: str, num_steps: int, action: int, loops: Loops) -> Game:
    game = make_game(f"MinAtar/{name}-v0", 4000, options(), loops=loops)
    game.reset(np.arange(game.num_lanes, dtype=np.uint64))
    out = game.new_arrays()
    for _ in range(num_steps):
        game.step(np.full(game.num_lanes, action), out)
    return game


def test_the_ball_starts_at_either_side(twins: list[Loops]) -> None:
    sides = column(played("Breakout", 0, 0, twins[0]), "x", "run")

    assert set(map(tuple, sides.tolist())) == {(0, 1), (9, -1)}
    assert_even(np.bincount(sides[:, 0] // 9), [1 / 2, 1 / 2])


def test_treasure_is_a_third_of_what_comes_in_at_each_side_and_in_every_row(twins: list[Loops]) -> None:
    game = played("Asterix", 11, 0, twins[0])
    kinds, runs = (column(game, *(f"{name}_{row}" for row in range(8))) for name in ("kinds", "runs"))

    assert ((kinds > 0).sum(axis=1) == 1).all()
    assert_even(np.bincount(kinds[kinds > 0])[1:], [2 / 3, 1 / 3])
    assert_even(np.bincount(runs[kinds > 0] + 1)[::2], [1 / 2, 1 / 2])
    assert_even((kinds > 0).sum(axis=0), [1 / 8] * 8)


def test_cars_have_any_of_five_speeds_to_either_side(twins: list[Loops]) -> None:
    game = played("Freeway", 0, 0, twins[0])

    assert_even(np.bincount(column(game, *(f"waits_{i}" for i in range(8))).ravel())[1:], [1 / 5] * 5)
    assert_even(np.bincount(column(game, *(f"runs_{i}" for i in range(8))).ravel() + 1)[::2], [1 / 2, 1 / 2])


def test_a_third_of_the_enemies_are_submarines_and_they_and_divers_come_in_anywhere(twins: list[Loops]) -> None:
    enemies, divers = played("Seaquest", 21, 0, twins[0]), played("Seaquest", 31, 0, twins[0])
    fish, subs = column(enemies, "fish_count")[:, 0], column(enemies, "subs_count")[:, 0]
    fish_at, sub_at = (column(enemies, f"{kind}_0_run", f"{kind}_0_y") for kind in ("fish", "subs"))
    at = np.where(fish[:, None] == 1, fish_at, sub_at)
    diver_at = column(divers, "divers_0_run", "divers_0_y")

    assert (fish + subs == 1).all()
    assert_even(np.array([fish.sum(), subs.sum()]), [2 / 3, 1 / 3])
    for place in (at, diver_at):
        assert_even(np.bincount(place[:, 0] + 1)[::2], [1 / 2, 1 / 2])
        assert_even(np.bincount(place[:, 1])[1:], [1 / 8] * 8)


def test_an_action_sticks_with_its_probability(twins: list[Loops]) -> None:
    game = make_game("MinAtar/Breakout-v0", 20_000, {}, loops=twins[0])
    out = game.new_arrays()

    game.step(np.full(game.num_lanes, 3), out)

    # The paddle stays where the action before, nothing, is repeated.
    stuck = int((column(game, "paddle")[:, 0] == 4).sum())
    assert_even(np.array([stuck, game.num_lanes - stuck]), [0.1, 0.9])


@every_name
def test_cells_are_flags(loops: Loops, name: str) -> None:
    game = make_game(f"MinAtar/{name}-v1", 20, loops=loops)
    rows = game.new_arrays(15)

    game.step(np.random.default_rng(1).integers(0, game.info.num_actions, (15, 20)), rows)

    assert game.info.observation_high == 1
    assert rows.next_observations.max() == 1
    assert rows.next_observations.dtype == np.uint8


@every_name
def test_the_second_version_offers_the_actions_that_do_something(loops: Loops, name: str) -> None:
    actions = RULES[name].actions
    all_of_them, some = (
        make_game(f"MinAtar/{name}-v{version}", len(actions), options(), loops=loops) for version in (0, 1)
    )
    rows = all_of_them.new_arrays(), some.new_arrays()

    all_of_them.step(np.array(actions, np.int64), rows[0])
    some.step(np.arange(len(actions)), rows[1])

    assert (all_of_them.info.num_actions, some.info.num_actions) == (6, len(actions))
    np.testing.assert_array_equal(rows[0].next_observations, rows[1].next_observations)
    np.testing.assert_array_equal(all_of_them.states(), some.states())


@pytest.mark.parametrize("is_sub", [True, False])
def test_there_is_room_in_the_water_for_all_that_can_be_there(is_sub: bool) -> None:
    """With one more enemy each step, all the same way and none ever hit: the most there can be."""
    rules = Seaquest({"sticky_action_probability": 0.0, "difficulty_ramping": 1.0}, True)
    state = rules.new_state()
    schools = (state.enemy_bullets, state.fish, state.subs, state.divers)
    room = [school.capacity for school in schools]
    for school in schools:
        school.capacity = 10_000
    most = [0] * len(schools)

    for t in range(400):
        # Divers come from the left too; where both come, the enemy is drawn first.
        state.spawn_interval, state.enemy_interval, state.num_divers = 1, 2, 6
        rules.advance(state, 0, Feed(([0, 1 - is_sub, t % 8] if state.until_spawn == 0 else []) + [0, 7]))
        most = [max(count, len(school.members)) for count, school in zip(most, schools, strict=True)]

    assert most[1 + is_sub] >= 29
    assert all(count <= capacity for count, capacity in zip(most, room, strict=True))


@pytest.mark.parametrize(
    "option,value,allowed",
    [
        ("sticky_action_probability", 1.5, "0 to 1"),
        ("difficulty_ramping", 1, "true or false"),
        ("max_steps", -1, "a whole number"),
        ("max_steps", 2.5, "a whole number"),
    ],
)
def test_options_out_of_their_range_are_refused(loops: Loops, option: str, value: float, allowed: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"{option}.*{allowed}"):
        make_game("MinAtar/Breakout-v1", 1, {option: value}, loops=loops)


def test_freeway_ends_by_its_own_clock(loops: Loops) -> None:
    game = make_game("MinAtar/Freeway-v0", 1, options(), loops=loops)
    words = game.states()
    words[:, game.info.state_fields.index("num_steps_left")] = 0
    game.set_states(words)
    out = game.new_arrays()

    game.step(np.zeros(1, np.int64), out)

    assert out.terminated.all()
    assert not out.truncated.any()


@pytest.mark.parametrize(
    "name,field,value",
    [
        ("Asterix", "kinds_0", 3),
        ("Breakout", "paddle", 1000),
        ("Breakout", "bricks_1", 1 << 10),
        ("Freeway", "waits_7", 0),
        ("Freeway", "last_action", 6),
        ("Seaquest", "fish_count", 33),
        ("Seaquest", "divers_2_x", 1),
        ("SpaceInvaders", "alien_bullets_9", -1),
    ],
)
def test_states_that_a_game_cannot_be_in_are_refused(loops: Loops, name: str, field: str, value: int) -> None:
    game = make_game(f"MinAtar/{name}-v1", 2, options(), loops=loops)
    before = game.states()
    words = before.copy()
    words[1, game.info.state_fields.index(field)] = value

    with pytest.raises(ValueError, match="cannot be in"):
        game.set_states(words)

    np.testing.assert_array_equal(game.states(), before)
