"""Decides how items come in: room for their steps, how many the limiter allows, and who is evicted for them."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.replay.core.changes import Changes
from heronry.replay.core.conditions import SAMPLEABLE, Condition
from heronry.replay.core.effects import ItemsDeleted, ItemsInserted
from heronry.replay.core.selector import BY_CHANCE, NO_SLOTS, Priorities, Slots
from heronry.replay.core.strand import Strand
from heronry.replay.core.windows import Windows
from heronry.replay.core.writers import Writer
from heronry.types.blocking import WouldBlock
from heronry.types.errors import FailedPreconditionError, ResourceExhaustedError
from heronry.types.tables import SelectorKind
from heronry.types.version import ParameterVersion

_FEW: Final = 64


class Insertion:
    """Inserts items of stored steps.

    The order of an insert is store, evict above `max_size` (the new item may be the one), count.
    """

    def __init__(self, changes: Changes, max_bytes: int) -> None:
        self._changes = changes
        self._contents = changes.contents
        self._max_bytes = max_bytes
        kind = self._contents.definition.remover.kind
        self._is_fifo = kind is SelectorKind.FIFO
        # By an order, oldest or lowest first, those evicted after all are in are those evicted one by one.
        self._is_by_chance = kind in BY_CHANCE
        # Those lie side by side; whom chance or a priority names lies anywhere.
        self._is_in_order = kind in (SelectorKind.FIFO, SelectorKind.LIFO)

    def make_room(self, strands: Sequence[Strand], num_steps: int) -> None:
        """Evict items until there are pages for an append of `num_steps` to all strands.

        A page is free when none of its items is left. A remover by insertion order empties pages one after
        the other; of the others, whoever is evicted takes the items of his page along: one by one the table
        would be nearly empty before a page was.

        Raises:
          ResourceExhaustedError: what open writers and leases hold leaves no room, whatever is evicted.
        """
        store = self._contents.store
        self._check_block(num_steps * sum(s.num_lanes for s in strands))
        num_evicted = 0
        while (short := store.pages_short(strands, num_steps)) > 0:
            if self._changes.free_quarantined():
                continue
            remover = self._contents.remover
            if not len(remover):
                raise self._refusal(short)
            if not self._is_in_order:
                # Each time all items are looked through: fewer and larger evictions.
                self._evict_pages(max(short, store.num_pages // _FEW))
                continue
            # As many as the pages that lack hold on average, then twice as many in all each time.
            share = -(-len(remover) * short // max(1, store.num_pages))
            # A log is committed for each eviction: fewer and larger ones.
            least = len(remover) // _FEW if self._changes.journal is not None else 1
            count = max(share, num_evicted, least)
            self._evict(count)
            num_evicted += count

    def insert_pending(self, writer: Writer) -> bool:
        """Insert all items of a writer's pending block and tell whether there were any.

        Raises:
          WouldBlock: the limiter lets no further item in; the same call again goes on from there.
        """
        pending = writer.pending
        if pending is None:
            raise FailedPreconditionError(f"writer {writer.writer_id!r} has no pending block")
        has_inserted = False
        while left := len(pending.windows):
            count = self._contents.limiter.inserts_allowed(left)
            if count == 0:
                waiting = self._contents.limiter.insert_waiting()
                changed = SAMPLEABLE if has_inserted else frozenset()
                raise WouldBlock(Condition.CAN_INSERT, waiting, changed=changed)
            count = self._at_once(count)
            given = pending.priorities
            priorities = self._newcomers(count) if given is None else given[:count]
            self._insert(writer.number, priorities, pending.version)
            has_inserted = True
        return has_inserted

    def insert_free(
        self, windows: Windows, priorities: Priorities, times_sampled: npt.NDArray[np.uint32], version: ParameterVersion
    ) -> None:
        """Insert items, held already, whatever the limiter says; it counts them."""
        done = 0
        while done < len(windows):
            part = slice(done, done + self._at_once(len(windows) - done))
            self._insert(0, priorities[part], version, windows[part], times_sampled[part])
            done = part.stop

    def _insert(
        self,
        number: int,
        priorities: Priorities,
        version: ParameterVersion,
        windows: Windows | None = None,
        times_sampled: npt.NDArray[np.uint32] | None = None,
    ) -> None:
        count = len(priorities)
        excess = max(0, len(self._contents.remover) + count - self._contents.definition.max_size)
        slots = self._contents.items.next_slots(count)
        evicted = self._oldest(excess, slots) if self._is_fifo else NO_SLOTS
        self._changes.make(ItemsInserted(number, slots, priorities, version, evicted, windows, times_sampled))
        if excess and not self._is_fifo:
            self._evict(excess)

    def _oldest(self, excess: int, newcomers: Slots) -> Slots:
        """Return who is evicted first in, first out, the newcomers included."""
        if excess == 0:
            return NO_SLOTS
        evicted = self._contents.remover.choose(excess, self._contents.rng).slots
        return np.concatenate([evicted, newcomers[: excess - len(evicted)]])

    def _evict(self, count: int) -> None:
        evicted = self._contents.remover.choose(count, self._contents.rng).slots
        self._changes.make(ItemsDeleted(evicted, rng=self._changes.rng_state()))

    def _evict_pages(self, count: int) -> None:
        """Evict `count` items and all others on the pages where they begin."""
        items, store = self._contents.items, self._contents.store
        victims = self._contents.remover.choose(count, self._contents.rng).slots
        pages = np.unique(store.pages_of(items.windows(victims)))
        slots = items.live_slots()
        evicted = slots[store.items_on(pages, items.windows(slots))]
        self._changes.make(ItemsDeleted(evicted, rng=self._changes.rng_state()))

    def _at_once(self, count: int) -> int:
        """Return how many inserts make the same evictions together as one after the other."""
        room = self._contents.definition.max_size - len(self._contents.remover)
        return max(1, room) if self._is_by_chance and count > room else count

    def _newcomers(self, count: int) -> Priorities:
        return np.full(count, self._contents.maximum.value, np.float32)

    def _check_block(self, num_rows: int) -> None:
        num_bytes = num_rows * sum(s.num_bytes for s in self._contents.store.specs)
        if num_bytes > self._max_bytes and not self._contents.definition.compressed_columns:
            table = self._contents.definition.table
            message = f"table {table!r}: a block of {num_bytes} bytes exceeds max_bytes, {self._max_bytes}"
            details = {"table": table, "asked": str(num_bytes), "max_bytes": str(self._max_bytes)}
            raise ResourceExhaustedError(message, details=details)

    def _refusal(self, pages_short: int) -> ResourceExhaustedError:
        contents = self._contents
        table = contents.definition.table
        figures = {
            "table": table,
            "pages_short": pages_short,
            "used": contents.store.num_bytes,
            "max_bytes": self._max_bytes,
            "num_writers": contents.writers.num_open,
        }
        message = (
            f"table {table!r} lacks {pages_short} pages and has no item left to evict: {contents.store.num_bytes} "
            f"of {self._max_bytes} bytes are held by {contents.writers.num_open} open writers, leases or other tables"
        )
        return ResourceExhaustedError(message, details={k: str(v) for k, v in figures.items()})
