"""NumPy twins of the native loops: the oracle, and what runs where no compiler was."""

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float32] | npt.NDArray[np.float64]


def return_scan(deltas: Real, coefficients: Real, out: Real) -> None:
    """Fill `out` as `heronry.native.return_scan` defines it."""
    if len(deltas) == 0:
        return
    out[-1] = deltas[-1]
    for step in range(len(deltas) - 2, -1, -1):
        np.multiply(coefficients[step], out[step + 1], out=out[step])
        out[step] += deltas[step]
