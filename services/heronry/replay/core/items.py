"""Items as arrays of fields; no object an item."""

from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.native import item_keys, items_find
from heronry.replay.core.reserved import CopySpace, grown, reserved
from heronry.replay.core.selector import Slots
from heronry.replay.core.state import State, array_of, int_of, part_of
from heronry.replay.core.version_ids import VersionIds
from heronry.replay.core.windows import Windows
from heronry.types.version import ParameterVersion

Keys = npt.NDArray[np.uint64]
ItemPriorities = npt.NDArray[np.float32]

GENERATION_BITS: Final = 24
SLOT_BITS: Final = 28
MAX_SLOTS: Final = 1 << SLOT_BITS

_GENERATION: Final = np.uint32((1 << GENERATION_BITS) - 1)
_LIVE: Final = np.uint32(1 << 31)
_LEASED: Final = np.uint32(1 << 30)
_MARGIN: Final = 4096
_FIELDS: Final = ("heads", "rows", "priorities", "times_sampled", "insertions", "version_ids")


class Items:
    """Fields of items by slot.

    A key is `shard (12 bits) | slot (28) | generation (24)`. The generation of a slot rises when its
    item goes, so that a look-up is an index and a comparison, and the key of an item that is gone
    never finds the slot's next one.

    The arrays are reserved for `max_size` items and a margin, and touched slot by slot: an item takes 24
    bytes, and more only where the pattern makes items of several lengths or with history.

    Attributes:
      shard: number in the keys.
      heads: generation, and above it whether a live or a leased item is in the slot.
      rows: first held step, as a row of the step store.
      lengths: held steps; None where all have as many.
      leads: held steps before the item's first; None where none has any.
      priorities: raw, before the selector's exponent.
      times_sampled: times served.
      insertions: number of the insertion, modulo 2**32; ages are differences.
      version_ids: into `versions`.
    """

    def __init__(self, max_size: int, shard: int = 0, *, has_lengths: bool = False, has_leads: bool = False) -> None:
        capacity = min(max_size + min(max_size, _MARGIN) + 1, MAX_SLOTS)
        self.shard = shard
        self._free = reserved(capacity, np.uint32)
        self._num_free = 0
        self._num_touched = 0
        self.num_insertions = 0
        self.heads = reserved(capacity, np.uint32)
        self.rows = reserved(capacity, np.uint32)
        self.lengths = reserved(capacity, np.uint16) if has_lengths else None
        self.leads = reserved(capacity, np.uint8) if has_leads else None
        self.priorities = reserved(capacity, np.float32)
        self.times_sampled = reserved(capacity, np.uint32)
        self.insertions = reserved(capacity, np.uint32)
        self.version_ids = reserved(capacity, np.uint32)
        self.versions = VersionIds()

    @property
    def capacity(self) -> int:
        """Slots there is room for, free ones included."""
        return len(self.heads)

    def next_slots(self, count: int) -> Slots:
        """Return the slots that the next `count` items will take, without taking them."""
        reused = min(count, self._num_free)
        # The last ones that came free, in the order in which they did, then untouched ones. A full table that takes
        # as many items as it drops thereby goes round its slots in runs, which lie together and take a log few bytes.
        slots = np.arange(self._num_touched - reused, self._num_touched + count - reused, dtype=np.int64)
        slots[:reused] = self._free[self._num_free - reused : self._num_free]
        return slots

    def add(self, slots: Slots, windows: Windows, priorities: ItemPriorities, version: ParameterVersion) -> None:
        """Store items in their order in the slots that `next_slots` named."""
        count = len(slots)
        reused = min(count, self._num_free)
        self._num_free -= reused
        self._num_touched += count - reused
        if self._num_touched > self.capacity:
            self._grow()
        self.rows[slots] = windows.rows
        if self.lengths is not None and windows.lengths is not None:
            self.lengths[slots] = windows.lengths
        if self.leads is not None and windows.leads is not None:
            self.leads[slots] = windows.leads
        self.priorities[slots] = priorities
        self.times_sampled[slots] = 0
        self.version_ids[slots] = self.versions.acquire(version, count)
        first = self.num_insertions
        self.insertions[slots] = np.arange(first, first + count).astype(np.uint32)
        self.heads[slots] |= _LIVE
        self.num_insertions += count

    def free(self, slots: Slots) -> None:
        """Give slots back; their keys find nothing from now on."""
        self.heads[slots] = (self.heads[slots] + np.uint32(1)) & _GENERATION
        self.versions.release(self.version_ids[slots])
        self._free[self._num_free : self._num_free + len(slots)] = slots
        self._num_free += len(slots)

    def lease(self, slots: Slots) -> None:
        """Hold items back: no key finds them, and they are not free."""
        self.heads[slots] ^= _LIVE | _LEASED

    def unlease(self, slots: Slots) -> None:
        """Let leased items be found again."""
        self.heads[slots] ^= _LIVE | _LEASED

    def leased_slots(self) -> Slots:
        """Return the slots of all leased items, oldest insertion first."""
        return self.by_age(np.flatnonzero(self.heads[: self._num_touched] & _LEASED))

    def used_slots(self) -> Slots:
        """Return all slots that are not free, leased ones included."""
        return np.flatnonzero(self.heads[: self._num_touched] > _GENERATION)

    def live_slots(self) -> Slots:
        """Return the slots of the items that keys find."""
        return np.flatnonzero(self.heads[: self._num_touched] & _LIVE)

    def by_age(self, slots: Slots) -> Slots:
        """Return slots with the oldest insertion first."""
        return slots[np.argsort(self.ages(slots), kind="stable")[::-1]]

    def ages(self, slots: Slots) -> npt.NDArray[np.uint32]:
        """Return how many items were inserted after each; right while that is below 2**32."""
        last = np.uint32((self.num_insertions - 1) & 0xFFFFFFFF)
        return last - self.insertions[slots]

    def windows(self, slots: Slots) -> Windows:
        """Return what the items cover."""
        lengths = None if self.lengths is None else self.lengths[slots]
        leads = None if self.leads is None else self.leads[slots]
        return Windows(self.rows[slots].astype(np.int64), lengths, leads)

    def keys(self, slots: Slots) -> Keys:
        """Return the keys of slots."""
        return item_keys(slots, self.heads, self.shard)

    def find(self, keys: Keys) -> tuple[Slots, npt.NDArray[np.bool_]]:
        """Return for each key the slot, and whether a live item of that key is there."""
        return items_find(keys, self.heads, self.shard)

    def find_held(self, keys: Keys) -> tuple[Slots, npt.NDArray[np.bool_]]:
        """Return for each key the slot, and whether an item of that key is there, live or leased."""
        slots = (keys >> np.uint64(GENERATION_BITS) & np.uint64(MAX_SLOTS - 1)).astype(np.int64)
        is_known = (slots < self.capacity) & (keys >> np.uint64(GENERATION_BITS + SLOT_BITS) == np.uint64(self.shard))
        slots[~is_known] = 0
        heads = self.heads[slots]
        return slots, is_known & (heads > _GENERATION) & (heads & _GENERATION == (keys & np.uint64(_GENERATION)))

    def state(self, space: CopySpace) -> State:
        """Return all that `restore` needs, copied into a space."""
        used = slice(0, self._num_touched)
        state: State = {name: space.copy(getattr(self, name)[used]) for name in self._fields()}
        state["free"] = space.copy(self._free[: self._num_free])
        state["num_insertions"] = self.num_insertions
        state["versions"] = self.versions.state()
        return state

    def restore(self, state: State) -> None:
        """Become what `state` was taken of."""
        self._num_touched = len(array_of(state, "heads"))
        self._num_free = len(array_of(state, "free"))
        if self._num_touched > self.capacity:
            self._grow()
        for name in self._fields():
            getattr(self, name)[: self._num_touched] = array_of(state, name)
        self._free[: self._num_free] = array_of(state, "free")
        self.num_insertions = int_of(state, "num_insertions")
        self.versions.restore(part_of(state, "versions"))

    def _fields(self) -> list[str]:
        optional = [name for name in ("lengths", "leads") if getattr(self, name) is not None]
        return [*_FIELDS, *optional]

    def _grow(self) -> None:
        # Only leases bring more items than the table may hold and its margin.
        used = self.capacity
        count = min(max(2 * used, self._num_touched), MAX_SLOTS)
        for name in [*self._fields(), "_free"]:
            setattr(self, name, grown(getattr(self, name), count, used))
