"""What a table holds, and how its effects change that."""

from collections.abc import Callable, Sequence
from typing import Final, cast

import numpy as np

from heronry.replay.core import effects
from heronry.replay.core.effects import Effect
from heronry.replay.core.items import Items
from heronry.replay.core.lag import LagBound
from heronry.replay.core.priorities import RunningMaximum
from heronry.replay.core.prioritized import PrioritizedSelector
from heronry.replay.core.rate_limiter import Limiter
from heronry.replay.core.selector import Slots
from heronry.replay.core.selectors import make_selector
from heronry.replay.core.step_store import StepStore
from heronry.replay.core.windows import Windows
from heronry.replay.core.writers import PendingBlock, Writer, Writers
from heronry.types.columns import ColumnSpec
from heronry.types.errors import FailedPreconditionError
from heronry.types.tables import Delivery, TableDefinition

NewStore = Callable[[Sequence[ColumnSpec]], StepStore]

_ONE: Final = np.uint32(1)


class Contents:
    """Items, selectors, limiter, writers and steps of a table.

    `apply` decides nothing: the same effects in the same order make equal contents, whether they were
    decided a moment ago or read from a log. What an effect takes into the store the caller has stored.
    """

    def __init__(self, definition: TableDefinition, new_store: NewStore, rng: np.random.Generator, shard: int) -> None:
        pattern = definition.pattern
        self.definition = definition
        self.rng = rng
        self.limiter = Limiter(definition.rate_limiter)
        self.items = Items(definition.max_size, shard, has_lengths=pattern.has_lengths, has_leads=pattern.max_stack > 1)
        self.sampler = make_selector(definition.sampler, self.items.capacity)
        self.remover = make_selector(definition.remover, self.items.capacity)
        self.lag = LagBound(definition.max_lag)
        self.maximum = RunningMaximum()
        self.writers = Writers()
        self.num_lagging = 0
        self.num_ignored = 0
        self.incarnation = 0
        self._new_store = new_store
        self._store: StepStore | None = None
        self._keeps_leases = definition.delivery is Delivery.AT_LEAST_ONCE
        self._appliers: dict[type[Effect], Callable[..., None]] = {
            effects.ColumnsDeclared: self._declare,
            effects.WriterOpened: self._open_writer,
            effects.WriterForgotten: self._forget_writer,
            effects.BlockStored: self._store_block,
            effects.BlockAccepted: self._accept_block,
            effects.ItemsInserted: self._insert,
            effects.ItemsSampled: self._sample,
            effects.LeasesSettled: self._settle,
            effects.LeasesReturned: self._take_back,
            effects.PrioritiesUpdated: self._update,
            effects.ItemsDeleted: self._delete,
            effects.LimiterSet: self._set_limiter,
            effects.ExponentSet: self._set_exponent,
            effects.TableReset: self._reset,
            effects.LanesCut: self._cut_lanes,
        }

    @property
    def store(self) -> StepStore:
        """The steps; only once the columns are known."""
        if self._store is None:
            raise FailedPreconditionError(f"table {self.definition.table!r} has no columns yet: nothing was appended")
        return self._store

    @property
    def has_store(self) -> bool:
        """Whether the columns are known."""
        return self._store is not None

    def drop_store(self) -> StepStore | None:
        """Let go of the store and return it."""
        store, self._store = self._store, None
        return store

    def apply(self, effect: Effect) -> None:
        """Change what the effect names."""
        self._appliers[type(effect)](effect)

    def _declare(self, effect: effects.ColumnsDeclared) -> None:
        self._store = self._new_store(effect.specs)

    def _open_writer(self, effect: effects.WriterOpened) -> None:
        self.writers.add(effect.number, effect.writer_id, effect.epoch, effect.num_lanes)

    def _forget_writer(self, effect: effects.WriterForgotten) -> None:
        writer = self.writers.of(effect.number)
        if writer.pending is not None:
            self.store.release(writer.pending.windows)
        self.writers.remove(writer)

    def _store_block(self, effect: effects.BlockStored) -> None:
        if effect.number == 0:
            return
        writer = self.writers.of(effect.number)
        self.writers.use(writer)
        if writer.pending is not None:
            # The same block again, without what was lost of it.
            self.store.release(writer.pending.windows)
        writer.pending = PendingBlock(
            effect.sequence, effect.windows, effect.version, effect.priorities, effect.open_lanes
        )
        if effect.ended_lanes is not None:
            writer.end_episodes(effect.ended_lanes)

    def _accept_block(self, effect: effects.BlockAccepted) -> None:
        writer = self.writers.of(effect.number)
        writer.accepted, writer.pending = effect.sequence, None

    def _insert(self, effect: effects.ItemsInserted) -> None:
        count = len(effect.slots)
        writer, windows, lanes = None, effect.windows, None
        if windows is None:
            writer = self.writers.of(effect.number)
            windows, lanes = cast("PendingBlock", writer.pending).take(count)
        self._add(effect, windows)
        if writer is not None and lanes is not None:
            writer.note_open(self.items.keys(effect.slots), lanes)
            if len(writer.open_keys) > 2 * self.definition.max_size:
                # An episode may go on for ever: most of its items are long gone.
                writer.keep_open(self.items.find_held(writer.open_keys)[1])
        if len(effect.evicted):
            self._drop(effect.evicted)
        self.limiter.num_inserts += count

    def _add(self, effect: effects.ItemsInserted, windows: Windows) -> None:
        self.items.add(effect.slots, windows, effect.priorities, effect.version)
        if effect.times_sampled is not None:
            self.items.times_sampled[effect.slots] = effect.times_sampled
        self.lag.see(effect.version)
        self.maximum.see(effect.priorities)
        self.sampler.insert(effect.slots, effect.priorities)
        self.remover.insert(effect.slots, effect.priorities)

    def _sample(self, effect: effects.ItemsSampled) -> None:
        np.add.at(self.items.times_sampled, effect.slots, _ONE)
        self.limiter.num_samples += len(effect.slots)
        if len(effect.lagging):
            self.num_lagging += len(effect.lagging)
            self._drop(effect.lagging)
        if not len(effect.retired):
            return
        if self._keeps_leases:
            self._take_out(effect.retired)
            self.items.lease(effect.retired)
        else:
            self._drop(effect.retired)

    def _settle(self, effect: effects.LeasesSettled) -> None:
        self._free(effect.retired)

    def _take_back(self, effect: effects.LeasesReturned) -> None:
        retired = effect.retired
        self.items.unlease(retired)
        self.sampler.put_back(retired, self.items.priorities[retired])
        self.remover.put_back(retired, self.items.priorities[retired])
        self.limiter.num_deletes -= len(retired)
        self.limiter.num_samples -= effect.num_samples
        np.subtract.at(self.items.times_sampled, effect.sampled, _ONE)

    def _update(self, effect: effects.PrioritiesUpdated) -> None:
        self.num_ignored += effect.num_ignored
        if len(effect.slots):
            self.items.priorities[effect.slots] = effect.priorities
            self.maximum.see(effect.priorities)
            self.sampler.update(effect.slots, effect.priorities)
            self.remover.update(effect.slots, effect.priorities)

    def _delete(self, effect: effects.ItemsDeleted) -> None:
        self.num_ignored += effect.num_ignored
        if len(effect.slots):
            self._drop(effect.slots)

    def _set_limiter(self, effect: effects.LimiterSet) -> None:
        self.limiter.settings = effect.settings

    def _set_exponent(self, effect: effects.ExponentSet) -> None:
        for selector in (self.sampler, self.remover):
            if isinstance(selector, PrioritizedSelector):
                selector.set_exponent(effect.priority_exponent, self.items.priorities)

    def _reset(self, effect: effects.TableReset) -> None:
        used = self.items.used_slots()
        self.sampler.clear()
        self.remover.clear()
        if len(used):
            self._free(used)
        self.limiter.reset()
        self.num_lagging = self.num_ignored = 0
        self.incarnation += 1
        for writer in self.writers:
            writer.forget_open()

    def _cut_lanes(self, effect: effects.LanesCut) -> None:
        writer = self.writers.of(effect.number)
        if effect.drops_open:
            slots, found = self.items.find(writer.open_keys)
            if found.any():
                self._drop(slots[found])
            self._drop_pending(writer)
        writer.forget_open()

    def _drop_pending(self, writer: Writer) -> None:
        pending = writer.pending
        if pending is not None and pending.open_lanes is not None:
            is_open = pending.open_lanes >= 0
            self.store.release(pending.windows[is_open])
            pending.keep(~is_open)

    def _drop(self, slots: Slots) -> None:
        self._take_out(slots)
        self._free(slots)

    def _take_out(self, slots: Slots) -> None:
        self.sampler.delete(slots)
        self.remover.delete(slots)
        self.limiter.num_deletes += len(slots)

    def _free(self, slots: Slots) -> None:
        self.store.release(self.items.windows(slots))
        self.items.free(slots)
