"""Sixteen-bit forms of float32, rounded to nearest, ties to even.

bf16 is the upper half of binary32: 8 bits of precision at the same range. f16 is IEEE 754 binary16: 11 bits, largest
65504, steps of 2^-24 below 2^-14. What lies beyond the largest becomes infinity; NaN stays NaN. Unpacking is exact.
Arrays are `[P]`. O(P). All raise TypeError for another type or gaps, ValueError for unlike lengths.
"""

from heronry.native.arrays import Floats, HalfBits
from heronry.native.backend import LOOPS, Loops


def bf16_pack(values: Floats, out: HalfBits, *, loops: Loops = LOOPS) -> None:
    """Fill `out` with the bits of the bf16 nearest to each value."""
    loops.bf16_pack(values, out)


def bf16_unpack(bits: HalfBits, out: Floats, *, loops: Loops = LOOPS) -> None:
    """Fill `out` with the values of bf16 bits."""
    loops.bf16_unpack(bits, out)


def f16_pack(values: Floats, out: HalfBits, *, loops: Loops = LOOPS) -> None:
    """Fill `out` with the bits of the binary16 nearest to each value."""
    loops.f16_pack(values, out)


def f16_unpack(bits: HalfBits, out: Floats, *, loops: Loops = LOOPS) -> None:
    """Fill `out` with the values of binary16 bits."""
    loops.f16_unpack(bits, out)
