"""Grid sums by NumPy's rounding."""

import numpy as np

from heronry.native.arrays import Indices, Vector
from heronry.native.twins.arguments import require, require_lengths, require_vectors


def grid_add(total: Indices, values: Vector, weight: float, step: float) -> None:
    """Add the values in steps of the grid."""
    require_vectors(like=values, values=values)
    require(total=(total, np.int64))
    require_lengths(len(values), total=total)
    total += np.rint(values.astype(np.float64) * weight / step).astype(np.int64)


def grid_mean(total: Indices, step: float, denominator: float, out: Vector) -> None:
    """Fill `out` with the total in units of the values."""
    require_vectors(like=out, out_vector=out)
    require(total=(total, np.int64))
    require_lengths(len(out), total=total)
    out[:] = total.astype(np.float64) * step / denominator
