"""Noise that is an integer from the start: the exact discrete Gaussian, and Skellam's distribution.

A million discrete Gaussians take about 0.1 s of CPU time, a million Skellam draws 0.06 s (0.15 s
below a variance of 20), a million rounded normals 5 ms.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from heronry import native
from heronry.native import MAX_DISCRETE_SIGMA, MAX_POISSON_MEAN
from heronry.native.arrays import Indices, Keys
from heronry.privacy.noise.keys import NoiseKey
from heronry.privacy.noise.keystream import CHUNK_VALUES, Keystream, over_chunks, stream_index
from heronry.types.field_checks import finite_number, whole_number

_DRAWS = Callable[[Keys, Indices], tuple[int, int]]
_MIN_VARIANCE: Final = 2.0**-6
_WORDS_A_READ: Final = CHUNK_VALUES


def add_discrete_gaussian(
    key: NoiseKey,
    index: int,
    sigma_steps: int,
    total: npt.NDArray[np.int64],
    *,
    first_chunk: int = 0,
    num_threads: int = 2,
) -> None:
    """Add draws from the discrete Gaussian: k has probability proportional to `exp(-k^2 / (2 sigma_steps^2))`.

    Exact: whole arithmetic from the keystream to the draw. It is `sensitivity^2 / (2 sigma_steps^2)`-zCDP.

    Args:
      key: of the release, or of the run.
      index: number of the stream.
      sigma_steps: 1 to 2^24, in grid steps.
      total: [P] int64, in grid steps.
      first_chunk: where `total` begins in its whole vector, in units of `CHUNK_VALUES`.
      num_threads: at most so many work at a time.

    Raises:
      InvalidArgumentError: an index, a chunk or the standard deviation out of range.
      TypeError: another type, or gaps.

    Source: Canonne, Kamath and Steinke 2020, Algorithms 1 to 3.
    """
    sigma = whole_number("sigma_steps", sigma_steps, 1, MAX_DISCRETE_SIGMA)

    def draws(words: Keys, part: Indices) -> tuple[int, int]:
        return native.add_discrete_gaussian(words, sigma, part)

    _add(key.child(b"discrete gaussian"), index, total, first_chunk, num_threads, draws)


def add_skellam(
    key: NoiseKey,
    index: int,
    variance: float,
    total: npt.NDArray[np.int64],
    *,
    first_chunk: int = 0,
    num_threads: int = 2,
) -> None:
    """Add draws from Skellam's distribution: differences of two Poisson numbers of mean `variance / 2`.

    Sums of such draws are Skellam again, of the sum of their variances: shares of clients add up to noise of one known
    distribution. Not exact: a probability is off by a factor of at most about `1 + 2^-49 max(sqrt(variance), 2^10)`
    within 8 standard deviations (`heronry.native.poisson_difference` tells why), so each of P elements may change a
    privacy loss by twice as little; the discrete Gaussian is exact.

    Args:
      key: of the client's contribution.
      index: number of the stream.
      variance: in squared grid steps, 2^-6 to 2^40.
      total: [P] int64, in grid steps.
      first_chunk: where `total` begins in its whole vector, in units of `CHUNK_VALUES`.
      num_threads: at most so many work at a time.

    Raises:
      InvalidArgumentError: an index, a chunk or the variance out of range.
      TypeError: another type, or gaps.

    Source: Agarwal, Kairouz and Liu 2021.
    """
    allowed = "2^-6 to 2^40"
    mean = finite_number("variance", variance, lambda v: _MIN_VARIANCE <= v <= 2 * MAX_POISSON_MEAN, allowed) / 2

    def draws(words: Keys, part: Indices) -> tuple[int, int]:
        return native.add_poisson_difference(words, mean, part)

    _add(key.child(b"skellam"), index, total, first_chunk, num_threads, draws)


def _add(key: NoiseKey, index: int, total: Indices, first_chunk: int, num_threads: int, draws: _DRAWS) -> None:
    index = stream_index(index)

    def add(chunks: range) -> None:
        for chunk in chunks:
            part = total[(chunk - first_chunk) * CHUNK_VALUES :][:CHUNK_VALUES]
            _add_chunk(Keystream(key, index, chunk), part, draws)

    over_chunks(len(total), first_chunk, num_threads, add)


def _add_chunk(stream: Keystream, part: Indices, draws: _DRAWS) -> None:
    words = np.empty(0, np.uint64)
    while len(part):
        # Words of a draw that was cut short come first again: without them long draws would be too rare.
        longer = np.empty(len(words) + _WORDS_A_READ, np.uint64)
        longer[: len(words)] = words
        stream.fill(longer[len(words) :])
        num_values, num_words = draws(longer, part)
        part, words = part[num_values:], longer[num_words:]
