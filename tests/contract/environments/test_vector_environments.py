"""What every engine promises, over every engine, on the one task that they all have."""

import importlib.util

import numpy as np
import pytest

from heronry.environments.engines import lanes_per_environment
from heronry.environments.making import make_environment, read_spaces
from heronry.environments.settings import EnvironmentSettings

NUM_LANES = 5
NUM_STEPS = 80
SEEDS = [31, 32, 33, 34, 35]
THETA_LIMIT = 12 * np.pi / 180

ENGINES = {
    "native": EnvironmentSettings("CartPole-v1", engine="native"),
    "gymnasium, vectorised": EnvironmentSettings("CartPole-v1", {"max_episode_steps": 25}, engine="gymnasium"),
    "gymnasium, one by one": EnvironmentSettings(
        "CartPole-v1", {"max_episode_steps": 25, "disable_env_checker": False}, engine="gymnasium"
    ),
    "envpool": EnvironmentSettings("CartPole-v1", {"max_episode_steps": 25}, engine="envpool"),
}
# One generator for all lanes: only the first seed counts.
SEEDS_TOGETHER = {"gymnasium, vectorised"}


@pytest.fixture(params=ENGINES)
def engine(request):
    if request.param == "envpool" and importlib.util.find_spec("envpool") is None:
        pytest.skip("EnvPool is not installed")
    return request.param


@pytest.fixture
def environment(engine):
    made = make_environment(ENGINES[engine], NUM_LANES)
    yield made
    made.close()


def play(environment, seeds, num_steps=NUM_STEPS):
    """Return the rows: what was shown, the actions, the steps."""
    rng = np.random.default_rng(7)
    shown, rows = environment.reset(seeds), []
    for _ in range(num_steps):
        actions = rng.integers(2, size=NUM_LANES)
        step = environment.step(actions)
        rows.append((shown, actions, step))
        shown = step.observation
    return rows


def successor(states, actions):
    """Return CartPole's next states: Barto, Sutton and Anderson 1983, by Euler's method, in double precision."""
    x, v, angle, turn = states.astype(np.float64).T
    force = np.where(actions == 1, 10.0, -10.0)
    cosine, sine = np.cos(angle), np.sin(angle)
    push = (force + 0.05 * turn**2 * sine) / 1.1
    turning = (9.8 * sine - cosine * push) / (0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1))
    pushing = push - 0.05 * turning * cosine / 1.1
    return np.stack([x + 0.02 * v, v + 0.02 * pushing, angle + 0.02 * turn, turn + 0.02 * turning], axis=1)


def test_rows_have_the_shapes_and_types_of_the_spaces(environment):
    shown, _, step = play(environment, SEEDS, 1)[0]

    space = environment.observation_space
    for observations in (shown, step.observation, step.next_observation):
        assert observations.shape == (NUM_LANES, *space.shape)
        assert observations.dtype == space.element_type
    assert {a.shape for a in (step.reward, step.terminated, step.truncated, step.mask)} == {(NUM_LANES,)}
    assert step.reward.dtype == np.float32
    assert {a.dtype for a in (step.terminated, step.truncated, step.mask)} == {np.dtype(bool)}


def test_the_next_observation_is_the_true_successor_even_at_an_end(environment):
    num_ends = 0
    for shown, actions, step in play(environment, SEEDS):
        expected = successor(shown, actions)

        assert np.allclose(step.next_observation[step.mask], expected[step.mask], atol=1e-4)
        num_ends += int((step.terminated | step.truncated).sum())
    assert num_ends > 5


def test_an_episode_terminates_where_the_pole_falls_and_is_truncated_at_its_limit(engine, environment):
    limit = ENGINES[engine].kwargs.get("max_episode_steps", 500)
    lengths = np.zeros(NUM_LANES, int)
    num_truncated = 0
    for _, _, step in play(environment, SEEDS):
        lengths += step.mask
        out = (np.abs(step.next_observation[:, 0]) > 2.4) | (np.abs(step.next_observation[:, 2]) > THETA_LIMIT)

        assert np.array_equal(step.terminated[step.mask], out[step.mask])
        assert np.array_equal((step.truncated & ~step.terminated)[step.mask], ((lengths == limit) & ~out)[step.mask])
        num_truncated += int(step.truncated.sum())
        lengths[step.terminated | step.truncated] = 0
    assert (num_truncated > 0) is (limit < NUM_STEPS)


def test_a_row_outside_the_mask_follows_an_end_and_says_nothing(environment):
    ended = np.zeros(NUM_LANES, bool)
    for _, _, step in play(environment, SEEDS):
        assert not np.any(~step.mask & ~ended)
        assert not np.any((step.terminated | step.truncated) & ~step.mask)
        ended = step.terminated | step.truncated


def test_every_episode_begins_near_the_middle(environment):
    ended = np.ones(NUM_LANES, bool)
    for shown, _, step in play(environment, SEEDS):
        begins = ended & step.mask
        assert np.abs(shown[begins]).max(initial=0.0) <= 0.05 + 1e-6
        ended = step.terminated | step.truncated | ~step.mask


def test_the_arrays_of_a_step_stay_as_they_are(environment):
    kept = [(step, [np.copy(array) for array in step[:6]]) for _, _, step in play(environment, SEEDS, 1)]

    for _ in range(3):
        environment.step(np.zeros(NUM_LANES, np.int64))

    for step, copies in kept:
        assert all(np.array_equal(array, copy) for array, copy in zip(step[:6], copies, strict=True))


def test_the_same_seeds_play_the_same_episodes_again(environment):
    first, second = play(environment, SEEDS), play(environment, SEEDS)

    for (_, _, one), (_, _, other) in zip(first, second, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one[:6], other[:6], strict=True))


def test_a_lanes_episodes_depend_on_its_own_seed_alone(engine, environment):
    if engine in SEEDS_TOGETHER:
        pytest.skip("one generator for all lanes")

    first = play(environment, SEEDS)
    second = play(environment, [99, *SEEDS[1:]])

    assert not np.array_equal(first[0][0][0], second[0][0][0])
    for (shown, _, one), (shown_again, _, other) in zip(first, second, strict=True):
        assert np.array_equal(shown[1:], shown_again[1:])
        assert np.array_equal(one.next_observation[1:], other.next_observation[1:])


def test_spaces_are_known_without_lanes_to_spare(engine, environment):
    settings = ENGINES[engine]

    assert read_spaces(settings) == (environment.observation_space, environment.action_space)
    assert lanes_per_environment(settings) == 1
