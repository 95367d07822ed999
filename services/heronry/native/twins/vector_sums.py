"""Passes over whole vectors, an operation at a time."""

from collections.abc import Sequence

import numpy as np

from heronry.native.arrays import Bytes, Reals, Vector
from heronry.native.twins.arguments import require, require_lengths, require_vectors

_SLAB = 1 << 16


def largest_magnitude(values: Vector) -> float:
    """Return max |x|, NaN when any is; 0 of an empty vector."""
    return float(np.abs(values).max(initial=0.0))


def measure(values: Vector) -> tuple[float, float]:
    """Return the largest magnitude and the sum of squares."""
    require_vectors(like=values, values=values)
    return _measured(values, 0.0)


def copy_measured(source: Bytes, out: Vector, squares: float) -> tuple[float, float]:
    """Copy, then measure."""
    require(source=(source, np.uint8))
    require_vectors(like=out, out_vector=out)
    require_lengths(out.nbytes, source=source)
    out.view(np.uint8)[:] = source
    return _measured(out, squares)


def _measured(values: Vector, squares: float) -> tuple[float, float]:
    largest = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for first in range(0, len(values), _SLAB):
            slab = values[first : first + _SLAB].astype(np.float64)
            largest = float(np.maximum(largest, largest_magnitude(slab)))
            squares += float(np.dot(slab, slab))
    return largest, squares


def weighted_sum(sources: Sequence[Vector], weights: Reals, out: Vector, onto: bool) -> None:
    """Fill `out`, a source at a time."""
    require_vectors(like=out, out_vector=out, **{f"sources[{i}]": source for i, source in enumerate(sources)})
    require(weights=(weights, np.float64))
    require_lengths(len(sources), weights=weights)
    with np.errstate(over="ignore", invalid="ignore"):
        factors = weights.astype(out.dtype)
        for i, source in enumerate(sources):
            if i or onto:
                out += source * factors[i]
            else:
                np.multiply(source, factors[i], out=out)
    if not sources and not onto:
        out[:] = 0


def apply_difference(newest: Vector, total: Vector, keep: float, scale: float, out: Vector) -> float:
    """Fill `out` and return its largest magnitude."""
    require_vectors(like=out, out_vector=out, newest=newest, total=total)
    with np.errstate(over="ignore", invalid="ignore"):
        np.add(newest * out.dtype.type(keep), total * out.dtype.type(scale), out=out)
    return largest_magnitude(out)


def apply_sum(
    newest: Vector, sources: Sequence[Vector], weights: Reals, keep: float, scale: float, out: Vector
) -> float:
    """Fill `out` by way of the whole sum."""
    if not sources:
        raise ValueError("a sum of no sources")
    require_vectors(like=out, out_vector=out, newest=newest)
    total = np.empty_like(out)
    weighted_sum(sources, weights, total, False)
    return apply_difference(newest, total, keep, scale, out)
