"""Chooses the twin once, at import, and checks arguments for both."""

import importlib
import os
from typing import Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

from heronry.native import numpy_twin
from heronry.types.errors import SchemaMismatchError

RealT = TypeVar("RealT", npt.NDArray[np.float32], npt.NDArray[np.float64])


class Loops(Protocol):
    """What both twins offer; arguments are checked by the caller."""

    def return_scan(self, deltas: RealT, coefficients: RealT, out: RealT) -> None:
        """Fill `out` with the scan."""
        ...


def load(name: str) -> Loops:
    """Return the twin of that name: `native` or `numpy`.

    Raises:
      ImportError: `native` was asked for and the extension was not built.
    """
    if name == "numpy":
        return cast(Loops, numpy_twin)
    return cast(Loops, importlib.import_module("heronry.native._extension"))


def _choose() -> tuple[str, Loops]:
    if os.environ.get("HERONRY_NATIVE") != "0":
        try:
            return "native", load("native")
        except ImportError:
            return "numpy", load("numpy")
    return "numpy", load("numpy")


BACKEND, _loops = _choose()


def return_scan(deltas: RealT, coefficients: RealT, *, loops: Loops = _loops) -> RealT:
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
