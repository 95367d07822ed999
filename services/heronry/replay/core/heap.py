"""Lowest or highest priority first."""

import heapq
from typing import Final

import numpy as np

from heronry.native import heap_delete, heap_insert, heap_update
from heronry.native.arrays import Orders, Reals, ShortIndices
from heronry.replay.core.reserved import CopySpace, grown, reserved
from heronry.replay.core.selector import NO_SLOTS, Draw, Priorities, Probabilities, Slots
from heronry.replay.core.state import State, array_of, int_of

_CHILDREN: Final = 4
# Orders of slots that are put back lie below those of all that were inserted.
_FIRST_ORDER: Final = 1 << 62


class HeapSelector:
    """Chooses the slot of lowest priority, or of highest; of equals the least recently inserted or updated.

    An indexed heap of four children a node: O(log n) a slot, O(1) to look, O(k log k) to choose k.
    """

    def __init__(self, capacity: int, *, is_max: bool) -> None:
        self._sign = -1.0 if is_max else 1.0
        self._heap = reserved(capacity, np.uint32)
        self._position = reserved(capacity, np.uint32)
        self._keys = reserved(capacity, np.float64)
        self._orders = reserved(capacity, np.uint64)
        self._size = 0
        self._first_order = self._next_order = _FIRST_ORDER

    def __len__(self) -> int:
        return self._size

    @property
    def mass(self) -> float:
        return float(self._size)

    def insert(self, slots: Slots, priorities: Priorities) -> None:
        self._add(slots, priorities, self._next_order)
        self._next_order += len(slots)

    def put_back(self, slots: Slots, priorities: Priorities) -> None:
        self._first_order -= len(slots)
        self._add(slots, priorities, self._first_order)

    def update(self, slots: Slots, priorities: Priorities) -> None:
        values = priorities * self._sign
        heap_update(*self._arrays, self._size, slots, values.astype(np.float64, copy=False), self._next_order)
        self._next_order += len(slots)

    def delete(self, slots: Slots) -> None:
        self._size = heap_delete(*self._arrays, self._size, slots)

    def draw(self, count: int, rng: np.random.Generator, *, independent: bool = False) -> Draw:
        return Draw(np.full(count, self._heap[0], np.int64), np.ones(count))

    def choose(self, count: int, rng: np.random.Generator, excluded: Slots = NO_SLOTS) -> Draw:
        slots = self._first(count + len(excluded))
        if len(excluded):
            slots = slots[~np.isin(slots, excluded)][:count]
        return Draw(slots, np.ones(len(slots)))

    def probabilities(self, slots: Slots) -> Probabilities:
        return (slots == self._heap[0]).astype(np.float64) if self._size else np.zeros(len(slots))

    def clear(self) -> None:
        self._position[self._heap[: self._size]] = 0
        self._size = 0
        self._first_order = self._next_order = _FIRST_ORDER

    def state(self, space: CopySpace) -> State:
        slots = self._heap[: self._size]
        return {
            "heap": space.copy(slots),
            "keys": space.take(self._keys, slots),
            "orders": space.take(self._orders, slots),
            "first_order": self._first_order,
            "next_order": self._next_order,
        }

    def restore(self, state: State) -> None:
        self.clear()
        slots = array_of(state, "heap")
        self._reach(int(slots.max(initial=0)) + 1)
        self._size = len(slots)
        self._heap[: self._size] = slots
        self._position[slots] = np.arange(1, self._size + 1)
        self._keys[slots] = array_of(state, "keys")
        self._orders[slots] = array_of(state, "orders")
        self._first_order, self._next_order = int_of(state, "first_order"), int_of(state, "next_order")

    @property
    def _arrays(self) -> tuple[ShortIndices, ShortIndices, Reals, Orders]:
        return self._heap, self._position, self._keys, self._orders

    def _add(self, slots: Slots, priorities: Priorities, first_order: int) -> None:
        self._reach(max(int(slots.max(initial=-1)) + 1, self._size + len(slots)))
        self._keys[slots] = priorities * self._sign
        self._orders[slots] = np.arange(first_order, first_order + len(slots), dtype=np.uint64)
        self._size = heap_insert(*self._arrays, self._size, slots)

    def _first(self, count: int) -> Slots:
        """Return up to `count` slots in their order; a child is looked at only after its parent."""
        if self._size == 0 or count == 0:
            return NO_SLOTS
        if count == 1:
            return self._heap[:1].astype(np.int64)
        ahead = [self._at(0)]
        slots: list[int] = []
        while ahead and len(slots) < count:
            _, _, place, slot = heapq.heappop(ahead)
            slots.append(slot)
            first = _CHILDREN * place + 1
            for child in range(first, min(first + _CHILDREN, self._size)):
                heapq.heappush(ahead, self._at(child))
        return np.array(slots, np.int64)

    def _at(self, place: int) -> tuple[float, int, int, int]:
        slot = int(self._heap[place])
        return float(self._keys[slot]), int(self._orders[slot]), place, slot

    def _reach(self, count: int) -> None:
        used = len(self._heap)
        if count > used:
            for name in ("_heap", "_position", "_keys", "_orders"):
                setattr(self, name, grown(getattr(self, name), max(count, 2 * used), used))
