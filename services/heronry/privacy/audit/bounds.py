"""How large an epsilon so many right guesses refute.

Source: Steinke, Nasr and Jagielski 2023, "Privacy auditing with one (1) training run", theorem 5.2 and appendix D.
"""

import math
from typing import Final

import numpy as np
from scipy import stats

from heronry.types.errors import InvalidArgumentError
from heronry.types.field_checks import finite_number, whole_number

# Beyond it a guess is right with a probability that float64 cannot tell from 1.
_LARGEST_EPSILON: Final = 30.0
_NUM_HALVINGS: Final = 60


def one_run_p_value(num_canaries: int, num_guesses: int, num_right: int, epsilon: float, delta: float) -> float:
    """Bound the probability of so many right guesses, or more, at a mechanism that is (epsilon, delta)-private.

    Args:
      num_canaries: included by fair coins, m.
      num_guesses: of them, those whose coin was guessed, r; chosen before the releases were seen.
      num_right: of the guesses, v.
      epsilon: from 0.
      delta: from 0.
    """
    num_canaries = whole_number("num_canaries", num_canaries, 1)
    num_guesses = whole_number("num_guesses", num_guesses, 1, num_canaries)
    num_right = whole_number("num_right", num_right, 0, num_guesses)
    epsilon = finite_number("epsilon", epsilon, lambda e: e >= 0, "from 0, finite")
    delta = finite_number("delta", delta, lambda d: 0 <= d < 1, "from 0, below 1")
    chance = 1 / (1 + math.exp(-epsilon))
    beyond = float(stats.binom.sf(num_right - 1, num_guesses, chance))
    # alpha: the largest mean of the probabilities of v - 1, v - 2, ... right guesses, that delta can shift.
    fewer = stats.binom.pmf(num_right - np.arange(1, num_right + 1), num_guesses, chance)
    means = np.cumsum(fewer) / np.arange(1, num_right + 1)
    alpha = float(means.max(initial=0.0))
    return min(1.0, beyond + alpha * delta * 2 * num_canaries)


def one_run_epsilon(
    num_canaries: int, num_guesses: int, num_right: int, delta: float, *, confidence: float = 0.95
) -> float:
    """Return the largest epsilon that so many right guesses refute; 0 when they refute none.

    With as many canaries as 1 / (2 delta) and more, nothing is refuted: delta alone could explain every guess.
    """
    level = 1 - finite_number("confidence", confidence, lambda c: 0 < c < 1, "0 to 1, open")
    arguments = num_canaries, num_guesses, num_right
    if one_run_p_value(*arguments, 0.0, delta) >= level:
        return 0.0
    refuted, kept = 0.0, _LARGEST_EPSILON
    if one_run_p_value(*arguments, kept, delta) < level:
        raise InvalidArgumentError.of("num_guesses", num_guesses, "few enough for a bound below 30")
    # The probability of many right guesses rises with epsilon.
    for _ in range(_NUM_HALVINGS):
        middle = (refuted + kept) / 2
        if one_run_p_value(*arguments, middle, delta) < level:
            refuted = middle
        else:
            kept = middle
    return refuted
