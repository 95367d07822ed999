"""Order statistics of each coordinate over several vectors.

Sources are N vectors `[P]`, float32 or float64, of one type and length, without NaN. A tile of coordinates at a time
is sorted by a network of compare-exchanges, the same for all coordinates. O(P N log^2 N).
"""

from collections.abc import Sequence

from heronry.native.arrays import Vector
from heronry.native.backend import LOOPS, Loops


def coordinate_median(sources: Sequence[Vector], out: Vector, *, loops: Loops = LOOPS) -> None:
    """Fill `out[p]` with the median of `sources[:, p]`; of an even number the mean of the middle two.

    Equal to `numpy.median(sources, axis=0)` in the vectors' own type; of zeros of both signs either may come.

    Raises:
      TypeError: a source of another type than `out`, or with gaps.
      ValueError: no source, or a length differs.
    """
    loops.coordinate_median(sources, out)


def trimmed_mean(sources: Sequence[Vector], num_trimmed: int, out: Vector, *, loops: Loops = LOOPS) -> None:
    """Fill `out[p]` with the mean of `sources[:, p]` without its `num_trimmed` largest and smallest.

    What remains is added in ascending order in the vectors' own type: the order of sources does not matter.

    Raises:
      TypeError: a source of another type than `out`, or with gaps.
      ValueError: fewer than `2 num_trimmed + 1` sources, or a length differs.

    Source: Yin et al. 2018, Definition 2.
    """
    loops.trimmed_mean(sources, num_trimmed, out)
