"""Differences of two Poisson numbers of one mean, which have Skellam's distribution, from the words of a random stream.

Below a mean of 10 a Poisson number counts arrivals, by exponential intervals; from there on it comes from a transformed
rejection. The published hat is not quite one: below a mean of 2000 the acceptance exceeds 1 by up to 0.6 %, and
the quick acceptance by up to 0.2 %, so that some integers come too rarely. Here the hat is 1 % higher and the quick
acceptance 1 % lower. Both ways compute in float64 with logarithms of box_muller's kind: all builds and machines give
the same integers.

The sampler is not exact. From a mean of 2^-7 on, probabilities within 8 standard deviations are off by a factor of at
most about 1 + 2^-50 max(sqrt(mean), 2^10), from the 53 bits of its uniforms and the rounding of the acceptance: 2^-30
at a mean of 2^39. Farther tails are cut as those of a 53-bit uniform are.

Source: Hörmann 1993, algorithm PTRS; Loader 2000 for the probabilities.
"""

from typing import Final

from heronry.native.arrays import Indices, Keys
from heronry.native.backend import LOOPS, Loops

MAX_POISSON_MEAN: Final = 2.0**39


def add_poisson_difference(words: Keys, mean: float, total: Indices, *, loops: Loops = LOOPS) -> tuple[int, int]:
    """Add a difference of two draws to each element of the total, in order, while the words last.

    Args:
      words: uniform, any number.
      mean: of each of the two, above 0, at most 2^39; the difference has twice that as its variance.
      total: [P].
      loops: the twin to use; the one chosen at import by default.

    Returns:
      How many elements have their draw, and how many words those took; go on as after `add_discrete_gaussian`.

    Raises:
      TypeError: another type, or gaps.
      ValueError: a mean outside its range.
    """
    return loops.add_poisson_difference(words, mean, total)
