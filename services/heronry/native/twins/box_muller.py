"""Box and Muller's transform, all blocks at once."""

from typing import Final

import numpy as np

from heronry.native.arrays import Indices, Keys, Reals
from heronry.native.twins.arguments import require, require_lengths
from heronry.native.twins.elementary_functions import logarithm, quarter_turns, sine_cosine, uniform_above_0

_BLOCK: Final = 512
_SWAP: Final = np.uint64(1 << 62)
_SIGN: Final = np.uint64(1 << 63)
_MAX_SCALE: Final = 2.0**47


def box_muller(words: Keys, out: Reals) -> None:
    """Fill `out` with standard normals."""
    require(words=(words, np.uint64), out=(out, np.float64))
    _require_words(words, len(out))
    out[:] = _normals(words)[: len(out)]


def add_box_muller(words: Keys, scale: float, total: Indices) -> None:
    """Add scaled and rounded normals."""
    require(words=(words, np.uint64), total=(total, np.int64))
    _require_words(words, len(total))
    if not 0 <= scale <= _MAX_SCALE:
        raise ValueError("a scale outside 0 to 2^47")
    total += np.rint(_normals(words)[: len(total)] * scale).astype(np.int64)


def _require_words(words: Keys, num_values: int) -> None:
    require_lengths(-(-num_values // _BLOCK) * _BLOCK, words=words)


def _normals(words: Keys) -> Reals:
    radii, angles = (np.ascontiguousarray(half) for half in words.reshape(-1, 2, _BLOCK // 2).swapaxes(0, 1))
    radius = np.sqrt(-2.0 * logarithm(uniform_above_0(radii)))
    radius = np.where(angles & _SIGN, -radius, radius)
    sine, cosine = sine_cosine(quarter_turns(angles) * 1.5707963267948966)
    swap = (angles & _SWAP) != 0
    first, second = np.where(swap, sine, cosine), np.where(swap, cosine, sine)
    return np.concatenate((radius * first, radius * second), axis=1).reshape(-1)
