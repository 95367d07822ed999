"""Gaussian noise: standard normals, and normals rounded onto the grid.

Because a sum of contributions lies on the grid, `round(sum + N) = sum + round(N)`: rounding after the draw is
post-processing of the Gaussian mechanism, so Gaussian accounting holds. The one gap is the sampler's own: normals end
at 8.57 standard deviations, beyond which a true one falls once in 10^17.

10 million values take about 45 ms of CPU time, two fifths of it for the keystream.

Source: Box and Muller 1958; Haney et al. 2022 on why sums of floats are not noised.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.native import MAX_NORMAL_SCALE, add_box_muller, box_muller, num_normal_words
from heronry.native.arrays import Keys
from heronry.privacy.noise.keys import NoiseKey
from heronry.privacy.noise.keystream import CHUNK_VALUES, Keystream, over_chunks, stream_index
from heronry.types.field_checks import finite_number

_PURPOSE: Final = b"normals"


def fill_normals(
    key: NoiseKey, index: int, out: npt.NDArray[np.float64], *, first_chunk: int = 0, num_threads: int = 2
) -> None:
    """Fill `out` with standard normals; the same key and index give the same bits, by any number of threads.

    Args:
      key: of the release, or of the run.
      index: number of the stream: a release, a node of a tree.
      out: [P] float64.
      first_chunk: where `out` begins in its whole vector, in units of `CHUNK_VALUES`.
      num_threads: at most so many work at a time.

    Raises:
      InvalidArgumentError: an index or a chunk out of range.
      TypeError: another type, or gaps.
    """
    key, index = key.child(_PURPOSE), stream_index(index)

    def fill(chunks: range) -> None:
        buffer = np.empty(CHUNK_VALUES, np.uint64)
        for chunk in chunks:
            part = out[(chunk - first_chunk) * CHUNK_VALUES :][:CHUNK_VALUES]
            box_muller(_words(key, index, chunk, len(part), buffer), part)

    over_chunks(len(out), first_chunk, num_threads, fill)


def add_rounded_normals(
    key: NoiseKey,
    index: int,
    sigma_steps: float,
    total: npt.NDArray[np.int64],
    *,
    first_chunk: int = 0,
    num_threads: int = 2,
) -> None:
    """Add `rint(sigma_steps * normal)`, with the normals that `fill_normals` gives for the key and the index.

    Args:
      key: of the release, or of the run.
      index: number of the stream.
      sigma_steps: standard deviation in grid steps, above 0, at most 2^47.
      total: [P] int64, in grid steps.
      first_chunk: where `total` begins in its whole vector, in units of `CHUNK_VALUES`.
      num_threads: at most so many work at a time.

    Raises:
      InvalidArgumentError: an index, a chunk or the standard deviation out of range.
      TypeError: another type, or gaps.
    """
    sigma = finite_number("sigma_steps", sigma_steps, lambda s: 0 < s <= MAX_NORMAL_SCALE, "above 0, at most 2^47")
    key, index = key.child(_PURPOSE), stream_index(index)

    def add(chunks: range) -> None:
        buffer = np.empty(CHUNK_VALUES, np.uint64)
        for chunk in chunks:
            part = total[(chunk - first_chunk) * CHUNK_VALUES :][:CHUNK_VALUES]
            add_box_muller(_words(key, index, chunk, len(part), buffer), sigma, part)

    over_chunks(len(total), first_chunk, num_threads, add)


def _words(key: NoiseKey, index: int, chunk: int, num_values: int, buffer: Keys) -> Keys:
    words = buffer[: num_normal_words(num_values)]
    Keystream(key, index, chunk).fill(words)
    return words
