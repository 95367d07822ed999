"""Logarithm, sine and cosine in the very operations of the native ones, so that the bits are the same."""

import math
from typing import Final, TypeVar

import numpy as np

from heronry.native.arrays import Keys, Reals

_EXPONENT_OF_1 = np.uint64(1023 << 52)
_MANTISSA_OF_ROOT_HALF = np.uint64((1023 << 52) - 0x3FE6A09E00000000)
_FRACTION = np.uint64((1 << 52) - 1)
_ROOT_HALF: Final = float.fromhex("0x1.6a09e00000000p-1")

_RealsT = TypeVar("_RealsT", float, Reals)


def uniform_above_0(words: Keys) -> Reals:
    """Return uniforms of (0, 1] from the upper 53 bits."""
    return ((words >> np.uint64(11)).astype(np.float64) + 1.0) * 2.0**-53


def quarter_turns(words: Keys) -> Reals:
    """Return uniforms of [-1/2, 1/2) from the lower 52 bits."""
    return ((words & _FRACTION) | _EXPONENT_OF_1).view(np.float64) - 1.5


def logarithm(x: Reals) -> Reals:
    """Return natural logarithms of positive normal numbers."""
    bits = np.ascontiguousarray(x).view(np.uint64)
    exponent = (bits + _MANTISSA_OF_ROOT_HALF) >> np.uint64(52)
    mantissa = (bits - (exponent << np.uint64(52)) + _EXPONENT_OF_1).view(np.float64)
    return _logarithm(mantissa - 1.0, exponent.astype(np.float64) - 1023.0)


def logarithm_of_one(x: float) -> float:
    """Return the natural logarithm of one number, as `logarithm` does."""
    mantissa, exponent = math.frexp(x)
    if mantissa < _ROOT_HALF:
        mantissa, exponent = 2.0 * mantissa, exponent - 1
    return _logarithm(mantissa - 1.0, float(exponent))


def _logarithm(f: _RealsT, e: _RealsT) -> _RealsT:
    """Return the logarithm of `2^e (1 + f)`."""
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    inner = 2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)
    odd = z * (6.666666666666735130e-01 + w * inner)
    half_square = 0.5 * f * f
    low, high = e * 1.90821492927058770002e-10, e * 6.93147180369123816490e-01
    return s * (half_square + (even + odd)) + low - half_square + f + high


def sine_cosine(x: Reals) -> tuple[Reals, Reals]:
    """Return sine and cosine of angles of at most pi/4."""
    z = x * x
    w = z * z
    sine = (-1.66666666666666324348e-01 + z * 8.33333333332248946124e-03) + w * (
        (-1.98412698298579493134e-04 + z * 2.75573137070700676789e-06)
        + w * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)
    )
    cosine = (4.16666666666666019037e-02 + z * -1.38888888888741095749e-03) + w * (
        (2.48015872894767294178e-05 + z * -2.75573143513906633035e-07)
        + w * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)
    )
    return x + x * z * sine, 1.0 - (0.5 * z - w * cosine)
