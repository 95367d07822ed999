"""First in, first out."""

import numpy as np

from heronry.replay.core.selector import Draw, Priorities, Slots

_GONE = -1
_FIRST_CAPACITY = 256


class FifoSelector:
    """Chooses the oldest insertion; priorities have no effect.

    The order is an array with a head and a tail; a deleted slot leaves a hole that the head skips.
    When the tail reaches the end the living are moved, so that every call costs amortised O(1) a slot.
    """

    def __init__(self) -> None:
        self._order = np.full(_FIRST_CAPACITY, _GONE, np.int64)
        self._position = np.zeros(_FIRST_CAPACITY, np.int64)
        self._head = 0
        self._tail = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def insert(self, slots: Slots, priorities: Priorities) -> None:
        if self._tail + len(slots) > len(self._order):
            self._compact(0, len(slots))
        self._place(slots, self._tail)
        self._tail += len(slots)

    def restore(self, slots: Slots, priorities: Priorities) -> None:
        if self._head < len(slots):
            self._compact(len(slots), 0)
        self._head -= len(slots)
        self._place(slots, self._head)

    def update(self, slots: Slots, priorities: Priorities) -> None:
        """Do nothing: the order of insertion stays."""

    def delete(self, slots: Slots) -> None:
        self._order[self._position[slots]] = _GONE
        self._size -= len(slots)
        self._skip_holes()

    def draw(self, count: int, rng: np.random.Generator) -> Draw:
        return Draw(np.full(count, self._order[self._head], np.int64), np.ones(count))

    def take(self, count: int, rng: np.random.Generator) -> Draw:
        count = min(count, self._size)
        slots = self._oldest(count)
        self.delete(slots)
        return Draw(slots, np.ones(count))

    def clear(self) -> None:
        self._order[self._head : self._tail] = _GONE
        self._head = self._tail = self._size = 0

    def _oldest(self, count: int) -> Slots:
        stop = self._head + count
        slots = self._order[self._head : stop]
        if (slots == _GONE).any():
            order = self._order[self._head : self._tail]
            return np.asarray(order[order != _GONE][:count])
        return slots.copy()

    def _place(self, slots: Slots, start: int) -> None:
        highest = int(slots.max(initial=-1))
        if highest >= len(self._position):
            self._position = np.resize(self._position, max(highest + 1, 2 * len(self._position)))
        self._order[start : start + len(slots)] = slots
        self._position[slots] = np.arange(start, start + len(slots))
        self._size += len(slots)

    def _skip_holes(self) -> None:
        if self._size == 0:
            self._head = self._tail = 0
            return
        step = 64
        while self._order[self._head] == _GONE:
            living = self._order[self._head : self._head + step] != _GONE
            self._head += int(living.argmax()) if living.any() else len(living)
            step *= 2

    def _compact(self, before: int, after: int) -> None:
        """Move the living together, with room before and after them."""
        order = self._order[self._head : self._tail]
        living = order[order != _GONE]
        capacity = max(len(self._order), 2 * (before + len(living) + after))
        self._order = np.full(capacity, _GONE, np.int64)
        self._order[before : before + len(living)] = living
        self._position[living] = np.arange(before, before + len(living))
        self._head, self._tail = before, before + len(living)
