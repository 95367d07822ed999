"""A set of slots without gaps, for drawing any of them with equal probability.

`dense[:size]` are the slots, `position[slot]` is a slot's place among them; both uint32. All O(k).
"""

from heronry.native.arrays import Indices, ShortIndices
from heronry.native.backend import LOOPS, Loops


def dense_insert(
    dense: ShortIndices, position: ShortIndices, size: int, slots: Indices, *, loops: Loops = LOOPS
) -> int:
    """Append slots that are not in the set and return its new size.

    Raises:
      IndexError: there is no room; nothing is changed then.
    """
    return loops.dense_insert(dense, position, size, slots)


def dense_delete(
    dense: ShortIndices, position: ShortIndices, size: int, slots: Indices, *, loops: Loops = LOOPS
) -> int:
    """Remove distinct slots and return the set's new size.

    The holes, in the order of `slots`, are filled with the last slots of the set, in their order.

    Raises:
      IndexError: a slot is not in the set; nothing is changed then.
    """
    return loops.dense_delete(dense, position, size, slots)
