"""The exact discrete Gaussian from the words of a random stream: whole arithmetic only, no rounding anywhere.

An integer k has probability proportional to `exp(-k^2 / (2 sigma^2))`. Rejection from a discrete Laplace distribution
of scale sigma + 1; events of probability exp(-n / d) come from Bernoulli events of rational probability. All numbers
are integers of at most 128 bits. The one cut: beyond 4096 (sigma + 1) nothing is drawn, a mass below exp(-4096).

A draw takes 13 to 18 words on average, some many more: the words may run dry.

Source: Canonne, Kamath and Steinke 2020, Algorithms 1 to 3.
"""

from typing import Final

from heronry.native.arrays import Indices, Keys
from heronry.native.backend import LOOPS, Loops

MAX_DISCRETE_SIGMA: Final = 2**24


def add_discrete_gaussian(words: Keys, sigma: int, total: Indices, *, loops: Loops = LOOPS) -> tuple[int, int]:
    """Add a draw to each element of the total, in order, while the words last.

    Args:
      words: uniform, any number.
      sigma: 1 to 2^24; the standard deviation is at most this, and all but equal from 2 on.
      total: [P].
      loops: the twin to use; the one chosen at import by default.

    Returns:
      How many elements have their draw, and how many words those took. Go on with the rest of the total, and with the
      words not taken before new ones: the result is then that of one long stream. Never skip those words: draws that
      take few would be favoured.

    Raises:
      TypeError: another type, or gaps.
      ValueError: a sigma outside its range.
    """
    return loops.add_discrete_gaussian(words, sigma, total)
