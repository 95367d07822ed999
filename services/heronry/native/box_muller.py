"""Normals from the words of a random stream, by Box and Muller's transform.

A word's upper 53 bits make a uniform u of (0, 1], so a radius `sqrt(-2 log u)` is at most 8.57; another word's lower
52 bits make an angle within a quarter of the circle, its upper two bits the quarter. Words come in blocks of 512: word
i of a block's first half and word i of its second make normals i and 256 + i of the block. A vector is thus the
beginning of any longer one from the same stream.

Logarithm, sine and cosine are polynomials in IEEE operations, so all builds and machines give the same bits. A normal
is within 5 * 2^-53 of its exact value, relatively.

Source: Box and Muller 1958.
"""

from typing import Final

from heronry.native.arrays import Indices, Keys, Reals
from heronry.native.backend import LOOPS, Loops

NORMALS_BLOCK: Final = 512
MAX_NORMAL_SCALE: Final = 2.0**47


def num_normal_words(num_values: int) -> int:
    """Return how many words make that many normals: whole blocks."""
    return -(-num_values // NORMALS_BLOCK) * NORMALS_BLOCK


def box_muller(words: Keys, out: Reals, *, loops: Loops = LOOPS) -> None:
    """Fill `out` with standard normals.

    Args:
      words: [num_normal_words(P)], uniform.
      out: [P].
      loops: the twin to use; the one chosen at import by default.

    Raises:
      TypeError: another type, or gaps.
      ValueError: a length does not fit.
    """
    loops.box_muller(words, out)


def add_box_muller(words: Keys, scale: float, total: Indices, *, loops: Loops = LOOPS) -> None:
    """Add `rint(normal * scale)` to the total, half to even; the normals are those of `box_muller`.

    Args:
      words: [num_normal_words(P)], uniform.
      scale: 0 to 2^47: what is added stays below 2^51.
      total: [P]; the caller keeps it away from the ends of int64.
      loops: the twin to use; the one chosen at import by default.

    Raises:
      TypeError: another type, or gaps.
      ValueError: a length does not fit, or a scale outside its range.
    """
    loops.add_box_muller(words, scale, total)
