"""Passes over whole vectors of parameters: measuring one, summing many, applying a sum.

All vectors are `[P]`, float32 or float64, of one type and length in a call. Sums are taken in that type, product
and sum each rounded, so that both twins give the same bits. O(P) each; the interpreter's lock is free meanwhile.
"""

from collections.abc import Sequence

from heronry.native.arrays import Reals, Vector
from heronry.native.backend import LOOPS, Loops


def measure(values: Vector, *, loops: Loops = LOOPS) -> tuple[float, float]:
    """Return the largest magnitude and the sum of squares, in one pass.

    Returns:
      `max |x|`, 0 for an empty vector; NaN or infinity when any value is one, so that `isfinite` of it speaks for
      all of them. And `sum x^2` in float64; without meaning when the largest is not finite.

    Raises:
      TypeError: not a contiguous float32 or float64 vector.
    """
    return loops.measure(values)


def weighted_sum(
    sources: Sequence[Vector], weights: Reals, out: Vector, *, onto: bool = False, loops: Loops = LOOPS
) -> None:
    """Fill `out = sum_i x_i w_i`, or add that to it; from left to right for every element.

    Args:
      sources: N vectors.
      weights: [N] float64, rounded to the vectors' type first. A weight of 1 keeps a value as it is.
      out: the sum; shares no memory with a source.
      onto: begin with what `out` holds, not with 0.
      loops: the twin to use; the one chosen at import by default.

    Raises:
      TypeError: a source of another type than `out`, or with gaps.
      ValueError: a length differs.
    """
    loops.weighted_sum(sources, weights, out, onto)


def apply_difference(
    newest: Vector, total: Vector, keep: float, scale: float, out: Vector, *, loops: Loops = LOOPS
) -> float:
    """Fill `out = newest * keep + total * scale` and return its largest magnitude, as `measure` does.

    `out` may be one of the inputs.

    Raises:
      TypeError: vectors of unlike types, or with gaps.
      ValueError: a length differs.
    """
    return loops.apply_difference(newest, total, keep, scale, out)
