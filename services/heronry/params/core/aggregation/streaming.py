"""Means and sums that are accumulated as contributions arrive."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from heronry.native import weighted_sum
from heronry.params.core.aggregation.accumulator import Prepared
from heronry.params.core.aggregation.contribution import Contribution
from heronry.params.core.aggregation.differences import MeanDifference
from heronry.params.core.aggregation.norm_bound import NormBound
from heronry.params.core.aggregation.overflow import check_share, check_term, largest_term
from heronry.params.core.aggregation.vectors import new_vector
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import ParameterLayout, Vector

# Few enough to be read side by side; their memory is bounded for models that are large.
_MOST_HELD: Final = 3
_MOST_HELD_BYTES: Final = 256 << 20


class _Term(NamedTuple):
    values: Vector
    factor: float


class StreamingSum:
    """A running weighted sum in one buffer, whatever the number of contributions.

    Weights are counted in units of the first one: a single contribution is its own mean, bit for bit, whatever
    its weight. The newest few stay where they came in and are summed together, at the latest in the pass that
    applies them: a small round needs no buffer and no pass of its own. Adding is O(P), always in order of arrival.
    """

    def __init__(
        self,
        layout: ParameterLayout,
        round_size: int,
        pool: BufferPool,
        *,
        is_mean: bool = True,
        norm_bound: NormBound | None = None,
    ) -> None:
        self._layout = layout
        self._pool = pool
        self._is_mean = is_mean
        self._norm_bound = norm_bound
        self._bound = largest_term(layout.dtype, round_size)
        num_bytes = layout.num_parameters * layout.dtype.itemsize
        self._most_held = max(1, min(_MOST_HELD, _MOST_HELD_BYTES // max(1, num_bytes)))
        self.clear()

    def clear(self) -> None:
        """Begin the next round; vectors handed out are left alone."""
        self.num_contributions = 0
        self._first: Prepared | None = None
        self._held: list[_Term] = []
        self._room: Vector | None = None
        self._num_summed = 0
        self._unit = 1.0
        self._anchor = 0.0
        self._denominator = 0.0

    def close(self) -> None:
        """Let go of the buffers."""
        self.clear()

    def prepare(self, contribution: Contribution, newest: Vector) -> Prepared:
        """Check that the sum of a full round stays finite; see `Accumulator.prepare`."""
        bounded = 1.0 if self._norm_bound is None else self._norm_bound.factor_of(contribution, newest)
        prepared = Prepared(contribution, contribution.scale * bounded, contribution.anchor * bounded)
        share = self._share(prepared)
        check_share(share)
        check_term(contribution.largest * abs(prepared.scale) * share, self._bound)
        if self._room is None and len(self._held) == self._most_held:
            self._room = new_vector(self._layout, self._pool)
        return prepared

    def discard(self, prepared: Prepared) -> None:
        """Let go of what was prepared: it holds nothing."""

    def add(self, prepared: Prepared) -> None:
        """Count a contribution; every few of them are summed in one pass."""
        if not self.num_contributions:
            self._unit = prepared.contribution.weight
        self._first = None if self.num_contributions else prepared
        self._held.append(self._term(prepared))
        self._anchor, self._denominator = self._counted(prepared)
        self.num_contributions += 1
        if len(self._held) > self._most_held:
            self._sum_held()

    def mean(self, newest: Vector, last: Prepared | None = None) -> MeanDifference:
        """Return the mean, or the sum, of what was added and of `last`; see `Accumulator.mean`."""
        only = self._first if last is None else last
        if only is not None and self.num_contributions == (0 if last else 1):
            return MeanDifference(_values(only), only.anchor, only.scale)
        if not self.num_contributions:
            raise ValueError("the mean of no contributions")
        if last is None:
            return self._divided(self._terms(), self._anchor, self._denominator)
        return self._divided([*self._terms(), self._term(last)], *self._counted(last))

    def _share(self, prepared: Prepared) -> float:
        """Return the factor that a contribution of this weight enters the sum with."""
        return prepared.contribution.weight / self._unit if self.num_contributions else 1.0

    def _counted(self, prepared: Prepared) -> tuple[float, float]:
        """Return anchor and denominator with one more contribution.

        Both grow by the same additions: for a mean of weights their quotient is 1, exactly.
        """
        share = self._share(prepared)
        return self._anchor + share * prepared.anchor, self._denominator + share

    def _term(self, prepared: Prepared) -> _Term:
        return _Term(_values(prepared), prepared.scale * self._share(prepared))

    def _terms(self) -> list[_Term]:
        """Return what the sum consists of: the buffer, and what is held beside it."""
        if self._room is None or not self._num_summed:
            return self._held
        return [_Term(self._room, 1.0), *self._held]

    def _sum_held(self) -> None:
        """Add to the buffer what is held."""
        if self._room is None:
            raise AssertionError("the buffer was taken when this contribution was prepared")
        vectors, factors = zip(*self._held, strict=True)
        weighted_sum(vectors, np.array(factors), self._room, onto=self._num_summed > 0)
        self._num_summed += len(vectors)
        self._held = []

    def _divided(self, terms: list[_Term], anchor: float, denominator: float) -> MeanDifference:
        vectors, factors = zip(*terms, strict=True)
        if self._is_mean:
            return MeanDifference(vectors[0], anchor / denominator, 1.0 / denominator, vectors[1:], factors)
        return MeanDifference(vectors[0], anchor, 1.0, vectors[1:], factors)


def _values(prepared: Prepared) -> Vector:
    return prepared.contribution.difference.values


def weighted_mean(vectors: Sequence[Vector], weights: Sequence[float], out: Vector) -> None:
    """Fill `out` with a weighted mean of vectors that are all there: one pass over them together."""
    shares = np.array(weights, np.float64)
    weighted_sum(vectors, shares / shares.sum(), out)
