"""Reals moved into their bounds, as a box of actions is executed."""

import numpy as np
import numpy.typing as npt

from heronry.native.arrays import Reals, Vector
from heronry.native.backend import LOOPS, Loops
from heronry.types.errors import SchemaMismatchError


def bounded(
    rows: Vector, low: Reals, high: Reals, dtype: npt.DTypeLike = np.float32, *, loops: Loops = LOOPS
) -> tuple[Vector, int]:
    """Return rows `[N, A]` moved into `low` to `high` `[A]`, float32 or float64, and the first that is not finite.

    That row is -1 where all are. What NaN becomes is not said.

    Raises:
      SchemaMismatchError: rows that are neither float32 nor float64 `[N, A]`.
    """
    if rows.ndim != 2 or rows.dtype.char not in "fd":
        raise SchemaMismatchError.of("rows", f"{rows.dtype}{list(rows.shape)}", "[N, A] float32 or float64")
    out: Vector = np.empty(rows.shape, dtype)
    return out, loops.bound_rows(rows if rows.flags.c_contiguous else rows.copy(), low, high, out)
