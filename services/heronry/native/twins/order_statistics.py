"""Order statistics by sorting, some coordinates at a time."""

from collections.abc import Sequence

import numpy as np

from heronry.native.arrays import Vector
from heronry.native.twins.arguments import require_vectors

_SLAB = 1 << 16


def coordinate_median(sources: Sequence[Vector], out: Vector) -> None:
    """Fill `out` with the medians."""
    _check(sources, 1, out)
    with np.errstate(over="ignore"):
        for first in range(0, len(out), _SLAB):
            out[first : first + _SLAB] = np.median([source[first : first + _SLAB] for source in sources], axis=0)


def trimmed_mean(sources: Sequence[Vector], num_trimmed: int, out: Vector) -> None:
    """Fill `out` with the means of the middle."""
    if num_trimmed < 0:
        raise TypeError(f"num_trimmed: {num_trimmed}, needed: at least 0")
    _check(sources, 2 * num_trimmed + 1, out)
    count = len(sources) - 2 * num_trimmed
    with np.errstate(over="ignore"):
        for first in range(0, len(out), _SLAB):
            rows = np.sort([source[first : first + _SLAB] for source in sources], axis=0)
            total = rows[num_trimmed]
            for row in rows[num_trimmed + 1 : num_trimmed + count]:
                total = total + row
            out[first : first + _SLAB] = total / out.dtype.type(count)


def _check(sources: Sequence[Vector], fewest: int, out: Vector) -> None:
    require_vectors(like=out, out_vector=out, **{f"sources[{i}]": source for i, source in enumerate(sources)})
    if len(sources) < fewest:
        raise ValueError(f"{len(sources)} sources, needed: at least {fewest}")
