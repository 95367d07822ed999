"""Judged episodes begin as they say, count once, and are those of single environments."""

import gymnasium
import numpy as np
import pytest

from heronry.environments.settings import EnvironmentSettings
from heronry.fleet.core.evaluation import evaluate_policy, lanes_side_by_side
from heronry.fleet.core.judged_episodes import CartPoleEpisodes, SingleEpisodes, make_episodes
from heronry.maths.networks import Layers, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import AbortedError, EnvironmentNotFoundError, InvalidArgumentError, SchemaMismatchError

CARTPOLE = EnvironmentSettings("CartPole-v1")
COUNTING = EnvironmentSettings("counting_environments:CountingEnvironment", isolation="none")
NETWORK = {"hidden": [8], "activation": "tanh"}


def cartpole_tensors(scale=1.0):
    spec = network_for("ppo", Layers((8,)), ObservationSpace((4,)), ActionSpace("discrete", num_actions=2))
    rng = np.random.default_rng(0)
    return {name: (scale * rng.normal(size=shape)).astype(np.float32) for name, shape in spec.shapes().items()}


def counting_tensors():
    return network_for("dqn", Layers((8,)), ObservationSpace((3,)), ActionSpace("discrete", num_actions=3)).init(
        np.random.default_rng(0)
    )


def test_greedy_episodes_equal_those_of_single_environments_played_one_by_one():
    tensors = cartpole_tensors()

    results = evaluate_policy(CARTPOLE, NETWORK, tensors, 12, 1_000)

    hidden = tensors["policy/0/weight"], tensors["policy/0/bias"]
    head = tensors["policy/head/weight"], tensors["policy/head/bias"]
    single = gymnasium.make("CartPole-v1")
    for episode in range(12):
        observation, _ = single.reset(seed=1_000 + episode)
        total, length, has_ended = 0.0, 0, False
        while not has_ended:
            logits = head[0] @ np.tanh(hidden[0] @ observation + hidden[1]) + head[1]
            observation, reward, terminated, truncated, _ = single.step(int(np.argmax(logits)))
            total, length, has_ended = total + reward, length + 1, terminated or truncated
        assert (results.returns[episode], results.lengths[episode]) == (total, length)


def test_the_vectorised_cartpole_is_bit_for_bit_the_single_one():
    seeds = range(50, 58)
    fast, slow = (
        make_episodes(CARTPOLE, 8),
        SingleEpisodes([gymnasium.make("CartPole-v1") for _ in seeds], "CartPole-v1"),
    )
    assert isinstance(fast, CartPoleEpisodes)

    shown, expected = fast.begin(seeds), slow.begin(seeds)
    is_live = np.ones(8, np.bool_)
    for step in range(60):
        assert np.array_equal(shown[is_live], expected[is_live])
        actions = ((shown[:, 2] + shown[:, 3] * (step % 3)) > 0).astype(np.int64)
        actions[:4] = 1
        (shown, reward, ended), (expected, slow_reward, slow_ended) = fast.step(actions), slow.step(actions)
        assert np.array_equal(ended[is_live], slow_ended[is_live])
        assert np.array_equal(reward[is_live], slow_reward[is_live])
        is_live &= ~ended
    assert not is_live.all()


def test_other_environments_have_a_lane_each():
    assert isinstance(make_episodes(COUNTING, 3), SingleEpisodes)
    assert isinstance(
        make_episodes(EnvironmentSettings("CartPole-v1", {"disable_env_checker": False}), 2), SingleEpisodes
    )


def test_each_environment_counts_its_first_episode_only():
    tensors = counting_tensors()
    tensors["q/head/weight"][:] = 0.0
    tensors["q/head/bias"][:] = [0.0, 1.0, 0.0]

    results = evaluate_policy(COUNTING, NETWORK, tensors, 5, 0, algorithm="dqn")

    # Episode 0 of seed s lasts 2 + s % 5 steps and rewards step + 0.1 for action 1.
    assert results.lengths == (2, 3, 4, 5, 6)
    expected = [sum(range(1, n + 1)) + 0.1 * n for n in results.lengths]
    np.testing.assert_allclose(results.returns, expected)


def test_more_episodes_than_lanes_are_played_in_waves():
    results = evaluate_policy(COUNTING, NETWORK, counting_tensors(), 200, 3, algorithm="dqn")

    assert results.lengths == tuple(2 + (3 + i) % 5 for i in range(200))


@pytest.mark.parametrize("engine", ["native", "gymnasium"])
def test_a_wave_leaves_no_trace_in_the_next(engine):
    environment, tensors = EnvironmentSettings("CartPole-v1", engine=engine), cartpole_tensors()

    waves = evaluate_policy(environment, NETWORK, tensors, 129, 100)

    parts = [evaluate_policy(environment, NETWORK, tensors, n, 100 + first) for first, n in ((0, 65), (65, 64))]
    assert waves.returns == parts[0].returns + parts[1].returns


@pytest.mark.parametrize(
    ("command", "num_episodes", "num_lanes"),
    [((), 100, 100), ((), 129, 65), ((), 1, 1), (("sim",), 100, 15), (("sim",), 3, 3)],
)
def test_lanes_are_shared_out_over_waves_and_few_simulators_run_at_a_time(command, num_episodes, num_lanes):
    assert lanes_side_by_side(EnvironmentSettings("any", command=command), num_episodes) == num_lanes


def test_an_episode_depends_on_its_own_seed_alone():
    tensors = cartpole_tensors()

    together = evaluate_policy(CARTPOLE, NETWORK, tensors, 10, 100)
    alone = [evaluate_policy(CARTPOLE, NETWORK, tensors, 1, 100 + i).returns[0] for i in range(10)]

    assert list(together.returns) == alone


def test_sampled_episodes_repeat_with_their_seed_and_differ_from_greedy_ones():
    tensors = cartpole_tensors(scale=0.1)

    sampled = [evaluate_policy(CARTPOLE, NETWORK, tensors, 20, 7, greedy=False) for _ in range(2)]

    assert sampled[0] == sampled[1]
    assert sampled[0] != evaluate_policy(CARTPOLE, NETWORK, tensors, 20, 7)


@pytest.mark.parametrize(
    ("num_episodes", "seed", "field"), [(0, 0, "num_episodes"), (10_001, 0, "num_episodes"), (1, -1, "seed")]
)
def test_numbers_outside_their_range_are_refused(num_episodes, seed, field):
    with pytest.raises(InvalidArgumentError, match=f"^{field}: got"):
        evaluate_policy(CARTPOLE, NETWORK, cartpole_tensors(), num_episodes, seed)


def test_weights_of_another_environment_are_refused():
    with pytest.raises(SchemaMismatchError, match="policy/0/weight"):
        evaluate_policy(EnvironmentSettings("Acrobot-v1"), NETWORK, cartpole_tensors(), 1, 0)


def test_an_unknown_environment_is_refused():
    with pytest.raises(EnvironmentNotFoundError):
        evaluate_policy(EnvironmentSettings("NoSuchThing-v0"), NETWORK, cartpole_tensors(), 1, 0)


def test_an_evaluation_that_may_not_go_on_ends():
    asked = iter([True, True, False])

    with pytest.raises(AbortedError, match="given up"):
        evaluate_policy(CARTPOLE, NETWORK, cartpole_tensors(), 5, 0, may_go_on=lambda: next(asked))
