"""The largest magnitudes by partition."""

import numpy as np

from heronry.native.arrays import Floats, ShortIndices
from heronry.native.twins.arguments import require, require_lengths


def top_k(values: Floats, indices: ShortIndices, kept: Floats) -> None:
    """Fill indices and values of the largest magnitudes."""
    require(values=(values, np.float32), indices=(indices, np.uint32), kept=(kept, np.float32))
    k = len(indices)
    require_lengths(len(values), values=values)
    require_lengths(k, indices=indices, kept=kept)
    if k > len(values):
        raise ValueError(f"{k} largest of {len(values)} values")
    if not k:
        return
    magnitudes = np.abs(values)
    threshold = np.partition(magnitudes, len(values) - k)[len(values) - k]
    above = np.flatnonzero(magnitudes > threshold)
    ties = np.flatnonzero(magnitudes == threshold)[: k - len(above)]
    indices[:] = np.sort(np.concatenate([above, ties]))
    kept[:] = values[indices]


def scatter(indices: ShortIndices, kept: Floats, out: Floats) -> None:
    """Put the values among zeros."""
    require(indices=(indices, np.uint32), kept=(kept, np.float32), out=(out, np.float32))
    require_lengths(len(indices), indices=indices, kept=kept)
    require_lengths(len(out), out=out)
    if len(indices) and indices.max() >= len(out):
        raise IndexError(f"index {indices.max()} of {len(out)} values")
    out[:] = 0
    out[indices] = kept
