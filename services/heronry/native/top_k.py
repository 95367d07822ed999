"""The k largest magnitudes of a vector, and putting them back."""

import numpy as np

from heronry.native.arrays import Floats, ShortIndices
from heronry.native.backend import LOOPS, Loops


def top_k(values: Floats, k: int, *, loops: Loops = LOOPS) -> tuple[ShortIndices, Floats]:
    """Return where the k largest magnitudes lie and the values there.

    Of equal magnitudes those at lower indices are taken. O(P) on average: values are counted by the first eleven
    bits of their magnitude, and those that share them with the k-th largest are compared in full. Takes up to 8 bytes
    for each value that is not below those.

    Args:
      values: [P], without NaN; P at most 2^32.
      k: 0 to P.
      loops: the twin to use; the one chosen at import by default.

    Returns:
      [k] indices, ascending, and [k] values.

    Raises:
      TypeError: not a contiguous float32 vector.
      ValueError: k is outside its range.
    """
    if not 0 <= k <= len(values):
        raise ValueError(f"k: {k}, needed: 0 to {len(values)}, the number of values")
    indices, kept = np.empty(k, np.uint32), np.empty(k, np.float32)
    loops.top_k(values, indices, kept)
    return indices, kept


def scatter(indices: ShortIndices, kept: Floats, out: Floats, *, loops: Loops = LOOPS) -> None:
    """Fill `out` with zeros, then `out[indices] = kept`.

    Raises:
      TypeError: another type, or gaps.
      IndexError: an index past the end; `out` is unchanged then.
      ValueError: not as many values as indices.
    """
    loops.scatter(indices, kept, out)
