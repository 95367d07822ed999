"""The audit in one run: many canaries at once, each of them there or not by a fair coin.

The auditor sees the releases alone, ranks the canaries, and guesses of the first that they were there and of the last
that they were not. A private mechanism lets few guesses be right.

Source: Steinke, Nasr and Jagielski 2023, "Privacy auditing with one (1) training run", algorithm 1.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heronry.native.arrays import Reals
from heronry.privacy.audit.bounds import one_run_epsilon
from heronry.types.errors import InvalidArgumentError
from heronry.types.field_checks import finite_number, whole_number

Booleans = npt.NDArray[np.bool_]
# Runs the mechanism with these canaries; returns a score of each, made from the releases alone: larger, likelier there.
MakeReleases = Callable[[Booleans], Reals]


@dataclass(frozen=True)
class OneRunResult:
    """What an audit has found.

    Attributes:
      epsilon_bound: the largest epsilon that is refuted at `confidence`.
    """

    num_canaries: int
    num_included: int
    num_guesses: int
    num_right: int
    delta: float
    confidence: float
    epsilon_bound: float

    def refutes(self, epsilon: float) -> bool:
        """Tell whether a claim of `epsilon` at the audit's delta does not hold."""
        return self.epsilon_bound > epsilon


@dataclass(frozen=True)
class OneRunAudit:
    """Coins that were tossed, for releases that are yet to be made.

    Attributes:
      included: [m] which canaries are to be there; the releases are to be made with it, the scores without.
      num_guesses: how many canaries are guessed of; fixed before the releases are seen.
      delta: of the claim.
      confidence: of the bound.
    """

    included: Booleans
    num_guesses: int
    delta: float
    confidence: float

    @classmethod
    def toss(
        cls, num_canaries: int, num_guesses: int, delta: float, *, coins: random.Random, confidence: float = 0.95
    ) -> "OneRunAudit":
        """Toss a fair coin for every canary.

        Raises:
          InvalidArgumentError: more guesses than canaries, or so many canaries that delta explains every guess.
        """
        num_canaries = whole_number("num_canaries", num_canaries, 1)
        num_guesses = whole_number("num_guesses", num_guesses, 1, num_canaries, " (num_canaries)")
        delta = finite_number("delta", delta, lambda d: 0 <= d < 1, "from 0, below 1")
        if not 2 * num_canaries * delta < 1:
            raise InvalidArgumentError.of("delta", delta, f"below {0.5 / num_canaries:.3g} (1 / (2 num_canaries))")
        included = np.array([coins.getrandbits(1) for _ in range(num_canaries)], np.bool_)
        return cls(included, num_guesses, delta, confidence)

    def judged(self, scores: Reals) -> OneRunResult:
        """Guess by the scores, [m], compare with the coins, and bound epsilon.

        Raises:
          InvalidArgumentError: another number of scores than canaries, or a score that is no number.
        """
        num_canaries = len(self.included)
        if scores.shape != (num_canaries,) or np.isnan(scores).any():
            raise InvalidArgumentError.of("scores", f"shape {scores.shape}", f"({num_canaries},), none of them NaN")
        order = np.argsort(scores, kind="stable")
        num_absent = self.num_guesses // 2
        guessed_absent, guessed_there = order[:num_absent], order[num_canaries - (self.num_guesses - num_absent) :]
        num_right = int(self.included[guessed_there].sum()) + int((~self.included[guessed_absent]).sum())
        bound = one_run_epsilon(num_canaries, self.num_guesses, num_right, self.delta, confidence=self.confidence)
        return OneRunResult(
            num_canaries, int(self.included.sum()), self.num_guesses, num_right, self.delta, self.confidence, bound
        )


def audit_in_one_run(
    make_releases: MakeReleases,
    num_canaries: int,
    num_guesses: int,
    delta: float,
    *,
    coins: random.Random,
    confidence: float = 0.95,
) -> OneRunResult:
    """Toss the coins, have the releases made, judge."""
    audit = OneRunAudit.toss(num_canaries, num_guesses, delta, coins=coins, confidence=confidence)
    return audit.judged(make_releases(audit.included))
