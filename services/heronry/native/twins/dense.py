"""The dense set with its holes filled by indexing."""

import numpy as np

from heronry.native.arrays import Indices, ShortIndices
from heronry.native.twins.arguments import require


def dense_insert(dense: ShortIndices, position: ShortIndices, size: int, slots: Indices) -> int:
    """Append slots and return the new size."""
    require(dense=(dense, np.uint32), position=(position, np.uint32), slots=(slots, np.int64))
    end = size + len(slots)
    if end > len(dense):
        raise IndexError(f"{end} slots in room for {len(dense)}")
    position[slots] = np.arange(size, end, dtype=np.uint32)
    dense[size:end] = slots
    return end


def dense_delete(dense: ShortIndices, position: ShortIndices, size: int, slots: Indices) -> int:
    """Remove slots and return the new size."""
    require(dense=(dense, np.uint32), position=(position, np.uint32), slots=(slots, np.int64))
    remaining = size - len(slots)
    places = position[slots].astype(np.int64)
    if len(slots) and (places.max() >= size or not np.array_equal(dense[places], slots)):
        raise IndexError("a slot that is not in the set")
    holes = places[places < remaining]
    if len(holes):
        stays = np.ones(len(slots), np.bool_)
        stays[places[places >= remaining] - remaining] = False
        moved = dense[remaining:size][stays]
        dense[holes] = moved
        position[moved] = holes
    return remaining
