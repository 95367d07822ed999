"""Draws items of one table into rows of batches, and keeps their leases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from heronry.replay.core import batch_buffer as facts
from heronry.replay.core.batch_buffer import BatchBuffer, BatchLayout
from heronry.replay.core.conditions import EITHER, INSERTABLE, Condition
from heronry.replay.core.effects import ItemsSampled
from heronry.replay.core.items import Keys
from heronry.replay.core.leases import Lease, give_back, settle
from heronry.replay.core.sampling import Picked, Picker
from heronry.replay.core.selector import Draw, Slots
from heronry.replay.core.table import Table
from heronry.types.blocking import Changed, Waiting, WouldBlock
from heronry.types.errors import InvalidArgumentError, MessageTooLargeError, SchemaMismatchError
from heronry.types.tables import Delivery
from heronry.types.tensors import Array

MAX_LEASES: Final = 64


@dataclass(frozen=True)
class DrawOptions:
    """How a reader draws.

    Attributes:
      batch_size: items of a batch.
      columns: outputs wanted; none: all.
      independent: each item of a batch on its own; otherwise a prioritised sampler draws one of each of
        equal parts of the mass.
      without_replacement: no item twice in a batch; probabilities are those of the first draw.
      table_index: what `@table` says of the items; None: batches have no such fact.
      max_batch_bytes: most bytes of a batch; 0: no bound.
    """

    batch_size: int
    columns: Sequence[str] = ()
    independent: bool = False
    without_replacement: bool = False
    table_index: int | None = None
    max_batch_bytes: int = 0


class Drawing:
    """One reader's draws from one table.

    Items are drawn as the limiter allows and written at once, since a drawn item may be used up and gone.
    Under AT_LEAST_ONCE what was drawn is leased until its batch is acknowledged.
    """

    def __init__(self, table: Table, options: DrawOptions) -> None:
        """Begin.

        Raises:
          InvalidArgumentError: a batch without items, or of more different ones than the table may hold.
          SchemaMismatchError: a column that the table does not have.
          MessageTooLargeError: the batch would exceed `max_batch_bytes`.
        """
        self._table = table
        self._options = options
        self._contents = table.contents
        self._picker = Picker(table.contents)
        self._keeps_leases = table.definition.delivery is Delivery.AT_LEAST_ONCE
        self._taken: list[Keys] = []
        self._open: list[Lease] = []
        self._leases: dict[int, list[Lease]] = {}
        self._layout: BatchLayout | None = None
        self._check_size()
        self._lay_out()

    @property
    def layout(self) -> BatchLayout | None:
        """What a batch is made of; None while the table does not know its columns."""
        return self._layout or self._lay_out()

    @property
    def table_size(self) -> int:
        """Items in the table."""
        return self._contents.limiter.size

    @property
    def may_draw(self) -> bool:
        """Whether there is room for another batch's lease."""
        return len(self._leases) < MAX_LEASES

    def fill(self, buffer: BatchBuffer, at: int, limit: int) -> Changed[int]:
        """Draw up to `limit` items into the batch rows from `at` on, and return how many, at least one.

        Raises:
          WouldBlock: the limiter lets no item out now, or all there are are in the batch.
        """
        filled, has_drawn = 0, False
        while filled < limit:
            taken = self._taken_slots() if self._options.without_replacement else None
            picked = self._picker.pick(limit - filled, independent=self._options.independent, taken=taken)
            if picked is None:
                break
            has_drawn = True
            self._write(picked, buffer, at + filled)
            filled += len(picked.served.slots)
        if filled == 0 and limit > 0:
            raise self._blocked(INSERTABLE if has_drawn else frozenset())
        return Changed(filled, INSERTABLE)

    def end_batch(self, batch_id: int) -> None:
        """Say that what was drawn since the last call is batch `batch_id`."""
        self._taken.clear()
        if self._open:
            self._leases[batch_id] = self._open
            self._open = []

    def acknowledge(self, batch_id: int) -> None:
        """End the leases of all batches up to this one."""
        done = [i for i in self._leases if i <= batch_id]
        settle(self._table, [lease for i in done for lease in self._leases.pop(i)])

    def close(self) -> Changed[None]:
        """End the reader: what is leased or half drawn goes back, where the table says so."""
        give_back(self._table, [lease for leases in (*self._leases.values(), self._open) for lease in leases])
        self._leases.clear()
        self._open.clear()
        return Changed(None, EITHER)

    def _write(self, picked: Picked, buffer: BatchBuffer, at: int) -> None:
        """Write the items, then make the draw: afterwards some of them may be gone."""
        contents = self._contents
        draw = picked.served
        if count := len(draw.slots):
            self._write_facts(draw, buffer.facts, slice(at, at + count))
            contents.store.gather_into(contents.items.windows(draw.slots), buffer.columns, at)
            if self._keeps_leases or self._options.without_replacement:
                self._note(draw.slots, picked.retired)
        changes = self._table.changes
        changes.make(ItemsSampled(picked.draw.slots, picked.retired, picked.lagging, changes.rng_state()))
        # As counted after the whole draw, this time included.
        buffer.facts[facts.TIMES_SAMPLED][at : at + count] = contents.items.times_sampled.take(draw.slots)

    def _write_facts(self, draw: Draw, out: Mapping[str, Array], at: slice) -> None:
        items, slots = self._contents.items, draw.slots
        out[facts.KEY][at] = items.keys(slots)
        out[facts.PROBABILITY][at] = draw.probabilities
        out[facts.PRIORITY][at] = items.priorities.take(slots)
        out[facts.AGE][at] = items.ages(slots)
        version = items.versions.only
        if version is not None:
            out[facts.EPOCH][at], out[facts.VERSION][at] = version
        else:
            versions = items.version_ids.take(slots)
            out[facts.EPOCH][at] = items.versions.epochs.take(versions)
            out[facts.VERSION][at] = items.versions.numbers.take(versions)
        if items.lengths is not None:
            out[facts.LENGTH][at] = items.lengths.take(slots)
        if self._options.table_index is not None:
            out[facts.TABLE][at] = self._options.table_index

    def _note(self, slots: Slots, retired: Slots) -> None:
        keys = self._contents.items.keys(slots)
        if self._options.without_replacement:
            self._taken.append(keys)
        if self._keeps_leases:
            self._open.append(Lease(keys, retired, self._contents.incarnation))

    def _taken_slots(self) -> Slots:
        """Return the slots of the items in the batch that are in the table still."""
        if not self._taken:
            return np.zeros(0, np.int64)
        slots, found = self._contents.items.find(np.concatenate(self._taken))
        return slots[found]

    def _blocked(self, changed: frozenset[Condition]) -> WouldBlock:
        limiter = self._contents.limiter
        if limiter.can_sample():
            waiting = Waiting("sample", "items that are not in the batch yet", 0.0, 1.0)
            return WouldBlock(Condition.CAN_SAMPLE, waiting, changed=changed)
        return WouldBlock(Condition.CAN_SAMPLE, limiter.sample_waiting(), changed=changed)

    def _check_size(self) -> None:
        size, most = self._options.batch_size, self._table.definition.max_size
        if size < 1:
            raise InvalidArgumentError.of("header.batch_size", size, "at least 1")
        if self._options.without_replacement and size > most:
            allowed = f"at most max_size, {most}, without replacement"
            raise InvalidArgumentError.of("header.batch_size", size, allowed)

    def _lay_out(self) -> BatchLayout | None:
        if not self._contents.has_store:
            return None
        options, pattern = self._options, self._table.definition.pattern
        names = tuple(options.columns)
        for name in names:
            if names.count(name) > 1:
                raise SchemaMismatchError.of("header.columns", name, "each name once")
        with_table = options.table_index is not None
        size = options.batch_size
        layout = BatchLayout(
            self._contents.store.layout(names, size),
            facts.fact_specs(size, with_length=pattern.has_lengths, with_table=with_table),
            size,
        )
        if 0 < options.max_batch_bytes < layout.num_bytes:
            most = options.max_batch_bytes * size // layout.num_bytes
            allowed = f"at most {most} (a batch of {options.max_batch_bytes} bytes)"
            raise MessageTooLargeError.of("header.batch_size", size, allowed)
        self._layout = layout
        return layout
