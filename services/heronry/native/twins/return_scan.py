"""The return scan, row by row."""

import numpy as np
import numpy.typing as npt

RealT = npt.NDArray[np.float32] | npt.NDArray[np.float64]


def return_scan(deltas: RealT, coefficients: RealT, out: RealT) -> None:
    """Fill `out` as `heronry.native.return_scan` defines it."""
    if len(deltas) == 0:
        return
    out[-1] = deltas[-1]
    for step in range(len(deltas) - 2, -1, -1):
        np.multiply(coefficients[step], out[step + 1], out=out[step])
        out[step] += deltas[step]
