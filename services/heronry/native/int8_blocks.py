"""Signed bytes in blocks of 256 that share a scale, rounded stochastically.

A value x becomes `floor(x / scale + u)` with u uniform in (0, 1), so its expectation is x: errors of many
contributions cancel instead of adding up. The scale is a block's largest magnitude / 127, at least the least normal
float32 (a subnormal one would be too coarse to divide by), and 0 for a block of zeros.

The numbers u depend on the seed and the element's index only: output i of SplitMix64 begins at `i * gamma`, without
a state to carry, and one output serves four elements. It passes BigCrush at two multiplications; a cipher-like
generator (Philox) would cost five times as much and the rounding is no secret.

Source: Steele, Lea and Flood 2014 (SplitMix64); Gupta et al. 2015, section 3.1 (stochastic rounding).
"""

from typing import Final

from heronry.native.arrays import Codes, Floats
from heronry.native.backend import LOOPS, Loops

INT8_BLOCK_SIZE: Final = 256


def num_int8_blocks(num_values: int) -> int:
    """Return how many scales that many values have."""
    return -(-num_values // INT8_BLOCK_SIZE)


def int8_pack(values: Floats, seed: int, scales: Floats, codes: Codes, *, loops: Loops = LOOPS) -> None:
    """Fill scales and codes; `|code * scale - x| < scale`, and the expectation over seeds is x.

    A whole multiple of the scale is kept exactly; the randomness has 16 bits, so a value is off by at most
    2^-16 of its scale on average.

    Args:
      values: [P], finite; from (2 - 2^-22) 2^127 on they may come back as infinity.
      seed: 0 <= seed < 2^64; another for each vector, or the errors of two are alike.
      scales: [ceil(P / 256)].
      codes: [P], -127 to 127.
      loops: the twin to use; the one chosen at import by default.

    Raises:
      TypeError: another type, gaps, or a seed outside its range.
      ValueError: a length does not fit.
    """
    loops.int8_pack(values, seed, scales, codes)


def int8_unpack(scales: Floats, codes: Codes, out: Floats, *, loops: Loops = LOOPS) -> None:
    """Fill `out = codes * scales`, each block with its scale.

    Raises:
      TypeError: another type, or gaps.
      ValueError: a length does not fit.
    """
    loops.int8_unpack(scales, codes, out)
