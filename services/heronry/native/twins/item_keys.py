"""Keys of items by shifts and comparisons of whole arrays."""

import numpy as np

from heronry.native.arrays import Flags, Indices, Keys, ShortIndices
from heronry.native.twins.arguments import require

_GENERATION_BITS = np.uint64(24)
_GENERATION_MASK = np.uint64((1 << 24) - 1)
_SLOT_MASK = np.uint64((1 << 28) - 1)
_SHARD_SHIFT = np.uint64(52)
_LIVE = np.uint32(1 << 31)


def items_find(keys: Keys, generations: ShortIndices, shard: int, slots: Indices, found: Flags) -> None:
    """Fill `slots` and `found` for each key."""
    require(keys=(keys, np.uint64), generations=(generations, np.uint32))
    wanted = (keys >> _GENERATION_BITS) & _SLOT_MASK
    known = (wanted < len(generations)) & (keys >> _SHARD_SHIFT == np.uint64(shard))
    slots[:] = np.where(known, wanted, 0)
    found[:] = False
    fields = generations[slots[known]]
    same = (fields.astype(np.uint64) & _GENERATION_MASK) == (keys[known] & _GENERATION_MASK)
    found[known] = same & ((fields & _LIVE) != 0)


def item_keys(slots: Indices, generations: ShortIndices, shard: int, out: Keys) -> None:
    """Fill `out` with the keys of slots."""
    require(slots=(slots, np.int64), generations=(generations, np.uint32))
    if len(slots) and slots.min() < 0:
        raise IndexError("a negative slot")
    own = generations[slots].astype(np.uint64) & _GENERATION_MASK
    out[...] = np.uint64(shard << 52) | (slots.astype(np.uint64) << _GENERATION_BITS) | own
