"""A table: items over stored steps, a sampler, a remover and a rate limiter."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.changes import Changes
from heronry.replay.core.conditions import EITHER, INSERTABLE
from heronry.replay.core.contents import Contents
from heronry.replay.core.effects import (
    BlockStored,
    ColumnsDeclared,
    Effect,
    ExponentSet,
    ItemsDeleted,
    ItemsInserted,
    Journal,
    LanesCut,
    LeasesReturned,
    LimiterSet,
    PrioritiesUpdated,
    TableReset,
    WriterForgotten,
    WriterOpened,
)
from heronry.replay.core.insertion import Insertion
from heronry.replay.core.items import Keys
from heronry.replay.core.priorities import checked_priorities
from heronry.replay.core.reserved import CopyMeasure, CopySpace
from heronry.replay.core.selector import without_repeats
from heronry.replay.core.signature import (
    check_definition,
    check_exponent,
    check_fits,
    check_level,
    check_signature,
    check_specs,
)
from heronry.replay.core.state import State
from heronry.replay.core.step_memory import StepMemory
from heronry.replay.core.step_pool import StorageSettings
from heronry.replay.core.step_store import StepStore
from heronry.replay.core.table_state import priority_exponent_of, restore_table, table_state
from heronry.replay.core.windows import Pages
from heronry.replay.core.writers import Writer, Writers
from heronry.types.blocking import Changed
from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError
from heronry.types.tables import PartialEpisodes, RateLimiter, SelectorKind, TableDefinition, TableInfo

# A table that is filled meanwhile has a state that is larger by this part of it at the most, as a rule.
_STATE_MARGIN: Final = 16


class Table:
    """Items served by a sampler and evicted by a remover, both within a rate limiter.

    Not thread-safe: one owner calls it. Every change is decided, then made as an effect: with a journal
    the same effects make the same table again. Deletions count alike, whether by eviction, by
    `max_times_sampled` or asked for. An item that is dropped for its lag was drawn: it counts as sampled
    and deleted, or a queue's window would shrink by it for ever.

    Source: the table semantics of Reverb.
    """

    def __init__(
        self,
        definition: TableDefinition,
        budget: ByteBudget,
        rng: np.random.Generator,
        *,
        shard: int = 0,
        journal: Journal | None = None,
        memory: StepMemory | None = None,
        max_resident_bytes: int = 0,
    ) -> None:
        """Make an empty table.

        Args:
          definition: checked here.
          budget: of the bytes of all tables.
          rng: of the selectors alone.
          shard: number in the keys of its items.
          journal: takes note of every change; None: nothing survives the process.
          memory: where the steps lie; None: in memory of the process.
          max_resident_bytes: beyond which steps leave `memory` for its files; 0: never.

        Raises:
          InvalidArgumentError, SchemaMismatchError: the definition could never work.
          UnimplementedError: a level above MEMORY without a journal.
        """
        check_definition(definition)
        check_level(definition, has_journal=journal is not None)
        self._definition = definition
        self._budget = budget
        self._memory = memory
        self._storage = StorageSettings(
            definition.max_bytes, max_resident_bytes, definition.compressed_columns, journal is not None
        )
        self._drops_partial = definition.partial_episodes is PartialEpisodes.DROP
        self._num_recovered = 0
        self.contents = Contents(definition, self._new_store, rng, shard)
        self.changes = Changes(self.contents, journal)
        self._max_bytes = min(definition.max_bytes or budget.max_bytes, budget.max_bytes)
        self.insertion = Insertion(self.changes, self._max_bytes)
        if definition.columns:
            # Not noted: whoever recovers the table has its definition too.
            self._check_columns(definition.columns)
            self.contents.apply(ColumnsDeclared(definition.columns))

    @property
    def definition(self) -> TableDefinition:
        """The definition in force."""
        return self._definition

    @property
    def specs(self) -> tuple[ColumnSpec, ...]:
        """Columns of a step; none before the first writer."""
        return self.contents.store.specs if self.contents.has_store else ()

    @property
    def store(self) -> StepStore:
        """The steps; only once the columns are known."""
        return self.contents.store

    @property
    def writers(self) -> Writers:
        """Its writers."""
        return self.contents.writers

    @property
    def drops_partial(self) -> bool:
        """Whether items of an episode go when its writer is lost before its end."""
        return self._drops_partial

    @property
    def num_items(self) -> int:
        """Items held."""
        return len(self.contents.remover)

    def declare_columns(self, specs: Sequence[ColumnSpec]) -> None:
        """Take the columns of a first writer, or compare those of another.

        Raises:
          SchemaMismatchError: they differ from the table's.
          InvalidArgumentError: the table's bytes do not hold one item of them.
          ResourceExhaustedError: nor one page.
        """
        if self.contents.has_store:
            check_signature(self._definition.table, specs, self.specs)
            return
        self._check_columns(specs)
        self.changes.make(ColumnsDeclared(tuple(specs)))

    def open_writer(self, writer_id: str, epoch: int, num_lanes: int, holder: object) -> Writer:
        """Let a session append for a writer; a former session of it may not any more.

        Raises:
          FencedError, InvalidArgumentError, ResourceExhaustedError: as `Writers` says.
        """
        writers = self.contents.writers
        writer = writers.find(writer_id, epoch, num_lanes)
        displaced = writers.displaced_by(writer_id) if writer is None else [writer]
        for former in displaced:
            if former.holder is not None:
                self.lose_writer(former)
        if writer is None:
            for former in displaced:
                self.changes.make(WriterForgotten(former.number))
            number = writers.next_number
            self.changes.make(WriterOpened(number, writer_id, epoch, num_lanes))
            writer = writers.of(number)
        if not writer.strands:
            writer.strands = self.store.open_strands(num_lanes)
        writers.attach(writer, holder)
        return writer

    def lose_writer(self, writer: Writer, *, has_ended: bool = False) -> None:
        """End a writer's session: its lanes end here, and its open episodes as the definition says."""
        self.contents.writers.detach(writer)
        self.changes.make(LanesCut(writer.number, self._drops_partial and not has_ended))

    def update_priorities(self, keys: Keys, priorities: npt.NDArray[np.float64]) -> int:
        """Change priorities and return how many keys were found; the last of a repeated key wins.

        Raises:
          InvalidArgumentError: a priority is NaN, infinite or negative; nothing was changed.
        """
        checked = checked_priorities(priorities)
        slots, found = self.contents.items.find(keys)
        if not found.all():
            slots, checked = slots[found], checked[found]
        self.changes.make(PrioritiesUpdated(slots, checked, len(keys) - len(slots)))
        return len(slots)

    def delete(self, keys: Keys) -> Changed[int]:
        """Delete items and return how many were found."""
        slots, found = self.contents.items.find(keys)
        slots = without_repeats(slots[found])
        self.changes.make(ItemsDeleted(slots, len(keys) - int(found.sum())))
        self.changes.commit()
        return Changed(len(slots), INSERTABLE)

    def reset(self) -> Changed[int]:
        """Drop all items, leased ones included, zero the counters, and return how many were dropped."""
        num_items = self.num_items
        self.changes.make(TableReset())
        self.changes.commit()
        return Changed(num_items, EITHER)

    def set_rate_limiter(self, settings: RateLimiter) -> Changed[TableInfo]:
        """Change the limiter; its counters stay.

        Raises:
          InvalidArgumentError: the table could never be sampled under it.
        """
        definition = replace(self._definition, rate_limiter=settings)
        check_definition(definition)
        self.changes.make(LimiterSet(settings))
        self.changes.commit()
        self._definition = definition
        return Changed(self.info(), EITHER)

    def set_priority_exponent(self, priority_exponent: float) -> Changed[TableInfo]:
        """Change alpha of the prioritised selectors and weigh all items anew.

        Raises:
          InvalidArgumentError: it is out of range, or nothing is prioritised.
        """
        kinds = (self._definition.sampler.kind, self._definition.remover.kind)
        if SelectorKind.PRIORITIZED not in kinds:
            allowed = f"none: table {self._definition.table!r} has no prioritised selector"
            raise InvalidArgumentError.of("priority_exponent", priority_exponent, allowed)
        check_exponent("priority_exponent", priority_exponent)
        self.changes.make(ExponentSet(priority_exponent))
        self.changes.commit()
        self._define_exponent(priority_exponent)
        return Changed(self.info())

    def commit(self) -> int:
        """Hand all changes to the operating system and return the log's position; 0 without a journal."""
        return self.changes.commit()

    def note_durable(self, position: int) -> None:
        """Say that the log up to a position, and the steps it speaks of, have the table's level."""
        self.changes.note_durable(position)

    def state(self, space: CopySpace | None = None) -> State:
        """Return all of the table but its steps' bytes, copied: into a space, or memory taken as it is needed."""
        return table_state(self.contents, space or CopySpace())

    def state_bytes(self) -> int:
        """Return how many bytes a space for the state takes, and some more for what comes in meanwhile."""
        measure = CopyMeasure()
        table_state(self.contents, measure)
        return measure.num_bytes + measure.num_bytes // _STATE_MARGIN

    def restore(self, state: State) -> None:
        """Make a fresh table what `state` was taken of; `finish_recovery` comes after the effects since."""
        restore_table(self.contents, state)
        self._follow(state)

    def recover(self, effect: Effect) -> None:
        """Apply an effect that was noted by a table of the same state."""
        if isinstance(effect, BlockStored):
            self.contents.store.apply(effect.pieces)
            if effect.number:
                self.contents.store.hold(effect.windows)
        elif isinstance(effect, ItemsInserted) and effect.windows is not None:
            self.contents.store.hold(effect.windows)
        self.contents.apply(effect)
        rng = getattr(effect, "rng", None)
        if rng is not None:
            self.contents.rng.bit_generator.state = rng
        if isinstance(effect, LimiterSet):
            self._definition = replace(self._definition, rate_limiter=effect.settings)
        elif isinstance(effect, ExponentSet):
            self._define_exponent(effect.priority_exponent)

    def finish_recovery(self) -> int:
        """End the lanes and leases of the former process and serve; return how many items were found.

        The changes made here are noted: the journal goes on from what was recovered.
        """
        contents = self.contents
        if contents.has_store:
            contents.store.finish_recovery()
        for writer in contents.writers:
            self.changes.make(LanesCut(writer.number, self._drops_partial))
        leased = contents.items.leased_slots()
        if len(leased):
            self.changes.make(LeasesReturned(leased, leased, len(leased)))
        self._num_recovered = self.num_items
        self.changes.commit()
        return self._num_recovered

    def drop_broken(self, pages: Pages) -> int:
        """Delete all items that touch any of the pages, after recovery, and return how many."""
        if not len(pages):
            return 0
        for writer in self.contents.writers:
            self._drop_pending(writer, pages)
        items = self.contents.items
        slots = items.used_slots()
        broken = slots[self.store.items_on(pages, items.windows(slots))]
        self.changes.make(ItemsDeleted(broken))
        self.changes.commit()
        self._num_recovered = self.num_items
        return len(broken)

    def close(self, *, remove: bool = False) -> None:
        """Drop everything and give the bytes back; `remove` also what lies on disk."""
        store = self.contents.drop_store()
        if store is not None:
            store.close(remove=remove)

    def info(self) -> TableInfo:
        """Return the definition and the counters."""
        contents, limiter = self.contents, self.contents.limiter
        return TableInfo(
            definition=self._definition,
            num_items=self.num_items,
            num_bytes=contents.store.num_bytes if contents.has_store else 0,
            num_inserts=limiter.num_inserts,
            num_samples=limiter.num_samples,
            num_deletes=limiter.num_deletes,
            num_lagging=contents.num_lagging,
            num_writers=contents.writers.num_open,
            num_step_bytes=contents.store.num_step_bytes if contents.has_store else 0,
            num_ignored=contents.num_ignored,
            num_recovered=self._num_recovered,
            mass=contents.sampler.mass,
            shard=contents.items.shard,
            durable_position=self.changes.durable_position,
        )

    def _new_store(self, specs: Sequence[ColumnSpec]) -> StepStore:
        definition = self._definition
        return StepStore(
            definition.table, specs, definition.pattern, self._budget, memory=self._memory, settings=self._storage
        )

    def _check_columns(self, specs: Sequence[ColumnSpec]) -> None:
        check_specs(specs)
        check_fits(self._definition, specs, self._max_bytes)

    def _drop_pending(self, writer: Writer, pages: Pages) -> None:
        pending = writer.pending
        if pending is None:
            return
        kept = replace(pending)
        kept.keep(~self.store.items_on(pages, pending.windows))
        if len(kept.windows) < len(pending.windows):
            self.store.hold(kept.windows)
            block = (kept.sequence, kept.version, (), kept.windows, kept.priorities, kept.open_lanes)
            self.changes.make(BlockStored(writer.number, *block))

    def _follow(self, state: State) -> None:
        """Make the definition what a restored state has of it."""
        self._definition = replace(self._definition, rate_limiter=self.contents.limiter.settings)
        exponent = priority_exponent_of(state)
        if exponent is not None:
            self._define_exponent(exponent)

    def _define_exponent(self, priority_exponent: float) -> None:
        for name in ("sampler", "remover"):
            selector = getattr(self._definition, name)
            if selector.kind is SelectorKind.PRIORITIZED:
                changed = replace(selector, priority_exponent=priority_exponent)
                self._definition = replace(self._definition, **{name: changed})
