"""The test in two worlds over mechanisms whose privacy is known."""

import math
import random

import numpy as np
import pytest
from scipy import stats

from heronry.privacy.accounting import gaussian_epsilon
from heronry.privacy.audit import audit_two_worlds, two_worlds_epsilon
from heronry.types.errors import InvalidArgumentError

# At this delta a single threshold shows half the noise as what it is.
DELTA = 0.01


def worlds(noise: float, num: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return noise * rng.standard_normal(num), 1.0 + noise * rng.standard_normal(num)


def test_the_claim_holds_with_the_noise_it_is_made_for_and_is_refuted_with_half() -> None:
    claimed = gaussian_epsilon(1.0, 1, DELTA)

    # Wrong with a probability of one in a million; the seeds are fixed.
    sound, half = (two_worlds_epsilon(*worlds(z, 20_000, 1), DELTA, confidence=1 - 1e-6) for z in (1.0, 0.5))

    assert sound.epsilon_bound <= claimed < half.epsilon_bound


def test_both_directions_are_tested() -> None:
    # A release that is 0 without the canary, and now and then with it: only "0: it is not there" is never sure.
    rng = np.random.default_rng(2)
    without, with_canary = np.zeros(4000), (rng.random(4000) < 0.9).astype(float)

    forth, back = two_worlds_epsilon(without, with_canary, 0.0), two_worlds_epsilon(-with_canary, -without, 0.0)

    assert forth.epsilon_bound > 5.0
    assert forth.says_with_above
    assert back.epsilon_bound > 5.0
    assert not back.says_with_above


def test_the_bound_is_that_of_the_exact_binomial_bounds() -> None:
    # 40 of 100 hits, no error, in either half.
    with_canary = np.repeat([1.0] * 40 + [0.0] * 60, 2)

    found = two_worlds_epsilon(np.zeros(200), with_canary, 0.0, confidence=0.95)

    least, most = stats.beta.ppf(0.025, 40, 61), 1 - 0.025 ** (1 / 100)
    assert found.epsilon_bound == pytest.approx(math.log(least / most), rel=1e-9)


def test_equal_worlds_refute_nothing_and_releases_are_made_by_the_callable() -> None:
    rng, asked = random.Random(3), []

    def score(is_there: bool) -> float:
        asked.append(is_there)
        return rng.gauss(0.0, 1.0)

    found = audit_two_worlds(score, 500, 1e-5)

    assert found.epsilon_bound == 0.0
    assert (asked.count(True), asked.count(False)) == (500, 500)


def test_too_few_scores_are_refused_by_name() -> None:
    with pytest.raises(InvalidArgumentError, match="with_canary"):
        two_worlds_epsilon(np.zeros(4), np.zeros(3), 0.0)
