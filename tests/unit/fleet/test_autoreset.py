"""The invariants of a step, for every engine and autoreset mode, against single environments stepped one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.environments.autoreset import AutoresettingEnvironment
from heronry.environments.making import make_environment, make_single
from heronry.environments.settings import EnvironmentSettings
from heronry.types.errors import InvalidArgumentError

MODES = ["NEXT_STEP", "SAME_STEP", "DISABLED"]
ENGINES = [*MODES, "SINGLE"]
COUNTING = EnvironmentSettings("counting_environments:CountingEnvironment", isolation="none")


def make(engine, num_envs):
    if engine == "SINGLE":
        return make_environment(COUNTING, num_envs)
    vector = EnvironmentSettings("counting_environments:counting_vector", {"mode": engine}, isolation="none")
    return make_environment(vector, num_envs)


def play(environment, seeds, actions):
    """Return the rows of each lane: observation, action, reward, terminated, truncated, next_observation, mask."""
    lanes = [[] for _ in seeds]
    observation = environment.reset(seeds)
    for row in actions:
        step = environment.step(row)
        for lane, rows in enumerate(lanes):
            figures = step.reward[lane], step.terminated[lane], step.truncated[lane]
            successor = step.next_observation[lane].copy()
            rows.append((observation[lane].copy(), row[lane], *figures, successor, step.mask[lane]))
        observation = step.observation
    return lanes


def check_against_a_single_environment(rows, seed):
    """Replay a lane's valid rows: each must say what a single environment says."""
    single = make_single(COUNTING)
    shown, _ = single.reset(seed=seed)
    for observation, action, reward, terminated, truncated, successor, _ in (r for r in rows if r[-1]):
        assert observation.tolist() == shown.tolist()
        shown, *expected, _ = single.step(action)
        assert [reward, terminated, truncated] == [np.float32(expected[0]), *expected[1:]]
        assert successor.tolist() == shown.tolist()
        if terminated or truncated:
            shown, _ = single.reset()


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=25)
@given(data=st.data())
def test_every_row_that_counts_is_a_transition_of_a_single_environment(engine, data):
    num_envs = data.draw(st.integers(1, 3))
    num_steps = data.draw(st.integers(1, 30))
    seeds = data.draw(st.lists(st.integers(0, 99), min_size=num_envs, max_size=num_envs))
    actions = np.random.default_rng(0).integers(3, size=(num_steps, num_envs))

    lanes = play(make(engine, num_envs), seeds, actions)

    for rows, seed in zip(lanes, seeds, strict=True):
        check_against_a_single_environment(rows, seed)


@pytest.mark.parametrize("engine", ENGINES)
def test_only_the_row_after_an_end_in_next_step_mode_does_not_count(engine):
    lanes = play(make(engine, 2), [1, 3], np.zeros((25, 2), np.int64))

    for rows in lanes:
        followed_an_end = [False, *(bool(r[3] or r[4]) for r in rows[:-1])]
        expected = [not (engine == "NEXT_STEP" and after) for after in followed_an_end]
        assert [bool(r[-1]) for r in rows] == expected
        # Both kinds of end were met, in the middle of the block.
        assert any(r[3] for r in rows)
        assert any(r[4] for r in rows)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_row_that_does_not_count_has_no_end(engine):
    lanes = play(make(engine, 2), [1, 3], np.zeros((25, 2), np.int64))

    assert not any(r[3] or r[4] for rows in lanes for r in rows if not r[-1])


@pytest.mark.parametrize("engine", ENGINES)
def test_the_successor_of_a_final_step_is_the_final_observation(engine):
    # Seed 0, episode 0 lasts two steps; episode 1, truncated, 2 + 3 % 5 = 5 steps.
    rows = play(make(engine, 1), [0], np.zeros((12, 1), np.int64))[0]

    ends = [r for r in rows if r[3] or r[4]]

    assert ends[0][5].tolist() == [0, 0, 2]
    assert ends[0][3]
    assert ends[1][5].tolist() == [0, 1, 5]
    assert ends[1][4]
    assert not ends[1][3]


@pytest.mark.parametrize("name", ["BufferEnvironment", "buffer_vector"])
def test_a_final_observation_outlives_the_reset_of_an_environment_that_shows_one_buffer(name):
    environment = make_environment(EnvironmentSettings(f"counting_environments:{name}", isolation="none"), 1)

    rows = play(environment, [0], np.zeros((12, 1), np.int64))[0]

    assert [r[5].tolist() for r in rows if r[3] or r[4]] == [[0, 0, 2], [0, 1, 5], [0, 2, 3]]


@pytest.mark.parametrize("engine", ENGINES)
def test_double_precision_is_stored_as_single(engine):
    environment = make(engine, 2)

    first = environment.reset([1, 2])
    step = environment.step(np.zeros(2, np.int64))

    assert environment.observation_space.element_type == "float32"
    assert first.dtype == step.observation.dtype == step.next_observation.dtype == np.float32
    assert step.reward.dtype == np.float32


@pytest.mark.parametrize("engine", ENGINES)
def test_a_second_reset_begins_the_same_episodes(engine):
    environment = make(engine, 2)
    actions = np.zeros((9, 2), np.int64)

    first = play(environment, [4, 5], actions)
    second = play(environment, [4, 5], actions)

    assert [[r[2] for r in rows] for rows in first] == [[r[2] for r in rows] for rows in second]


def test_an_engine_that_does_not_say_its_mode_is_refused(counting_module):
    engine = counting_module.counting_vector(1)
    engine.metadata = {}

    with pytest.raises(InvalidArgumentError, match="NEXT_STEP, SAME_STEP, DISABLED"):
        AutoresettingEnvironment(engine)
