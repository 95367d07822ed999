"""The indexed heap, one slot at a time in Python."""

import numpy as np

from heronry.native.arrays import Indices, Orders, Reals, ShortIndices
from heronry.native.twins.arguments import require

_ARITY = 4


def heap_insert(
    heap: ShortIndices, position: ShortIndices, priorities: Reals, orders: Orders, size: int, slots: Indices
) -> int:
    """Add slots and return the new size."""
    _check(heap, position, priorities, orders, slots)
    if size + len(slots) > len(heap):
        raise IndexError(f"{size + len(slots)} slots in room for {len(heap)}")
    for slot in slots.tolist():
        if position[slot]:
            raise ValueError(f"slot {slot} is in the heap already")
        _rise(heap, position, priorities, orders, size, slot)
        size += 1
    return size


def heap_update(
    heap: ShortIndices,
    position: ShortIndices,
    priorities: Reals,
    orders: Orders,
    size: int,
    slots: Indices,
    values: Reals,
    first_order: int,
) -> None:
    """Give slots their priority and order anew, one after the other."""
    _check(heap, position, priorities, orders, slots)
    for count, (slot, value) in enumerate(zip(slots.tolist(), values.tolist(), strict=True)):
        _require_held(position, slot)
        priorities[slot] = value
        orders[slot] = first_order + count
        _settle(heap, position, priorities, orders, size, slot, int(position[slot]) - 1)


def heap_delete(
    heap: ShortIndices, position: ShortIndices, priorities: Reals, orders: Orders, size: int, slots: Indices
) -> int:
    """Remove slots and return the new size."""
    _check(heap, position, priorities, orders, slots)
    for slot in slots.tolist():
        _require_held(position, slot)
        hole = int(position[slot]) - 1
        position[slot] = 0
        size -= 1
        last = int(heap[size])
        if hole < size:
            _settle(heap, position, priorities, orders, size, last, hole)
    return size


def heap_is_valid(heap: ShortIndices, position: ShortIndices, priorities: Reals, orders: Orders, size: int) -> bool:
    """Return whether no slot comes before its parent and every position is right."""
    _check(heap, position, priorities, orders, np.zeros(0, np.int64))
    for place in range(size):
        slot = int(heap[place])
        if position[slot] != place + 1:
            return False
        if place and _before(priorities, orders, slot, int(heap[(place - 1) // _ARITY])):
            return False
    return int((position != 0).sum()) == size


def _check(heap: ShortIndices, position: ShortIndices, priorities: Reals, orders: Orders, slots: Indices) -> None:
    require(heap=(heap, np.uint32), position=(position, np.uint32), slots=(slots, np.int64))
    require(priorities=(priorities, np.float64), orders=(orders, np.uint64))
    room = min(len(position), len(priorities), len(orders))
    if len(slots) and not (slots.min() >= 0 and slots.max() < room):
        raise IndexError(f"a slot outside 0 to {room - 1}")


def _require_held(position: ShortIndices, slot: int) -> None:
    if not position[slot]:
        raise ValueError(f"slot {slot} is not in the heap")


def _before(priorities: Reals, orders: Orders, a: int, b: int) -> bool:
    if priorities[a] != priorities[b]:
        return bool(priorities[a] < priorities[b])
    return bool(orders[a] < orders[b])


def _settle(
    heap: ShortIndices, position: ShortIndices, priorities: Reals, orders: Orders, size: int, slot: int, place: int
) -> None:
    place = _sink(heap, position, priorities, orders, size, slot, place)
    _rise(heap, position, priorities, orders, place, slot)


def _rise(heap: ShortIndices, position: ShortIndices, priorities: Reals, orders: Orders, place: int, slot: int) -> None:
    while place:
        above = (place - 1) // _ARITY
        parent = int(heap[above])
        if not _before(priorities, orders, slot, parent):
            break
        heap[place] = parent
        position[parent] = place + 1
        place = above
    heap[place] = slot
    position[slot] = place + 1


def _sink(
    heap: ShortIndices, position: ShortIndices, priorities: Reals, orders: Orders, size: int, slot: int, place: int
) -> int:
    while True:
        first = _ARITY * place + 1
        if first >= size:
            return place
        least = first
        for child in range(first + 1, min(first + _ARITY, size)):
            if _before(priorities, orders, int(heap[child]), int(heap[least])):
                least = child
        if not _before(priorities, orders, int(heap[least]), slot):
            return place
        heap[place] = heap[least]
        position[heap[least]] = place + 1
        place = least
