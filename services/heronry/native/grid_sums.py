"""Sums on an integer grid: addition of integers has no rounding, so any order gives the same bits.

The unit is the grid's step: a value x counts as the integer nearest to `x / step`. Vectors are `[P]`, float32 or
float64; all arithmetic is float64 until it is an integer. O(P) each.
"""

from collections.abc import Sequence

from heronry.native.arrays import Indices, Reals, Vector
from heronry.native.backend import LOOPS, Loops


def grid_add(total: Indices, values: Vector, weight: float, step: float, *, loops: Loops = LOOPS) -> None:
    """Add `rint(values * weight / step)` to the total, half to even.

    The caller bounds the sum of `|values * weight / step|` by 2^62: beyond int64 the result has no meaning.

    Args:
      total: [P] int64, in grid steps.
      values: [P], finite.
      weight: finite.
      step: width of the grid; > 0.
      loops: the twin to use; the one chosen at import by default.

    Raises:
      TypeError: another type, or gaps.
      ValueError: a length differs.
    """
    loops.grid_add(total, values, weight, step)


def grid_add_all(
    total: Indices, sources: Sequence[Vector], weights: Reals, step: float, *, loops: Loops = LOOPS
) -> None:
    """Do `grid_add` with several vectors at once; four of them take hardly more than twice the time of one.

    Args:
      total: [P] int64, in grid steps.
      sources: N vectors [P] of one type, finite.
      weights: [N] float64, finite.
      step: width of the grid; > 0.
      loops: the twin to use; the one chosen at import by default.

    Raises:
      TypeError: another type, or gaps.
      ValueError: a length differs.
    """
    loops.grid_add_all(total, sources, weights, step)


def grid_mean(total: Indices, step: float, denominator: float, out: Vector, *, loops: Loops = LOOPS) -> None:
    """Fill `out = total * step / denominator`, computed in float64, rounded once to the type of `out`.

    Raises:
      TypeError: another type, or gaps.
      ValueError: a length differs.
    """
    loops.grid_mean(total, step, denominator, out)
