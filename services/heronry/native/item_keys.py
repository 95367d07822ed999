"""Keys of items: `shard (12 bits) | slot (28) | generation (24)`.

`generations` holds for each slot its generation in the low 24 bits and flags above, bit 31 for a live item.
"""

import numpy as np

from heronry.native.arrays import Flags, Indices, Keys, ShortIndices
from heronry.native.backend import LOOPS, Loops


def items_find(keys: Keys, generations: ShortIndices, shard: int, *, loops: Loops = LOOPS) -> tuple[Indices, Flags]:
    """Return for each key its slot, and whether a live item of that key is there; an impossible slot is told as 0."""
    slots = np.empty(len(keys), np.int64)
    found = np.empty(len(keys), np.bool_)
    loops.items_find(keys, generations, shard, slots, found)
    return slots, found


def item_keys(slots: Indices, generations: ShortIndices, shard: int, *, loops: Loops = LOOPS) -> Keys:
    """Return the keys of slots.

    Raises:
      IndexError: no such slot.
    """
    out = np.empty(len(slots), np.uint64)
    loops.item_keys(slots, generations, shard, out)
    return out
