"""Inner products by blocks of rows."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.native.arrays import Reals, Vector
from heronry.native.twins.arguments import require, require_lengths, require_vectors

# So small that BLAS multiplies in the calling thread: its own threads spin, and on a machine whose cores are busy
# a product takes ten times as long with them.
_BLOCK: Final = 20
_DEPTH: Final = 500
# What is shifted at a time: callers count on little memory.
_SLAB_BYTES: Final = 1 << 19


def add_products(sources: Sequence[Vector], origin: int, unit: float, products: Reals) -> None:
    """Add the products of shifted rows as `heronry.native.gram` defines them."""
    if not 0 <= origin < len(sources):
        raise IndexError(f"origin {origin} of {len(sources)} sources")
    require_vectors(like=sources[0], **{f"sources[{i}]": source for i, source in enumerate(sources)})
    require(products=(products, np.float64))
    require_lengths(len(sources), **{f"products[{i}]": row for i, row in enumerate(products)})
    if len(products) != len(sources):
        raise ValueError(f"products {products.shape} of {len(sources)} sources")
    factor = sources[0].dtype.type(unit)
    depths = max(1, _SLAB_BYTES // (_DEPTH * len(sources) * factor.itemsize))
    memory = np.empty((len(sources), depths * _DEPTH), factor.dtype)
    total = np.zeros_like(products)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(sources[0]), memory.shape[1]):
            slab = slice(start, start + memory.shape[1])
            least = sources[origin][slab] * factor
            rows = memory[:, : len(least)]
            for source, row in zip(sources, rows, strict=True):
                np.multiply(source[slab], factor, out=row)
                row -= least
            for first in range(0, len(least), _DEPTH):
                _add_blocks(total, rows[:, first : first + _DEPTH])
    products += np.triu(total)


def _add_blocks(total: Reals, rows: npt.NDArray[np.floating]) -> None:
    """Add the products of blocks of rows, the upper half of them."""
    for i in range(0, len(rows), _BLOCK):
        for j in range(i, len(rows), _BLOCK):
            total[i : i + _BLOCK, j : j + _BLOCK] += rows[i : i + _BLOCK] @ rows[j : j + _BLOCK].T
