"""How large correlated noise is, release by release."""

import math

import numpy as np

from heronry.native.arrays import Reals
from heronry.privacy.factorisation import Strategy, TreeAggregation


class RowDeviations:
    """The standard deviation of each row of `C^-1 Z`, Z of deviation 1; for releases in order, O(buffers) each.

    An earlier release than the last one asked for is counted up to from the first.
    """

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._begin()

    def of(self, release: int) -> float:
        """Return the deviation of a release, from 0."""
        if isinstance(self._strategy, TreeAggregation):
            # The new node, less those that it takes the place of: one for each zero that release + 1 ends with.
            ordinal = release + 1
            return math.sqrt((ordinal & -ordinal).bit_length())
        if release + 1 < self._num_rows:
            self._begin()
        while self._num_rows <= release:
            # C^-1 is Toeplitz: row t holds the first t + 1 answers to an impulse.
            answer = np.array([1.0 if self._num_rows == 0 else 0.0])
            self._impulse.next(answer)
            self._variance += float(answer[0]) ** 2
            self._num_rows += 1
        return math.sqrt(self._variance)

    def _begin(self) -> None:
        self._impulse = self._strategy.recurrence(1, _no_draw)
        self._num_rows = 0
        self._variance = 0.0


def _no_draw(index: int, _: Reals) -> None:
    """Fail: nothing is drawn again where releases come in order."""
    raise AssertionError(f"draw {index} was asked for again")
