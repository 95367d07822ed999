"""The games of Gymnasium follow it: bit for bit in float64, closely in float32, over 10,000 steps."""

import functools
import math
from dataclasses import dataclass

import gymnasium
import numpy as np
import pytest

from heronry.native.arrays import Array, Keys
from heronry.native.backend import Loops
from heronry.native.games import GAMES, StepArrays, make_game
from heronry.native.twins.games.lane_game import angle

NUM_STEPS = 10_000
CLASSIC = ("CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1", "Acrobot-v1")

each_game = pytest.mark.parametrize("name", CLASSIC)


@dataclass
class Recording:
    """What Gymnasium did, a row a step: states before it, with the steps of the episode so far."""

    states: np.ndarray
    actions: Array
    steps: StepArrays


@functools.cache
def recorded(name: str) -> Recording:
    environment = gymnasium.make(name, disable_env_checker=True)
    environment.action_space.seed(7)
    rows, length = [], 0
    environment.reset(seed=7)
    for _ in range(NUM_STEPS):
        if length == 0:
            # Of the continuous car the first state alone is float64; ours is float32 from the start.
            state = np.array(environment.unwrapped.state, np.float32)
            environment.unwrapped.state = state if "Continuous" in name else state.astype(np.float64)
        before = [*np.asarray(environment.unwrapped.state, np.float64), length]
        action = environment.action_space.sample() * (1.5 if GAMES[name].action_low else 1)
        shown, reward, terminated, truncated, _ = environment.step(action)
        rows.append((before, action, shown, reward, terminated, truncated))
        length = 0 if terminated or truncated else length + 1
        if length == 0:
            environment.reset()
    columns: list[np.ndarray] = [np.array(column) for column in zip(*rows, strict=True)]
    states, actions, shown, rewards, terminated, truncated = columns
    steps = StepArrays(shown, rewards.astype(np.float32), terminated, truncated, shown)
    return Recording(states, np.ascontiguousarray(actions, GAMES[name].action_type), steps)


def stepped(name: str, precision: str, loops: Loops) -> StepArrays:
    """Every recorded step at once, each in a lane of its own."""
    recording = recorded(name)
    game = make_game(name, NUM_STEPS, {"precision": precision}, loops=loops)
    game.set_states(recording.states)
    out = game.new_arrays()
    game.step(recording.actions, out)
    return out


def assert_close(ours: np.ndarray, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)


@each_game
def test_float64_steps_are_those_of_gymnasium_bit_for_bit(loops: Loops, name: str) -> None:
    ours, theirs = stepped(name, "float64", loops), recorded(name).steps

    np.testing.assert_array_equal(ours.next_observations, theirs.next_observations)
    np.testing.assert_array_equal(ours.rewards, theirs.rewards)
    np.testing.assert_array_equal(ours.terminated, theirs.terminated)
    np.testing.assert_array_equal(ours.truncated, theirs.truncated)


@each_game
def test_float32_steps_are_within_1e_4_of_gymnasium(loops: Loops, name: str) -> None:
    """From the same state in each step: Acrobot and Pendulum are chaotic, so that whole episodes drift apart."""
    ours, theirs = stepped(name, "float32", loops), recorded(name).steps

    assert_close(ours.next_observations, theirs.next_observations)
    assert_close(ours.rewards, theirs.rewards)
    np.testing.assert_array_equal(ours.terminated, theirs.terminated)
    np.testing.assert_array_equal(ours.truncated, theirs.truncated)


@pytest.mark.parametrize("name", ["CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0"])
def test_float32_episodes_stay_within_1e_4_of_gymnasium(loops: Loops, name: str) -> None:
    recording = recorded(name)
    starts = np.flatnonzero(recording.states[:, -1] == 0)
    lengths = np.diff([*starts, NUM_STEPS])
    game = make_game(name, len(starts), loops=loops)
    game.set_states(recording.states[starts])

    for t in range(lengths.max()):
        rows, out = np.minimum(starts + t, NUM_STEPS - 1), game.new_arrays()
        game.step(np.ascontiguousarray(recording.actions[rows]), out)
        here = lengths > t
        assert_close(out.next_observations[here], recording.steps.next_observations[rows][here])
        np.testing.assert_array_equal(out.terminated[here], recording.steps.terminated[rows][here])


@each_game
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_both_twins_give_the_same_bits_over_whole_episodes(twins: list[Loops], name: str, precision: str) -> None:
    games = [make_game(name, 5, {"precision": precision}, loops=twin) for twin in twins]
    actions = np.random.default_rng(3).integers(0, max(GAMES[name].num_actions, 1), (1010, 5))
    if GAMES[name].action_low:
        actions = np.random.default_rng(3).uniform(-2.5, 2.5, (1010, 5, 1)).astype(np.float32)
    num_steps = GAMES[name].time_limit + 10

    rows = [game.new_arrays(num_steps) for game in games]
    for game, out in zip(games, rows, strict=True):
        game.step(actions[:num_steps], out)

    assert (rows[0].terminated | rows[0].truncated).any(axis=0).all()
    for one, other in zip(*rows, strict=True):
        np.testing.assert_array_equal(one, other)


RESETS = [
    ("CartPole-v1", [(-0.05, 0.05)] * 4),
    ("MountainCar-v0", [(-0.6, -0.4), (0, 0)]),
    ("MountainCarContinuous-v0", [(-0.6, -0.4), (0, 0)]),
    ("Pendulum-v1", [(-math.pi, math.pi), (-1, 1)]),
    ("Acrobot-v1", [(-0.1, 0.1)] * 4),
]


@pytest.mark.parametrize("name,bounds", RESETS)
def test_first_states_are_spread_evenly_as_gymnasium_draws_them(
    loops: Loops, name: str, bounds: list[tuple[float, float]]
) -> None:
    num = 4096
    game = make_game(name, num, {"precision": "float64"}, loops=loops)

    game.reset(np.arange(num, dtype=np.uint64))

    for values, (low, high) in zip(game.states().T, bounds, strict=False):
        expected = low + (high - low) * (np.arange(num) + 0.5) / num
        # Kolmogorov and Smirnov: farther apart than 2.2 / sqrt(n) once in 8,000 draws; the seeds are fixed.
        assert np.abs(np.sort(values) - expected).max() <= 2.2 / math.sqrt(num) * (high - low)


def splitmix64(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def uniform(seed: int, episode: int, index: int) -> float:
    golden = 0x9E3779B97F4A7C15
    key = splitmix64((splitmix64((seed + golden) % 2**64) + golden * (episode + 1)) % 2**64)
    return (splitmix64((key + golden * (index + 1)) % 2**64) >> 11) * 2.0**-53


def test_random_numbers_are_hashes_of_seed_episode_and_index(loops: Loops) -> None:
    seeds: Keys = np.array([0, 1, 2**64 - 1], np.uint64)
    game = make_game("CartPole-v1", 3, {"precision": "float64"}, loops=loops)

    game.reset(seeds)
    states = [game.states()]
    states[0][:, -1] = 499
    game.set_states(states[0])
    game.step(np.zeros(3, np.int64), game.new_arrays())
    states.append(game.states())

    for episode, found in enumerate(states):
        expected = [[-0.05 + (0.05 - -0.05) * uniform(int(s), episode, i) for i in range(4)] for s in seeds]
        np.testing.assert_array_equal(found[:, :4], expected)


@pytest.mark.parametrize(
    "name,options,action,state,rewards",
    [
        ("CartPole-v1", {"sutton_barto_reward": True}, 1, [0, 0, 0, 0, 0], (0.0, False)),
        ("CartPole-v1", {"sutton_barto_reward": True}, 1, [2.5, 0, 0, 0, 0], (-1.0, True)),
        ("CartPole-v1", {}, 1, [2.5, 0, 0, 0, 0], (1.0, True)),
        ("MountainCar-v0", {"goal_velocity": 0.06}, 2, [0.49, 0.05, 0], (-1.0, False)),
        ("MountainCar-v0", {"goal_velocity": 0.04}, 2, [0.49, 0.05, 0], (-1.0, True)),
    ],
)
def test_options_are_those_of_gymnasium(
    loops: Loops,
    name: str,
    options: dict[str, object],
    action: int,
    state: list[float],
    rewards: tuple[float, bool],
) -> None:
    game = make_game(name, 1, options, loops=loops)
    game.set_states(np.array([state], np.float64))
    out = game.new_arrays()

    game.step(np.array([action]), out)

    assert (out.rewards[0], out.terminated[0]) == rewards


def test_a_pendulum_without_gravity_keeps_its_velocity(loops: Loops) -> None:
    game = make_game("Pendulum-v1", 1, {"g": 0.0}, loops=loops)
    game.set_states(np.array([[1.0, 0.5, 0]]))
    out = game.new_arrays()

    game.step(np.zeros((1, 1), np.float32), out)

    assert out.next_observations[0, 2] == 0.5


def test_sine_and_cosine_in_float32_are_within_2e_7() -> None:
    x = np.random.default_rng(0).uniform(-400, 400, 100_000).astype(np.float32)

    sine, cosine = angle(x)

    np.testing.assert_allclose(sine, np.sin(x.astype(np.float64)), rtol=0, atol=2e-7)
    np.testing.assert_allclose(cosine, np.cos(x.astype(np.float64)), rtol=0, atol=2e-7)


@each_game
def test_pictures_of_different_states_differ_and_of_one_state_do_not(twins: list[Loops], name: str) -> None:
    native, numpy = (make_game(name, 2, loops=twin) for twin in twins)
    states = native.states()
    states[:, 0] = [-0.4, 0.4]
    native.set_states(states)
    numpy.set_states(states)

    pictures = [native.render(0), native.render(1)]

    assert not np.array_equal(pictures[0], pictures[1])
    for lane, picture in enumerate(pictures):
        np.testing.assert_array_equal(picture, native.render(lane))
        np.testing.assert_array_equal(picture, numpy.render(lane))
        colours = picture.astype(np.int64) @ [1, 256, 65536]
        assert len(np.unique(colours)) > 10


def test_lanes_of_neighbouring_seeds_do_not_begin_alike(loops: Loops) -> None:
    num_lanes = 10_000
    game = make_game("CartPole-v1", num_lanes, loops=loops)
    game.reset(np.arange(num_lanes, dtype=np.uint64))

    states = game.states()[:, :4]

    neighbours = [np.corrcoef(column[:-1], column[1:])[0, 1] for column in states.T]
    # Of independent lanes one of four correlations is as large once in 2,500 sets of seeds; these are fixed.
    assert np.abs(neighbours).max() * np.sqrt(num_lanes) < 3.9
