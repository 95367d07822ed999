"""What one contribution, and what a round of them, adds to the newest values."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from heronry.native import apply_difference, apply_sum, measure, weighted_sum
from heronry.params.core.layout import Vector

# 256 KiB of float32: the differences of a chunk are measured while they are in the cache.
_CHUNK: Final = 1 << 16


@dataclass(frozen=True)
class Difference:
    """What a contribution adds to the newest values `v`: `sign * values`, less `v` when `is_anchored`.

    Weights that were computed at the newest version stay unsubtracted: subtracting now and adding
    the result to `v` later would round twice, and published weights would not be the pushed ones.

    Attributes:
      values: `[P]`; never written to.
      sign: -1 for a gradient, along which an optimiser descends; else 1. Weights have none.
      is_anchored: the difference is `values - v`.
    """

    values: Vector
    sign: float = 1.0
    is_anchored: bool = False

    def measured(self, newest: Vector) -> tuple[float, float]:
        """Return the largest magnitude and the sum of squares of the difference itself.

        One pass in the vector's own precision, summed in float64; no buffer of its size.
        """
        if not self.is_anchored:
            return measure(self.values)
        signs, largest, squares = np.array([1.0, -1.0]), 0.0, 0.0
        scratch = np.empty(min(_CHUNK, len(newest)), newest.dtype)
        for start in range(0, len(newest), _CHUNK):
            part = slice(start, start + _CHUNK)
            out = scratch[: len(newest[part])]
            weighted_sum((self.values[part], newest[part]), signs, out)
            chunk_largest, chunk_squares = measure(out)
            largest, squares = float(np.maximum(largest, chunk_largest)), squares + chunk_squares
        return largest, squares


@dataclass(frozen=True)
class MeanDifference:
    """A mean `scale * sum - anchor * v` over the newest values `v`.

    `anchor` has the scale in it already. A mean of weights has the anchor 1, exactly.

    Attributes:
      values: the sum; or the first of its terms when there are `more`, which are added when they are needed: often
        in the pass that applies them.
      more: the other terms, added from left to right.
      weights: of all terms; 1 for a sum.
    """

    values: Vector
    anchor: float
    scale: float = 1.0
    more: tuple[Vector, ...] = ()
    weights: tuple[float, ...] = (1.0,)

    def part(self, part: slice) -> "MeanDifference":
        """Return the mean of a part of the vector, as views."""
        return replace(self, values=self.values[part], more=tuple(more[part] for more in self.more))

    def evaluated(self, newest: Vector, new_vector: Callable[[], Vector]) -> Vector:
        """Return the mean difference itself, `[P]`: `values` where it is that, or in memory from `new_vector`."""
        total = self._total(new_vector)
        if self.scale == 1.0 and not self.anchor:
            return total
        out = new_vector()
        upper, lower = _in_two_parts(self.scale, newest.dtype)
        factors = np.array([-self.anchor, upper, lower])
        sources = (newest, total, total)
        used = [i for i, factor in enumerate(factors) if factor]
        weighted_sum([sources[i] for i in used], factors[used], out)
        return out

    def applied_to(self, newest: Vector, rate: float, new_vector: Callable[[], Vector]) -> tuple[Vector, float]:
        """Return `newest + rate * difference` and its largest magnitude, the terms in `newest` collected first.

        A mean of weights applied at rate 1 is thereby that mean, to the last bit: `newest` has the factor 0
        and is not read. One contribution alone is returned as it is, without a copy.
        """
        keep, scale = 1.0 - rate * self.anchor, rate * self.scale
        if not keep and scale == 1.0:
            total = self._total(new_vector)
            return total, measure(total)[0]
        out = new_vector()
        if keep:
            return out, apply_sum(newest, (self.values, *self.more), np.array(self.weights), keep, scale, out)
        upper, lower = _in_two_parts(scale, newest.dtype)
        total = self._total(lambda: out)
        return out, apply_difference(total, total, lower, upper, out)

    def _total(self, new_vector: Callable[[], Vector]) -> Vector:
        if not self.more:
            return self.values
        out = new_vector()
        weighted_sum((self.values, *self.more), np.array(self.weights), out)
        return out


def _in_two_parts(factor: float, dtype: np.dtype[np.floating]) -> tuple[float, float]:
    """Split a factor into what the vectors' type holds of it and the rest.

    Rounded to 24 bits, a third of the sum of three weights would make them grow by 3e-8 every round.
    """
    upper = float(dtype.type(factor))
    return upper, factor - upper
