"""Sixteen-bit forms by bit arithmetic and NumPy's binary16."""

import numpy as np

from heronry.native.arrays import Floats, HalfBits
from heronry.native.twins.arguments import require, require_lengths


def bf16_pack(values: Floats, out: HalfBits) -> None:
    """Round the upper halves to nearest even."""
    _check(values, out)
    bits = values.view(np.uint32)
    is_nan = (bits & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000)
    rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    # Rounding would carry a NaN's last bits into infinity.
    out[:] = np.where(is_nan, bits | np.uint32(0x400000), rounded) >> np.uint32(16)


def bf16_unpack(bits: HalfBits, out: Floats) -> None:
    """Put the upper halves back."""
    _check(out, bits)
    out.view(np.uint32)[:] = bits.astype(np.uint32) << np.uint32(16)


def f16_pack(values: Floats, out: HalfBits) -> None:
    """Round to binary16."""
    _check(values, out)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        out.view(np.float16)[:] = values


def f16_unpack(bits: HalfBits, out: Floats) -> None:
    """Widen from binary16."""
    _check(out, bits)
    out[:] = bits.view(np.float16)


def _check(values: Floats, bits: HalfBits) -> None:
    require(values=(values, np.float32), bits=(bits, np.uint16))
    require_lengths(len(values), values=values, bits=bits)
