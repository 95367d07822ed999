"""Return estimators against closed forms and against the definitions, summed term by term."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.maths.returns import (
    Steps,
    bootstrapped_returns,
    generalized_advantages,
    lambda_returns,
    n_step_returns,
    v_trace,
    window_returns,
)

GAMMA, LAMBDA = 0.9, 0.7


def column(*values):
    return np.array(values, np.float32)[:, None]


def flags(*values):
    return np.array(values, bool)[:, None]


def steps(rewards, terminated=None, truncated=None, mask=None, discount=GAMMA):
    none = np.zeros(rewards.shape, bool)
    return Steps(
        rewards, none if terminated is None else terminated, none if truncated is None else truncated, discount, mask
    )


def random_unroll(seed, num_steps=9, batch=4):
    """Rewards, values, successors' values, ends; some successors differ from the next row's value."""
    rng = np.random.default_rng(seed)
    rewards, values, final = (rng.normal(size=(num_steps, batch)).astype(np.float32) for _ in range(3))
    kind = rng.integers(0, 6, size=(num_steps, batch))
    terminated, truncated = kind == 0, kind == 1
    next_values = np.concatenate([values[1:], final[:1]])
    next_values = np.where(terminated | truncated, final, next_values).astype(np.float32)
    return Steps(rewards, terminated, truncated, GAMMA), values, next_values, rng


def errors(unroll, values, next_values):
    return unroll.rewards + GAMMA * (1 - unroll.terminated) * next_values - values


def reference_sum(unroll, deltas, factor):
    """Sum_l (product of factors) delta_{t+l}, up to the episode's end, in float64."""
    num_steps, batch = deltas.shape
    result = np.zeros((num_steps, batch))
    for t in range(num_steps):
        for b in range(batch):
            weight = 1.0
            for k in range(t, num_steps):
                result[t, b] += weight * deltas[k, b]
                if unroll.terminated[k, b] or unroll.truncated[k, b]:
                    break
                weight *= GAMMA * factor[k, b]
    return result


def test_gae_of_a_constant_reward_without_values_is_a_geometric_series() -> None:
    unroll = steps(np.ones((5, 1), np.float32))
    zeros = np.zeros((5, 1), np.float32)

    advantages = generalized_advantages(unroll, zeros, zeros, LAMBDA)

    q = GAMMA * LAMBDA
    assert advantages[:, 0] == pytest.approx([(1 - q ** (5 - t)) / (1 - q) for t in range(5)], abs=1e-5)


def test_gae_bootstraps_from_the_final_observation_at_a_truncation_in_mid_batch() -> None:
    unroll = steps(column(1, 2, 4), truncated=flags(False, True, False))
    values, next_values = column(10, 20, 30), column(20, 7, 40)

    advantages = generalized_advantages(unroll, values, next_values, LAMBDA)

    second = 2 + GAMMA * 7 - 20  # the chain is cut, the value of the final observation stays
    first = 1 + GAMMA * 20 - 10 + GAMMA * LAMBDA * second
    assert advantages[:, 0] == pytest.approx([first, second, 4 + GAMMA * 40 - 30], abs=1e-5)


def test_gae_takes_no_value_after_a_termination() -> None:
    unroll = steps(column(1, 2), terminated=flags(True, False))

    advantages = generalized_advantages(unroll, column(10, 20), column(999, 5), LAMBDA)

    assert advantages[:, 0] == pytest.approx([1 - 10, 2 + GAMMA * 5 - 20], abs=1e-5)


def test_a_reset_row_gets_nothing_and_passes_nothing_on() -> None:
    unroll = steps(column(1, 100, 3), terminated=flags(True, False, False), mask=flags(True, False, True))

    advantages = generalized_advantages(unroll, column(5, 6, 7), column(0, 8, 9), LAMBDA)

    assert advantages[:, 0] == pytest.approx([1 - 5, 0, 3 + GAMMA * 9 - 7], abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_gae_equals_its_definition(seed: int) -> None:
    unroll, values, next_values, _ = random_unroll(seed)

    advantages = generalized_advantages(unroll, values, next_values, LAMBDA)

    expected = reference_sum(unroll, errors(unroll, values, next_values), np.full(values.shape, LAMBDA))
    np.testing.assert_allclose(advantages, expected, atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_advantages_plus_values_are_the_lambda_returns(seed: int) -> None:
    unroll, values, next_values, _ = random_unroll(seed)
    # Inside an episode both must see the same value of a state: that of the next row.
    advantages = generalized_advantages(unroll, values, next_values, LAMBDA)

    returns = lambda_returns(unroll, next_values, LAMBDA)

    np.testing.assert_allclose(advantages + values, returns, atol=1e-5)


def test_lambda_zero_is_one_step_and_lambda_one_reaches_the_end() -> None:
    unroll, values, next_values, _ = random_unroll(3)
    one_step = unroll.rewards + GAMMA * (1 - unroll.terminated) * next_values

    np.testing.assert_allclose(lambda_returns(unroll, next_values, 0.0), one_step, atol=1e-6)
    whole = reference_sum(unroll, errors(unroll, values, next_values), np.ones(values.shape)) + values
    np.testing.assert_allclose(bootstrapped_returns(unroll, next_values), whole, atol=1e-5)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_n_step_returns_stop_with_the_true_number_of_steps(seed: int, num_steps: int) -> None:
    unroll, _, next_values, _ = random_unroll(seed)

    returns = n_step_returns(unroll, next_values, num_steps)

    rows, batch = returns.shape
    for t in range(rows):
        for b in range(batch):
            total, power = 0.0, 1.0
            for k in range(t, min(t + num_steps, rows)):
                total += power * unroll.rewards[k, b]
                power *= GAMMA
                if unroll.terminated[k, b] or unroll.truncated[k, b]:
                    break
            bootstrap = 0.0 if unroll.terminated[k, b] else power * next_values[k, b]
            assert returns[t, b] == pytest.approx(total + bootstrap, abs=1e-5)


def test_a_window_stops_at_its_first_episode_end() -> None:
    rewards = np.array([[1, 1, 1], [2, 2, 2], [4, 4, 4]], np.float32)
    terminated = np.array([[False, False, False], [False, True, False], [False, False, True]])
    truncated = np.array([[True, False, False], [False, False, False], [False, False, False]])

    windows = window_returns(Steps(rewards, terminated, truncated, GAMMA))

    assert windows.last.tolist() == [0, 1, 2]
    assert windows.rewards == pytest.approx([1, 1 + GAMMA * 2, 1 + GAMMA * 2 + GAMMA**2 * 4], abs=1e-5)
    assert windows.discounts == pytest.approx([GAMMA, 0, 0], abs=1e-6)


def test_a_window_within_one_episode_uses_all_its_steps() -> None:
    windows = window_returns(steps(np.ones((4, 1), np.float32)))

    assert windows.rewards[0] == pytest.approx((1 - GAMMA**4) / (1 - GAMMA), abs=1e-5)
    assert windows.discounts[0] == pytest.approx(GAMMA**4, abs=1e-6)


def test_v_trace_with_equal_policies_is_the_n_step_return() -> None:
    unroll, values, next_values, _ = random_unroll(11)

    trace = v_trace(unroll, values, next_values, np.zeros_like(values))

    np.testing.assert_allclose(trace.returns, bootstrapped_returns(unroll, next_values), atol=1e-5)


def test_v_trace_clips_target_over_behaviour_not_the_reverse() -> None:
    # One step, π/μ = 1/4: the correction is a quarter of the error. The reverse ratio would clip to 1.
    unroll = steps(column(3))
    trace = v_trace(unroll, column(1), column(2), np.log(column(0.25)))

    error = 3 + GAMMA * 2 - 1
    assert trace.returns[0, 0] == pytest.approx(1 + 0.25 * error, abs=1e-5)
    assert trace.advantages[0, 0] == pytest.approx(0.25 * error, abs=1e-5)

    # π/μ = 4 is clipped to ρ̄ = 1.
    clipped = v_trace(unroll, column(1), column(2), np.log(column(4.0)))
    assert clipped.advantages[0, 0] == pytest.approx(error, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_v_trace_equals_its_definition_for_other_behaviour(seed: int) -> None:
    unroll, values, next_values, rng = random_unroll(seed)
    log_ratios = rng.normal(size=values.shape).astype(np.float32)

    trace = v_trace(unroll, values, next_values, log_ratios, trace_lambda=0.95, max_rho=1.2, max_c=0.8)

    ratios = np.exp(log_ratios.astype(np.float64))
    rhos, cs = np.minimum(1.2, ratios), 0.95 * np.minimum(0.8, ratios)
    returns = values + reference_sum(unroll, rhos * errors(unroll, values, next_values), cs)
    np.testing.assert_allclose(trace.returns, returns, atol=1e-5)
    ended = unroll.terminated | unroll.truncated
    following = next_values.astype(np.float64)
    following[:-1] = np.where(ended[:-1], next_values[:-1], returns[1:])
    advantages = rhos * (unroll.rewards + GAMMA * (1 - unroll.terminated) * following - values)
    np.testing.assert_allclose(trace.advantages, advantages, atol=1e-5)
