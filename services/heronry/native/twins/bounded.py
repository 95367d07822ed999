"""Reals moved into their bounds, all at once."""

import numpy as np

from heronry.native.arrays import Reals, Vector
from heronry.native.twins.arguments import require


def bound_rows(rows: Vector, low: Reals, high: Reals, out: Vector) -> int:
    """Fill `out` as `heronry.native.bounded` defines it; return the first row that is not finite, or -1."""
    require(rows=(rows, rows.dtype), low=(low, np.float64), high=(high, np.float64), out=(out, out.dtype))
    if low.shape != rows.shape[1:] or high.shape != rows.shape[1:]:
        raise ValueError(f"bounds {low.shape} and {high.shape} for rows {rows.shape}")
    if out.shape != rows.shape:
        raise ValueError(f"out {out.shape} for rows {rows.shape}")
    out[...] = np.minimum(np.maximum(rows, low), high)
    finite = np.isfinite(rows).all(axis=1)
    return -1 if finite.all() else int(np.argmin(finite))
