"""Samplers: their distributions, their log-probabilities, their determinism."""

import numpy as np
import pytest

from heronry.maths.policies import (
    CategoricalSampler,
    EpsilonGreedySampler,
    GaussianSampler,
    GreedySampler,
    acting_head,
    categorical_log_probabilities,
    sampler_for,
)
from heronry.maths.spaces import ActionSpace
from heronry.types.errors import InvalidArgumentError

BOX = ActionSpace("box", shape=(2,), low=(-1.0, -1.0), high=(1.0, 1.0))


def unroll(sampler, outputs, rng, shape=()):
    """Sample an unroll whose every step sees the same outputs [N, n]."""
    num_steps, num_lanes = 400, len(outputs)
    dtype = np.float32 if shape else np.int64
    actions = np.empty((num_steps, num_lanes, *shape), dtype)
    sampler.begin(num_steps, num_lanes, sampler.draw(num_steps, num_lanes, rng))
    for step in range(num_steps):
        sampler.choose(step, outputs, actions[step])
    return actions


def chi_squared(actions, probabilities):
    expected = len(actions) * probabilities
    observed = np.bincount(actions, minlength=len(probabilities))
    return float(np.sum((observed - expected) ** 2 / expected))


def test_categorical_actions_have_the_probabilities_of_the_softmax():
    logits = np.array([[0.0, 1.0, -1.0, 2.0]] * 25, np.float32)
    probabilities = np.exp(logits[0]) / np.exp(logits[0]).sum()

    actions = unroll(CategoricalSampler(4), logits, np.random.default_rng(0))

    # Three degrees of freedom: above 21.1 once in 10,000 seeds.
    assert chi_squared(actions.reshape(-1), probabilities) < 21.1


def test_categorical_log_probabilities_are_those_of_the_softmax():
    rng = np.random.default_rng(1)
    logits = rng.normal(scale=30.0, size=(5, 3, 4)).astype(np.float32)
    actions = rng.integers(4, size=(5, 3))

    values = categorical_log_probabilities(logits, actions)

    exact = logits.astype(np.float64)
    normaliser = np.log(np.exp(exact - exact.max(-1, keepdims=True)).sum(-1)) + exact.max(-1)
    expected = np.take_along_axis(exact, actions[..., None], -1)[..., 0] - normaliser
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5)
    assert values.dtype == np.float32


def test_a_sampler_returns_the_log_probabilities_of_the_actions_it_chose():
    logits = np.array([[0.0, 1.0], [3.0, -2.0]], np.float32)
    sampler = CategoricalSampler(2)

    actions = unroll(sampler, logits, np.random.default_rng(2))

    table = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = np.stack([table[lane, actions[:, lane]] for lane in range(2)], axis=1)
    np.testing.assert_allclose(sampler.log_probabilities(), expected, rtol=1e-5, atol=1e-6)


def test_gaussian_actions_have_mean_and_deviation_of_the_policy():
    means = np.array([[1.0, -2.0]] * 25, np.float32)
    sampler = GaussianSampler(2)
    sampler.load(np.log(np.array([0.5, 2.0], np.float32)))

    actions = unroll(sampler, means, np.random.default_rng(3), shape=(2,)).reshape(-1, 2)

    # 10,000 draws: four standard errors of mean and deviation, exceeded once in 4,000 seeds.
    np.testing.assert_allclose(actions.mean(0), [1.0, -2.0], atol=4 * 2.0 / 100)
    np.testing.assert_allclose(actions.std(0), [0.5, 2.0], rtol=4 / np.sqrt(20_000))


def test_gaussian_log_probabilities_are_those_of_the_normal_density():
    means = np.array([[1.0, -2.0]], np.float32)
    std = np.array([0.5, 2.0])
    sampler = GaussianSampler(2)
    sampler.load(np.log(std).astype(np.float32))

    actions = unroll(sampler, means, np.random.default_rng(4), shape=(2,))

    standardised = (actions.astype(np.float64) - means) / std
    expected = (-0.5 * standardised**2 - np.log(std) - 0.5 * np.log(2 * np.pi)).sum(-1)
    np.testing.assert_allclose(sampler.log_probabilities(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(), (2, 1)])
def test_gaussian_actions_take_the_shape_of_the_space(shape):
    size = int(np.prod(shape))
    sampler = GaussianSampler(size)
    actions = np.zeros((3, *shape), np.float32)
    sampler.begin(1, 3, sampler.draw(1, 3, np.random.default_rng(5)))

    sampler.choose(0, np.full((3, size), 10.0, np.float32), actions)

    assert actions.shape == (3, *shape)
    assert np.all(actions > 3.0)


def test_without_epsilon_the_highest_value_is_taken():
    values = np.array([[0.0, 2.0, 1.0], [5.0, 2.0, 1.0]], np.float32)

    actions = unroll(EpsilonGreedySampler(3, 0.0), values, np.random.default_rng(6))

    assert np.all(actions == [1, 0])


def test_epsilon_spreads_its_share_over_all_actions():
    values = np.array([[0.0, 2.0, 1.0]] * 25, np.float32)

    actions = unroll(EpsilonGreedySampler(3, 0.3), values, np.random.default_rng(7))

    # Two degrees of freedom: above 18.4 once in 10,000 seeds.
    assert chi_squared(actions.reshape(-1), np.array([0.1, 0.8, 0.1])) < 18.4


def test_greedy_takes_the_likeliest_action_or_the_mean():
    discrete = np.empty(2, np.int64)
    continuous = np.empty((1, 2), np.float32)

    GreedySampler(ActionSpace("discrete", num_actions=2)).choose(
        0, np.array([[0.0, 1.0], [1.0, 0.0]], np.float32), discrete
    )
    GreedySampler(BOX).choose(0, np.array([[0.25, -0.5]], np.float32), continuous)

    assert discrete.tolist() == [1, 0]
    assert continuous.tolist() == [[0.25, -0.5]]


@pytest.mark.parametrize("sampler", [CategoricalSampler(3), EpsilonGreedySampler(3, 0.5)])
def test_the_same_generator_state_gives_the_same_actions(sampler):
    outputs = np.zeros((4, 3), np.float32)

    first, second = (unroll(sampler, outputs, np.random.default_rng(8)) for _ in range(2))

    assert np.array_equal(first, second)


def test_only_policies_with_a_distribution_report_log_probabilities():
    assert EpsilonGreedySampler(2, 0.1).log_probabilities() is None
    assert GreedySampler(BOX).log_probabilities() is None


def test_the_acting_head_is_the_policy_or_the_action_values():
    assert [acting_head(name) for name in ("ppo", "external", "dqn")] == ["policy", "policy", "q"]
    with pytest.raises(InvalidArgumentError, match="allowed: ppo, external, dqn"):
        acting_head("sarsa")


def masked_unroll(sampler, outputs, mask, rng, shape=()):
    """Sample an unroll whose every step sees the same outputs [N, n] and mask."""
    actions = np.empty((200, len(outputs), *shape), np.int64)
    sampler.begin(200, len(outputs), sampler.draw(200, len(outputs), rng))
    for step in range(200):
        sampler.choose(step, outputs, actions[step], mask)
    return actions


@pytest.mark.parametrize("num_choices", [3, 7, 8, 12])
def test_log_probabilities_of_few_and_of_many_choices_are_those_of_the_softmax(num_choices):
    rng = np.random.default_rng(9)
    logits = rng.normal(size=(4, 5, num_choices)).astype(np.float32)
    actions = rng.integers(num_choices, size=(4, 5))

    values = categorical_log_probabilities(logits, actions)

    exact = logits.astype(np.float64)
    exact -= np.log(np.exp(exact).sum(-1, keepdims=True))
    np.testing.assert_allclose(values, np.take_along_axis(exact, actions[..., None], -1)[..., 0], atol=1e-5)


def test_the_logits_that_are_asked_about_stay_as_they_are():
    logits = np.array([[1.0, 2.0, 3.0]], np.float32)

    categorical_log_probabilities(logits, np.array([1]))

    assert logits.tolist() == [[1.0, 2.0, 3.0]]


def test_several_choices_are_drawn_each_by_itself_and_their_log_probabilities_summed():
    logits = np.tile(np.array([[0.0, 1.0, 2.0, -1.0, 0.5]], np.float32), (25, 1))
    sampler = sampler_for("ppo", ActionSpace.of_choices((2, 3)))

    actions = unroll(sampler, logits, np.random.default_rng(10), shape=(2,)).astype(np.int64)

    tables = [np.exp(part) / np.exp(part).sum() for part in (logits[0, :2], logits[0, 2:])]
    # One and two degrees of freedom: above 15.1 and 18.4 once in 10,000 seeds each.
    assert chi_squared(actions[..., 0].reshape(-1), tables[0]) < 15.1
    assert chi_squared(actions[..., 1].reshape(-1), tables[1]) < 18.4
    expected = sum(np.log(table)[actions[..., i]] for i, table in enumerate(tables))
    np.testing.assert_allclose(sampler.log_probabilities(), expected, atol=1e-5)


def test_what_a_mask_excludes_is_never_drawn_and_has_no_probability():
    logits = np.array([[9.0, 0.0, 1.0]] * 50, np.float32)
    mask = np.array([[False, True, True]] * 50)
    sampler = CategoricalSampler(3)

    actions = masked_unroll(sampler, logits, mask, np.random.default_rng(11))

    probabilities = np.exp([0.0, 1.0]) / np.exp([0.0, 1.0]).sum()
    # One degree of freedom: above 15.1 once in 10,000 seeds.
    assert chi_squared(actions.reshape(-1) - 1, probabilities) < 15.1
    np.testing.assert_allclose(sampler.log_probabilities(), np.log(probabilities)[actions - 1], atol=1e-5)


def test_a_lane_that_may_only_wait_does_so_with_certainty():
    sampler = CategoricalSampler(3)

    actions = masked_unroll(
        sampler, np.zeros((2, 3), np.float32), np.array([[1, 0, 0]] * 2, bool), np.random.default_rng(0)
    )

    assert np.all(actions == 0)
    assert np.all(sampler.log_probabilities() == 0.0)


def test_exploration_spreads_over_what_a_mask_allows():
    mask = np.array([[False, True, False, True, True]] * 50)
    sampler = EpsilonGreedySampler(5, 1.0, is_masked=True)

    actions = masked_unroll(sampler, np.zeros((50, 5), np.float32), mask, np.random.default_rng(12)).reshape(-1)

    assert set(actions) == {1, 3, 4}
    # Two degrees of freedom: above 18.4 once in 10,000 seeds.
    assert chi_squared(np.searchsorted([1, 3, 4], actions), np.full(3, 1 / 3)) < 18.4


def test_greedy_takes_the_best_of_what_a_mask_allows_in_each_component():
    outputs = np.array([[3.0, 1.0, 0.0, 5.0, 4.0]], np.float32)
    mask = np.array([[False, True, True, False, True]])
    actions = np.empty((1, 2), np.int64)

    GreedySampler(ActionSpace.of_choices((2, 3))).choose(0, outputs, actions, mask)

    assert actions.tolist() == [[1, 2]]


@pytest.mark.parametrize("sampler", [CategoricalSampler(2), EpsilonGreedySampler(2, 0.0, is_masked=True)])
def test_a_lane_with_nothing_to_choose_is_named(sampler):
    sampler.begin(1, 3, sampler.draw(1, 3, np.random.default_rng(0)))
    mask = np.array([[True, False], [True, True], [False, False]])

    with pytest.raises(InvalidArgumentError, match=r"action_mask\[2\]: got \[False, False\].*lane 2"):
        sampler.choose(0, np.zeros((3, 2), np.float32), np.empty(3, np.int64), mask)


def test_a_component_with_nothing_to_choose_is_named():
    sampler = CategoricalSampler(2, 2)
    sampler.begin(1, 1, sampler.draw(1, 1, np.random.default_rng(0)))
    mask = np.array([[True, True, False, False]])

    with pytest.raises(InvalidArgumentError, match=r"action_mask\[0\]\.1"):
        sampler.choose(0, np.zeros((1, 4), np.float32), np.empty((1, 2), np.int64), mask)
