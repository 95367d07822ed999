"""Passes over whole vectors of parameters: measuring one, summing many, applying a sum.

All vectors are `[P]`, float32 or float64, of one type and length in a call. Sums are taken in that type, product
and sum each rounded, so that both twins give the same bits. O(P) each; the interpreter's lock is free meanwhile.
"""

from collections.abc import Sequence
from typing import Final

from heronry.native.arrays import Bytes, Reals, Vector
from heronry.native.backend import LOOPS, Loops

MEASURED_BLOCK: Final = 1 << 16


def measure(values: Vector, *, loops: Loops = LOOPS) -> tuple[float, float]:
    """Return the largest magnitude and the sum of squares, in one pass.

    Returns:
      `max |x|`, 0 for an empty vector; NaN or infinity when any value is one, so that `isfinite` of it speaks for
      all of them. And `sum x^2` in float64; without meaning when the largest is not finite.

    Raises:
      TypeError: not a contiguous float32 or float64 vector.
    """
    return loops.measure(values)


def copy_measured(source: Bytes, out: Vector, squares: float = 0.0, *, loops: Loops = LOOPS) -> tuple[float, float]:
    """Copy the bytes of a vector; return the largest magnitude in it, and `squares` plus its sum of squares.

    One pass. A vector that comes in parts, each of a multiple of `MEASURED_BLOCK` values but the last, has the
    largest of their largest magnitudes and, when the sum of each part is passed on to the next, the very sum that
    `measure` gives.

    Args:
      source: as many bytes as `out` has; of any alignment.
      out: the vector; shares no memory with the source.
      squares: what the sum begins with.
      loops: the twin to use; the one chosen at import by default.

    Raises:
      TypeError: not contiguous, or not bytes and a float32 or float64 vector.
      ValueError: a length differs.
    """
    return loops.copy_measured(source, out, squares)


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


def apply_sum(
    newest: Vector,
    sources: Sequence[Vector],
    weights: Reals,
    keep: float,
    scale: float,
    out: Vector,
    *,
    loops: Loops = LOOPS,
) -> float:
    """Fill `out = newest * keep + sum * scale` with a weighted sum of sources; return the largest magnitude in it.

    The bits of `weighted_sum` and `apply_difference`, in one pass without memory for the sum. Long vectors are
    halved between two threads.

    Args:
      newest: what the sum is applied to.
      sources: N >= 1 vectors.
      weights: [N] float64, rounded to the vectors' type first.
      keep: factor of `newest`.
      scale: factor of the sum.
      out: the result; may be one of the inputs.
      loops: the twin to use; the one chosen at import by default.

    Raises:
      TypeError: vectors of unlike types, or with gaps.
      ValueError: a length differs, or there is no source.
    """
    return loops.apply_sum(newest, sources, weights, keep, scale, out)
