"""The audit in one run over mechanisms whose privacy is known."""

import random

import numpy as np
import pytest

from heronry.privacy.accounting import gaussian_epsilon
from heronry.privacy.audit import OneRunAudit, audit_in_one_run, matched_filter, noise_rows, scores_of
from heronry.privacy.factorisation import BandedToeplitz, Strategy, TreeAggregation, fit_buffers
from heronry.types.errors import InvalidArgumentError


def gaussian(noise: float, seed: int = 3):
    """Return the Gaussian mechanism over one-hot canaries of norm 1: each is seen in a coordinate of its own."""
    rng = np.random.default_rng(seed)
    return lambda included: included + noise * rng.standard_normal(len(included))


def test_a_release_without_noise_gets_the_most_that_a_hundred_guesses_can() -> None:
    result = audit_in_one_run(gaussian(0.0), 1000, 100, 1e-5, coins=random.Random(1))

    assert result.num_right == 100
    assert result.epsilon_bound == pytest.approx(3.4654, abs=5e-4)
    assert result.refutes(3.0)


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_the_gaussian_mechanism_is_not_refuted(noise: float) -> None:
    result = audit_in_one_run(gaussian(noise), 1000, 100, 1e-5, coins=random.Random(2))

    # The seed is fixed; another one would fail with a probability far below 5 %.
    assert not result.refutes(gaussian_epsilon(noise, 1, 1e-5))


def test_half_the_noise_of_many_releases_is_refuted() -> None:
    # Claimed: z = 4 (epsilon 0.98); there: z = 1.
    result = audit_in_one_run(gaussian(1.0), 1000, 100, 1e-5, coins=random.Random(4))

    assert result.refutes(gaussian_epsilon(4.0, 1, 1e-5))


def test_coins_are_fair_and_guesses_are_of_both_kinds() -> None:
    audit = OneRunAudit.toss(4000, 2, 1e-5, coins=random.Random(7))
    scores = np.zeros(4000)
    there, absent = np.flatnonzero(audit.included)[0], np.flatnonzero(~audit.included)[0]
    scores[there], scores[absent] = 1.0, -1.0

    # 4.5 standard deviations: one seed in 150,000 would fail.
    assert abs(int(audit.included.sum()) - 2000) <= 4.5 * np.sqrt(1000)
    assert audit.judged(scores).num_right == 2
    assert audit.judged(-scores).num_right == 0


STRATEGIES = [(BandedToeplitz(4), 3), (fit_buffers(2, 12, 3, 4), 3), (TreeAggregation(), 1)]


@pytest.mark.parametrize(("strategy", "num_participations"), STRATEGIES)
def test_the_filter_of_correlated_noise_sees_what_the_claim_says_and_no_more(
    strategy: Strategy, num_participations: int
) -> None:
    horizon = 12
    rows = noise_rows(strategy, horizon)
    participation = np.zeros(horizon)
    participation[: 4 * num_participations : 4] = 1.0

    weights = matched_filter(participation, rows)

    # Signal over noise of the best linear statistic: ||C x||, which the sensitivity bounds.
    signal = weights @ participation
    ratio = signal / np.linalg.norm(rows.T @ weights)
    assert ratio == pytest.approx(np.linalg.norm(np.linalg.solve(rows, participation)), rel=1e-9)
    assert ratio <= strategy.sensitivity(horizon, num_participations, 4) * (1 + 1e-9)


def test_noise_rows_are_the_inverse_of_the_strategy() -> None:
    coefficients = BandedToeplitz(3).coefficients(6)
    matrix = sum(np.diag(np.full(6 - k, coefficients[k]), -k) for k in range(6))

    np.testing.assert_allclose(noise_rows(BandedToeplitz(3), 6) @ matrix, np.eye(6), atol=1e-12)


def test_scores_add_each_canary_up_in_its_own_coordinate() -> None:
    releases, filters = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]), np.array([[1.0, 0.0], [1.0, 0.5]])

    np.testing.assert_array_equal(scores_of(releases, filters, np.array([2, 0])), [3.0, 6.0])


def test_what_cannot_be_judged_is_refused_by_name() -> None:
    with pytest.raises(InvalidArgumentError, match="delta"):
        OneRunAudit.toss(1000, 100, 1e-3, coins=random.Random(1))
    with pytest.raises(InvalidArgumentError, match="num_guesses"):
        OneRunAudit.toss(10, 11, 1e-5, coins=random.Random(1))
    audit = OneRunAudit.toss(4, 2, 1e-5, coins=random.Random(1))
    for scores in (np.zeros(3), np.array([0.0, 1.0, np.nan, 2.0])):
        with pytest.raises(InvalidArgumentError, match="scores"):
            audit.judged(scores)
