"""The backward linear recurrence behind GAE, TD(lambda), n-step returns and V-trace."""

import numpy as np

from heronry.native.backend import LOOPS, Loops, RealT
from heronry.types.errors import SchemaMismatchError


def return_scan(deltas: RealT, coefficients: RealT, *, loops: Loops = LOOPS) -> RealT:
    """Return a with a_t = d_t + c_t a_{t+1}, backwards over time, a_T = 0.

    Args:
      deltas: d, [T, B] float32 or float64.
      coefficients: c, same shape and type.
      loops: the twin to use; the one chosen at import by default.

    Returns:
      [T, B] in the arguments' type.

    Raises:
      SchemaMismatchError: the shapes or types differ, or are not [T, B] real.
    """
    if deltas.ndim != 2 or deltas.dtype not in (np.float32, np.float64):
        raise SchemaMismatchError.of("deltas", f"{deltas.dtype}{list(deltas.shape)}", "[T, B] float32 or float64")
    if coefficients.shape != deltas.shape or coefficients.dtype != deltas.dtype:
        got = f"{coefficients.dtype}{list(coefficients.shape)}"
        raise SchemaMismatchError.of("coefficients", got, f"{deltas.dtype}{list(deltas.shape)}, as deltas")
    out = np.empty_like(deltas, order="C")
    loops.return_scan(np.ascontiguousarray(deltas), np.ascontiguousarray(coefficients), out)
    return out
