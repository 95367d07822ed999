"""The rules in plain NumPy, as good as it gets there: what ours stand beside, and are checked against."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Reference = Callable[[Sequence[Floats], Sequence[float]], Floats]

_CHUNK = 65_536
_PRODUCT_CHUNK = 1 << 18
NUM_TRIMMED = 1
NUM_BYZANTINE_SHARE = 5
"""One in so many contributions may be arbitrary."""


def weighted_mean(vectors: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """Return the weighted mean, in chunks that stay in the cache."""
    shares = np.array(weights, np.float32) / np.float32(sum(weights))
    out = np.empty_like(vectors[0])
    scaled = np.empty(_CHUNK, np.float32)
    for start in range(0, out.size, _CHUNK):
        part = out[start : start + _CHUNK]
        term = scaled[: part.size]
        part[:] = 0
        for share, vector in zip(shares, vectors, strict=True):
            np.multiply(vector[start : start + _CHUNK], share, out=term)
            np.add(part, term, out=part)
    return out


def median(vectors: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """Return the median of each coordinate."""
    del weights
    return np.asarray(np.median(np.stack(vectors), axis=0), np.float32)


def trimmed_mean(vectors: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """Return the mean of each coordinate without its extremes."""
    del weights
    ordered = np.sort(np.stack(vectors), axis=0)
    return np.asarray(ordered[NUM_TRIMMED : len(vectors) - NUM_TRIMMED].mean(axis=0), np.float32)


def krum(vectors: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """Return the contribution nearest to its neighbours; distances by one matrix product."""
    del weights
    num_vectors = len(vectors)
    products = np.zeros((num_vectors, num_vectors))
    for start in range(0, vectors[0].size, _PRODUCT_CHUNK):
        block = np.stack([vector[start : start + _PRODUCT_CHUNK] for vector in vectors])
        products += block @ block.T
    squares = np.diag(products)
    distances = squares[:, None] + squares[None] - 2 * products
    num_neighbours = num_vectors - num_vectors // NUM_BYZANTINE_SHARE - 2
    scores = np.sort(distances, axis=1)[:, 1 : num_neighbours + 1].sum(axis=1)
    return vectors[int(np.argmin(scores))]
