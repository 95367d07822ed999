"""Losses and importance weights against closed forms."""

import numpy as np
import pytest

from heronry.maths import losses
from heronry.maths.importance import annealed, importance_weights


def test_log_softmax_of_equal_logits_is_minus_log_of_their_number() -> None:
    assert losses.log_softmax(np.full((2, 4), 1e4)) == pytest.approx(np.full((2, 4), -np.log(4)))


def test_entropy_of_a_uniform_choice_is_the_log_of_their_number() -> None:
    assert losses.categorical_entropy(np.zeros((1, 5))) == pytest.approx([np.log(5)])


def test_gaussian_log_probability_sums_over_components() -> None:
    means, log_std, actions = np.zeros((1, 2)), np.log(np.array([1.0, 2.0])), np.array([[1.0, 2.0]])

    expected = -0.5 - 0.5 * np.log(2 * np.pi) + (-0.5 - np.log(2) - 0.5 * np.log(2 * np.pi))
    assert losses.gaussian_log_probability(means, log_std, actions) == pytest.approx([expected])
    assert losses.gaussian_entropy(np.zeros(1)) == pytest.approx(0.5 * np.log(2 * np.pi * np.e))


def test_the_surrogate_gains_nothing_beyond_the_clip() -> None:
    log_ratios = np.log(np.array([1.5, 0.5, 1.5, 0.5]))

    surrogate = losses.clipped_surrogate(log_ratios, np.array([1.0, 1.0, -1.0, -1.0]), clip=0.2)

    assert surrogate == pytest.approx([1.2, 0.5, -1.5, -0.8])


def test_one_advantage_is_not_normalised() -> None:
    assert losses.normalize(np.array([3.0])) == pytest.approx([3.0])
    assert losses.normalize(np.array([1.0, 3.0])) == pytest.approx([-(0.5**0.5), 0.5**0.5], abs=1e-6)


def test_approximate_kl_is_zero_for_equal_policies_and_positive_else() -> None:
    assert losses.approximate_kl(np.zeros(3)) == 0.0
    assert losses.approximate_kl(np.log(np.array([2.0]))) == pytest.approx(1 - np.log(2))


def test_ppo_loss_adds_its_terms() -> None:
    coefficients = losses.PpoCoefficients(clip=0.2, value=0.5, entropy=0.1)

    loss = losses.ppo_loss(
        np.zeros(2), np.array([1.0, 3.0]), np.array([0.0, 0.0]), np.array([2.0, 4.0]), np.array([0.7]), coefficients
    )

    assert loss == pytest.approx(-2.0 + 0.5 * 10.0 - 0.1 * 0.7)


def test_huber_is_quadratic_within_one_and_linear_beyond() -> None:
    assert losses.huber(np.array([0.5, -3.0])) == pytest.approx([0.125, 2.5])


def test_the_online_network_chooses_and_the_target_network_values() -> None:
    next_online, next_target = np.array([[1.0, 2.0]]), np.array([[10.0, 5.0]])

    assert losses.double_q_targets(np.array([1.0]), np.array([0.5]), next_online, next_target) == pytest.approx([3.5])
    single = losses.double_q_targets(np.array([1.0]), np.array([0.5]), next_online, next_target, double=False)
    assert single == pytest.approx([6.0])


def test_importance_weights_are_relative_to_the_rarest_item() -> None:
    probabilities, size, beta = np.array([0.5, 0.25, 0.1]), 10, 0.5

    weights = importance_weights(probabilities, size, beta)

    raw = (size * probabilities) ** -beta
    assert weights == pytest.approx(raw / raw.max(), abs=1e-5)
    assert importance_weights(probabilities, size, 0.0) == pytest.approx([1, 1, 1])


def test_annealing_stays_between_its_ends() -> None:
    assert [annealed(0.4, 1.0, f) for f in (-1.0, 0.0, 0.5, 1.0, 2.0)] == pytest.approx([0.4, 0.4, 0.7, 1.0, 1.0])
