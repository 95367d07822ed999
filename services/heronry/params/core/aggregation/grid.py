"""Sums on an integer grid: the same, bit for bit, in any order of arrival."""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.native import grid_add, grid_mean, weighted_sum
from heronry.params.core.aggregation.accumulator import Prepared
from heronry.params.core.aggregation.contribution import Contribution
from heronry.params.core.aggregation.differences import MeanDifference
from heronry.params.core.aggregation.overflow import check_term, largest_term
from heronry.params.core.aggregation.vectors import new_vector
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import ParameterLayout, Vector
from heronry.types.errors import InvalidContributionError

_Integers = npt.NDArray[np.int64]
_LARGEST_SUM: Final = 2.0**62
_CHUNK: Final = 1 << 16


class GridSum:
    """Sums of contributions rounded to multiples of `step / weight`, in int64.

    Integers add without rounding, and the denominator is rounded once. Weights are evaluated against the newest
    values first: the grid is that of differences. Memory: an int64 vector. Adding is O(P), one pass.
    """

    def __init__(
        self, layout: ParameterLayout, round_size: int, pool: BufferPool, step: float, *, is_mean: bool = True
    ) -> None:
        self._layout = layout
        self._pool = pool
        self._step = step
        self._is_mean = is_mean
        self._round_size = round_size
        self.clear()

    def clear(self) -> None:
        """Begin the next round."""
        self._total: _Integers | None = None
        self._weights: list[float] = []
        self._newest: Vector | None = None

    def close(self) -> None:
        """Let go of the buffer."""
        self.clear()

    @property
    def num_contributions(self) -> int:
        """Contributions added since the round opened."""
        return len(self._weights)

    def prepare(self, contribution: Contribution, newest: Vector) -> Prepared:
        """Check that neither the integers nor the result of a full round overflow; see `Accumulator.prepare`."""
        difference = contribution.difference
        largest = difference.measured(newest)[0] if difference.is_anchored else contribution.largest
        scale = contribution.scale * contribution.weight
        check_term(largest * abs(scale), largest_term(newest.dtype, self._round_size))
        self._check_steps(largest * abs(scale) / self._step)
        self._sum()
        self._newest = newest
        return Prepared(contribution, scale, scale if difference.is_anchored else 0.0)

    def discard(self, prepared: Prepared) -> None:
        """Let go of what was prepared: it holds nothing."""

    def add(self, prepared: Prepared) -> None:
        """Count a contribution in one pass."""
        total = self._sum()
        for part in self._parts():
            self._add_part(total[part], prepared, part)
        self._weights.append(prepared.contribution.weight)

    def mean(self, newest: Vector, last: Prepared | None = None) -> MeanDifference:
        """Return the mean, or the sum, of what was added and of `last`; see `Accumulator.mean`."""
        weights = self._weights if last is None else [*self._weights, last.contribution.weight]
        if not weights:
            raise ValueError("the mean of no contributions")
        # `fsum` rounds once, whatever the order.
        denominator = math.fsum(weights) if self._is_mean else 1.0
        total, out = self._sum(), new_vector(self._layout, self._pool)
        for part in self._parts():
            counted = total[part]
            if last is not None:
                counted = counted.copy()
                self._add_part(counted, last, part)
            grid_mean(counted, self._step, denominator, out[part])
        return MeanDifference(out, 0.0)

    def _check_steps(self, num_steps: float) -> None:
        allowed = _LARGEST_SUM / self._round_size
        if not num_steps + 1.0 <= allowed:
            message = f"components of at most {allowed:.3g} steps of {self._step:g}"
            raise InvalidContributionError.of("contribution", num_steps, message)

    def _add_part(self, total: _Integers, prepared: Prepared, part: slice) -> None:
        difference = prepared.contribution.difference
        values = difference.values[part]
        if difference.is_anchored and self._newest is not None:
            evaluated = np.empty_like(values)
            weighted_sum((values, self._newest[part]), np.array([1.0, -1.0]), evaluated)
            values = evaluated
        grid_add(total, values, prepared.scale, self._step)

    def _parts(self) -> Iterator[slice]:
        """Yield chunks that stay in the cache between the passes over them."""
        for start in range(0, self._layout.num_parameters, _CHUNK):
            yield slice(start, start + _CHUNK)

    def _sum(self) -> _Integers:
        """Return the round's integers; zero when there are none yet."""
        if self._total is None:
            self._total = self._pool.take(self._layout.num_parameters * 8).view(np.int64)
            self._total.fill(0)
        return self._total
