"""Slots in the order of their insertion."""

from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.replay.core.reserved import CopySpace, grown, reserved
from heronry.replay.core.selector import NO_SLOTS, Slots

_GONE: Final = np.uint32(0xFFFFFFFF)
_MARGIN: Final = 64
_PIECE: Final = 1 << 16


class InsertionOrder:
    """An array of slots with a head and a tail, between which deleted slots leave holes.

    Slots come and go at both ends without a look-up. Where each slot stands is noted only from the first
    deletion in the middle on: an order that never sees one takes four bytes a slot. When an end of the array
    is reached the living are moved together, so that every call costs amortised O(1) a slot.
    """

    def __init__(self, capacity: int) -> None:
        self._order = reserved(capacity + capacity // 8 + _MARGIN, np.uint32)
        self._positions: npt.NDArray[np.uint32] | None = None
        self._head = self._tail = len(self._order) // 8
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, slots: Slots) -> None:
        """Add slots after all that are there, the newest last."""
        if self._tail + len(slots) > len(self._order):
            self._recentre(len(slots))
        self._place(slots, self._tail)
        self._tail += len(slots)

    def prepend(self, slots: Slots) -> None:
        """Add slots before all that are there; they come in the order of their insertion."""
        if self._head < len(slots):
            self._recentre(len(slots))
        self._head -= len(slots)
        self._place(slots, self._head)

    def delete(self, slots: Slots) -> None:
        """Remove slots."""
        if not self._drop_ends(slots):
            self._order[self._noted_positions()[slots]] = _GONE
            self._size -= len(slots)
            self._skip_holes()

    def oldest(self, count: int) -> Slots:
        """Return up to `count` of the slots, oldest first."""
        return self._living(self._order[self._head : self._tail], count)

    def newest(self, count: int) -> Slots:
        """Return up to `count` of the slots, newest first."""
        return self._living(self._order[self._head : self._tail][::-1], count)

    def all(self, space: CopySpace) -> npt.NDArray[np.uint32]:
        """Return a copy of all slots, oldest first, in a space."""
        return np.asarray(space.without(self._order[self._head : self._tail], _GONE, self._size), np.uint32)

    def clear(self) -> None:
        """Remove all slots."""
        self._head = self._tail = len(self._order) // 8
        self._size = 0

    def _living(self, order: npt.NDArray[np.uint32], count: int) -> Slots:
        count = min(count, self._size)
        if count == 0:
            return NO_SLOTS
        reach = count
        while True:
            part = order[:reach]
            living = part[part != _GONE] if self._tail - self._head > self._size else part
            if len(living) >= count:
                return living[:count].astype(np.int64)
            reach *= 2

    def _drop_ends(self, slots: Slots) -> bool:
        """Remove slots that are the oldest or the newest, in either order; False for others."""
        count = len(slots)
        if count == 0:
            return True
        if self._tail - self._head > self._size or count > self._size:
            return False
        if np.array_equal(self._order[self._head : self._head + count], slots):
            self._head += count
        elif np.array_equal(self._order[self._tail - count : self._tail][::-1], slots):
            self._tail -= count
        else:
            return False
        self._size -= count
        return True

    def _noted_positions(self) -> npt.NDArray[np.uint32]:
        if self._positions is None:
            self._positions = reserved(len(self._order), np.uint32)
            self._note(np.arange(self._head, self._tail))
        return self._positions

    def _note(self, places: Slots) -> None:
        if self._positions is not None and len(places):
            slots = self._order[places]
            places, slots = places[slots != _GONE], slots[slots != _GONE]
            highest = int(slots.max(initial=0))
            if highest >= len(self._positions):
                used = len(self._positions)
                self._positions = grown(self._positions, max(highest + 1, 2 * used), used)
            self._positions[slots] = places

    def _place(self, slots: Slots, start: int) -> None:
        self._order[start : start + len(slots)] = slots
        self._size += len(slots)
        if self._positions is not None:
            self._note(np.arange(start, start + len(slots)))

    def _skip_holes(self) -> None:
        if self._size == 0:
            self.clear()
            return
        order = self._order
        step = 64
        while order[self._head] == _GONE:
            living = order[self._head : self._head + step] != _GONE
            self._head += int(living.argmax()) if living.any() else len(living)
            step *= 2
        step = 64
        while order[self._tail - 1] == _GONE:
            living = order[max(self._head, self._tail - step) : self._tail][::-1] != _GONE
            self._tail -= int(living.argmax()) if living.any() else len(living)
            step *= 2

    def _recentre(self, room: int) -> None:
        """Move the living together, with room for `room` more before and after them."""
        former, first, last = self._order, self._head, self._tail
        needed = self._size + 2 * room + self._size // 8
        if needed > len(former):
            self._order = reserved(2 * needed, np.uint32)
        # A queue takes at the head and adds at the tail: most of the room lies behind.
        self._head = max(room, (len(self._order) - self._size) // 8)
        self._tail = self._head + self._size
        if self._head > first and self._order is former:
            former = former.copy()
        self._move(former, first, last)
        if self._positions is not None:
            self._note(np.arange(self._head, self._tail))

    def _move(self, former: npt.NDArray[np.uint32], first: int, last: int) -> None:
        """Write the living of `former` from the head on: in pieces, towards the front or to another array."""
        place = self._head
        for begin in range(first, last, _PIECE):
            piece = former[begin : min(begin + _PIECE, last)]
            living = piece[piece != _GONE]
            self._order[place : place + len(living)] = living
            place += len(living)
