"""Items as arrays of fields; no object an item."""

import numpy as np
import numpy.typing as npt

from heronry.replay.core.selector import Priorities, Slots

Keys = npt.NDArray[np.uint64]

GENERATION_BITS = 24
SLOT_BITS = 28
MAX_SLOTS = 1 << SLOT_BITS
_GENERATION_MASK = (1 << GENERATION_BITS) - 1
_SLOT_MASK = MAX_SLOTS - 1
_FIRST_CAPACITY = 256


class Items:
    """Fields of items by slot.

    A key is `shard (12 bits) | slot (28) | generation (24)`. The generation of a slot rises when its
    item goes, so that a look-up is an index and a comparison, and the key of an item that is gone
    never finds the slot's next one.

    Attributes:
      rows: first step, as a row of the step store.
      priorities: raw, before the selector's exponent.
      times_sampled: times served.
      epochs, numbers: behaviour version.
      insertions: rises with every insert; the order of items.
      live: held by the table; False for a free slot and for an item that is only leased.
    """

    def __init__(self, shard: int = 0) -> None:
        self._shard = np.uint64(shard << (SLOT_BITS + GENERATION_BITS))
        self._free = np.zeros(0, np.int64)
        self._num_free = 0
        self._next_insertion = 0
        self.generations = np.zeros(0, np.uint32)
        self.rows = np.zeros(0, np.int64)
        self.priorities = np.zeros(0, np.float64)
        self.times_sampled = np.zeros(0, np.uint32)
        self.epochs = np.zeros(0, np.uint64)
        self.numbers = np.zeros(0, np.uint64)
        self.insertions = np.zeros(0, np.int64)
        self.live = np.zeros(0, np.bool_)

    @property
    def capacity(self) -> int:
        """Slots, free ones included."""
        return len(self.live)

    def add(self, rows: Slots, priorities: Priorities, epoch: int, number: int) -> Slots:
        """Store items in their order and return their slots."""
        slots = self._allocate(len(rows))
        self.rows[slots] = rows
        self.priorities[slots] = priorities
        self.times_sampled[slots] = 0
        self.epochs[slots] = epoch
        self.numbers[slots] = number
        self.insertions[slots] = np.arange(self._next_insertion, self._next_insertion + len(rows))
        self.live[slots] = True
        self._next_insertion += len(rows)
        return slots

    def free(self, slots: Slots) -> None:
        """Give slots back; their keys find nothing from now on."""
        self.live[slots] = False
        self.generations[slots] = (self.generations[slots] + np.uint32(1)) & np.uint32(_GENERATION_MASK)
        self._free[self._num_free : self._num_free + len(slots)] = slots
        self._num_free += len(slots)

    def used_slots(self) -> Slots:
        """Return all slots that are not free, leased ones included."""
        used = np.ones(self.capacity, np.bool_)
        used[self._free[: self._num_free]] = False
        return np.flatnonzero(used)

    def keys(self, slots: Slots) -> Keys:
        """Return the keys of slots."""
        shifted = slots.astype(np.uint64) << np.uint64(GENERATION_BITS)
        return shifted | self.generations[slots].astype(np.uint64) | self._shard

    def find(self, keys: Keys) -> tuple[Slots, npt.NDArray[np.bool_]]:
        """Return for each key the slot, and whether a live item of that key is there."""
        slots = ((keys >> np.uint64(GENERATION_BITS)) & np.uint64(_SLOT_MASK)).astype(np.int64)
        known = slots < self.capacity
        slots = np.where(known, slots, 0)
        if self.capacity == 0:
            return slots, known
        return slots, known & self.live[slots] & (self.keys(slots) == keys)

    def _allocate(self, count: int) -> Slots:
        if count > self._num_free:
            self._grow(count)
        self._num_free -= count
        # From the top of the stack downwards: the lowest free slots first keeps trees dense.
        return self._free[self._num_free : self._num_free + count][::-1].copy()

    def _grow(self, count: int) -> None:
        old = self.capacity
        new = max(2 * old, old - self._num_free + count, _FIRST_CAPACITY)
        fields = ("generations", "rows", "priorities", "times_sampled", "epochs", "numbers", "insertions", "live")
        for name in fields:
            array = getattr(self, name)
            setattr(self, name, np.concatenate([array, np.zeros(new - old, array.dtype)]))
        free = np.empty(new, np.int64)
        free[: new - old] = np.arange(new - 1, old - 1, -1)
        free[new - old : new - old + self._num_free] = self._free[: self._num_free]
        self._free = free
        self._num_free += new - old
