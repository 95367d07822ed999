"""Grid sums by NumPy's rounding."""

from collections.abc import Sequence

import numpy as np

from heronry.native.arrays import Indices, Reals, Vector
from heronry.native.twins.arguments import require, require_lengths, require_vectors


def grid_add(total: Indices, values: Vector, weight: float, step: float) -> None:
    """Add the values in steps of the grid."""
    require_vectors(like=values, values=values)
    require(total=(total, np.int64))
    require_lengths(len(values), total=total)
    total += np.rint(values.astype(np.float64) * weight / step).astype(np.int64)


def grid_add_all(total: Indices, sources: Sequence[Vector], weights: Reals, step: float) -> None:
    """Add one vector after the other."""
    require(total=(total, np.int64), weights=(weights, np.float64))
    require_lengths(len(sources), weights=weights)
    for source in sources:
        require_vectors(like=sources[0], source=source)
        require_lengths(len(total), source=source)
    for source, weight in zip(sources, weights, strict=True):
        grid_add(total, source, float(weight), step)


def grid_mean(total: Indices, step: float, denominator: float, out: Vector) -> None:
    """Fill `out` with the total in units of the values."""
    require_vectors(like=out, out_vector=out)
    require(total=(total, np.int64))
    require_lengths(len(out), total=total)
    out[:] = total.astype(np.float64) * step / denominator
