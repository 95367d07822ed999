"""Means and sums that are accumulated as contributions arrive."""

from collections.abc import Sequence

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


class StreamingSum:
    """A running weighted sum in one buffer, whatever the number of contributions.

    Weights are counted in units of the first one: a single contribution is its own mean, bit for bit, whatever
    its weight. It stays where it came in; the buffer is taken for the second. Adding is O(P), one pass.
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
        self.clear()

    def clear(self) -> None:
        """Begin the next round; vectors handed out are left alone."""
        self.num_contributions = 0
        self._first: Prepared | None = None
        self._total: Vector | None = None
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
        if self.num_contributions and self._total is None:
            self._total = self._new_vector()
        return prepared

    def discard(self, prepared: Prepared) -> None:
        """Let go of what was prepared: it holds nothing."""

    def add(self, prepared: Prepared) -> None:
        """Count a contribution in one pass."""
        if not self.num_contributions:
            self._first, self._unit = prepared, prepared.contribution.weight
        elif self._first is not None:
            self._total, self._first = self._sum_with(prepared), None
        else:
            factors = np.array([prepared.scale * self._share(prepared)])
            weighted_sum((_values(prepared),), factors, self._room(), onto=True)
        self._anchor, self._denominator = self._counted(prepared)
        self.num_contributions += 1

    def mean(self, newest: Vector, last: Prepared | None = None) -> MeanDifference:
        """Return the mean, or the sum, of what was added and of `last`; see `Accumulator.mean`."""
        only = self._first if last is None else last
        if only is not None and self.num_contributions == (0 if last else 1):
            return MeanDifference(_values(only), only.anchor, only.scale)
        if last is not None:
            return self._divided(self._sum_with(last), *self._counted(last))
        if not self.num_contributions:
            raise ValueError("the mean of no contributions")
        return self._divided(self._room(), self._anchor, self._denominator)

    def _share(self, prepared: Prepared) -> float:
        """Return the factor that a contribution of this weight enters the sum with."""
        return prepared.contribution.weight / self._unit if self.num_contributions else 1.0

    def _counted(self, prepared: Prepared) -> tuple[float, float]:
        """Return anchor and denominator with one more contribution.

        Both grow by the same additions: for a mean of weights their quotient is 1, exactly.
        """
        share = self._share(prepared)
        return self._anchor + share * prepared.anchor, self._denominator + share

    def _sum_with(self, last: Prepared) -> Vector:
        """Return the sum with one more contribution, leaving what was added as it is."""
        factor = last.scale * self._share(last)
        if self._first is not None:
            # Nothing lies in the round's own buffer yet.
            before, scale, out = _values(self._first), self._first.scale, self._room()
        else:
            before, scale, out = self._room(), 1.0, self._new_vector()
        weighted_sum((before, _values(last)), np.array([scale, factor]), out)
        return out

    def _divided(self, total: Vector, anchor: float, denominator: float) -> MeanDifference:
        if not self._is_mean:
            return MeanDifference(total, anchor)
        return MeanDifference(total, anchor / denominator, 1.0 / denominator)

    def _room(self) -> Vector:
        """Return the round's own buffer."""
        if self._total is None:
            self._total = self._new_vector()
        return self._total

    def _new_vector(self) -> Vector:
        return new_vector(self._layout, self._pool)


def _values(prepared: Prepared) -> Vector:
    return prepared.contribution.difference.values


def weighted_mean(vectors: Sequence[Vector], weights: Sequence[float], out: Vector) -> None:
    """Fill `out` with a weighted mean of vectors that are all there: one pass over them together."""
    shares = np.array(weights, np.float64)
    weighted_sum(vectors, shares / shares.sum(), out)
