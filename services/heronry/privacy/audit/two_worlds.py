"""The test of a claim in two worlds: releases with one canary, and releases without.

A threshold on a score tells the worlds apart with an error of either kind. (epsilon, delta)-privacy bounds them:
`P[there | with] <= exp(epsilon) P[there | without] + delta`, and so in both directions. One half of the releases
chooses the threshold, the other judges it, by exact bounds on the two probabilities.

Source: Kairouz, Oh and Viswanath 2015, theorem 2.1; Jagielski, Ullman and Oprea 2020, algorithm 1; Clopper and
Pearson 1934.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from heronry.native.arrays import Reals
from heronry.types.errors import InvalidArgumentError
from heronry.types.field_checks import finite_number

_NUM_THRESHOLDS: Final = 200


@dataclass(frozen=True)
class TwoWorlds:
    """What the test has found.

    Attributes:
      threshold: chosen on the first half.
      says_with_above: whether scores above it speak for the world with the canary, or those below it for the other.
      epsilon_bound: the largest epsilon that the second half refutes; 0 when none.
    """

    threshold: float
    says_with_above: bool
    epsilon_bound: float


def audit_two_worlds(
    score_of_release: Callable[[bool], float], num_releases: int, delta: float, *, confidence: float = 0.95
) -> TwoWorlds:
    """Have so many releases made in each world, with the canary (True) and without, and bound epsilon."""
    without, with_canary = (
        np.array([score_of_release(is_there) for _ in range(num_releases)]) for is_there in (False, True)
    )
    return two_worlds_epsilon(without, with_canary, delta, confidence=confidence)


def two_worlds_epsilon(without: Reals, with_canary: Reals, delta: float, *, confidence: float = 0.95) -> TwoWorlds:
    """Bound epsilon by scores of either world, [N] each, in the order in which the releases were made.

    Raises:
      InvalidArgumentError: fewer than four scores of a world.
    """
    delta = finite_number("delta", delta, lambda d: 0 <= d < 1, "from 0, below 1")
    level = 1 - finite_number("confidence", confidence, lambda c: 0 < c < 1, "0 to 1, open")
    for name, scores in (("without", without), ("with_canary", with_canary)):
        if len(scores) < 4:
            raise InvalidArgumentError.of(name, f"{len(scores)} scores", "at least 4")
    choosing, judging = (without[::2], with_canary[::2]), (without[1::2], with_canary[1::2])
    candidates = np.quantile(np.concatenate(choosing), np.linspace(0.0, 1.0, _NUM_THRESHOLDS))
    found = [
        (_bound(choosing, float(threshold), says_with, delta, level), float(threshold), says_with)
        for threshold in candidates
        for says_with in (True, False)
    ]
    _, threshold, says_with = max(found)
    return TwoWorlds(threshold, says_with, max(0.0, _bound(judging, threshold, says_with, delta, level)))


def _bound(scores: tuple[Reals, Reals], threshold: float, says_with: bool, delta: float, level: float) -> float:
    """Return the epsilon that one threshold refutes, both probabilities bounded with half of the level."""
    without, with_canary = scores
    if says_with:
        hits, errors = with_canary > threshold, without > threshold
    else:
        hits, errors = without <= threshold, with_canary <= threshold
    least = _clopper_pearson(int(hits.sum()), len(hits), level / 2)[0]
    most = _clopper_pearson(int(errors.sum()), len(errors), level / 2)[1]
    return math.log((least - delta) / most) if least > delta else -math.inf


def _clopper_pearson(count: int, total: int, level: float) -> tuple[float, float]:
    """Return a lower and an upper bound, each wrong with a probability of at most `level`."""
    lower = 0.0 if count == 0 else float(stats.beta.ppf(level, count, total - count + 1))
    upper = 1.0 if count == total else float(stats.beta.ppf(1 - level, count + 1, total - count))
    return lower, upper
