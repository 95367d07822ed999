"""Slots in an indexed heap of four children a node, least (priority, order) first.

`heap[:size]` are the slots, `heap[0]` the first one; `position[slot]` is a slot's place plus 1, or 0 when it is
not in the heap, so that untouched zero memory is an empty heap. `priorities` and `orders` are by slot. For the
highest priority first, negate priorities. O(log4 n) a slot.
"""

from heronry.native.arrays import Indices, Orders, Reals, ShortIndices
from heronry.native.backend import LOOPS, Loops


def heap_insert(
    heap: ShortIndices,
    position: ShortIndices,
    priorities: Reals,
    orders: Orders,
    size: int,
    slots: Indices,
    *,
    loops: Loops = LOOPS,
) -> int:
    """Add slots whose priorities and orders are already written; return the new size.

    Args:
      heap: uint32, room for all slots.
      position: uint32 by slot.
      priorities: float64 by slot, no NaN.
      orders: uint64 by slot, distinct.
      size: slots in the heap.
      slots: [k], none of them in the heap.
      loops: the twin to use; the one chosen at import by default.

    Raises:
      IndexError: there is no room, or no such slot; nothing is changed then.
      ValueError: a slot is in the heap already; those before it are in, and `size` is then lost.
    """
    return loops.heap_insert(heap, position, priorities, orders, size, slots)


def heap_update(
    heap: ShortIndices,
    position: ShortIndices,
    priorities: Reals,
    orders: Orders,
    size: int,
    slots: Indices,
    values: Reals,
    first_order: int,
    *,
    loops: Loops = LOOPS,
) -> None:
    """Write new priorities `values` [k] and orders `first_order`, `first_order + 1`, ...; the last of a slot wins.

    Raises:
      IndexError: no such slot; nothing is changed then.
      ValueError: a slot is not in the heap; those before it are changed.
    """
    loops.heap_update(heap, position, priorities, orders, size, slots, values, first_order)


def heap_delete(
    heap: ShortIndices,
    position: ShortIndices,
    priorities: Reals,
    orders: Orders,
    size: int,
    slots: Indices,
    *,
    loops: Loops = LOOPS,
) -> int:
    """Remove slots and return the new size.

    Raises:
      IndexError: no such slot; nothing is changed then.
      ValueError: a slot is not in the heap; those before it are gone, and `size` is then lost.
    """
    return loops.heap_delete(heap, position, priorities, orders, size, slots)


def heap_is_valid(
    heap: ShortIndices, position: ShortIndices, priorities: Reals, orders: Orders, size: int, *, loops: Loops = LOOPS
) -> bool:
    """Return whether no slot comes before its parent and all positions are right. O(n)."""
    return loops.heap_is_valid(heap, position, priorities, orders, size)
