"""A table: items over stored steps, a sampler, a remover and a rate limiter."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.conditions import EITHER, INSERTABLE, Condition
from heronry.replay.core.items import Items, Keys
from heronry.replay.core.lag import LagBound
from heronry.replay.core.priorities import RunningMaximum, checked_priorities
from heronry.replay.core.rate_limiter import Limiter
from heronry.replay.core.sampling import Picked, Picker
from heronry.replay.core.selector import Draw, Priorities, Slots
from heronry.replay.core.selectors import make_selector
from heronry.replay.core.served import Lease, Served, serve
from heronry.replay.core.signature import check_definition, check_signature, check_specs
from heronry.replay.core.step_store import StepStore
from heronry.replay.core.strand import Rows
from heronry.replay.core.writers import Writers
from heronry.types.blocking import Changed, WouldBlock
from heronry.types.columns import ColumnSpec
from heronry.types.errors import FailedPreconditionError
from heronry.types.tables import Delivery, RateLimiter, SelectorKind, TableDefinition, TableInfo
from heronry.types.version import ParameterVersion

_NONE = np.zeros(0, np.int64)


class Table:
    """Items served by a sampler and evicted by a remover, both within a rate limiter.

    Not thread-safe: one owner calls it. The order of an insert is store, evict above `max_size` (the
    new item may be the one), count; of a sample: count, draw, retire. Deletions count alike, whether
    by eviction, by `max_times_sampled` or asked for. An item that is dropped for its lag was drawn:
    it counts as sampled and deleted, or a queue's window would shrink by it for ever.

    Source: the table semantics of Reverb.
    """

    def __init__(self, definition: TableDefinition, budget: ByteBudget, rng: np.random.Generator) -> None:
        check_definition(definition)
        self._definition = definition
        self._budget = budget
        self._limiter = Limiter(definition.rate_limiter)
        self._items = Items()
        self._sampler = make_selector(definition.sampler)
        self._remover = make_selector(definition.remover)
        self._picker = Picker(self._items, self._sampler, self._limiter, definition.max_times_sampled, rng)
        self._rng = rng
        self._lag = LagBound(definition.max_lag)
        self._maximum = RunningMaximum()
        self._store: StepStore | None = None
        self._num_lagging = 0
        self._incarnation = 0
        self.writers = Writers()
        if definition.columns:
            self.declare_columns(definition.columns)

    @property
    def definition(self) -> TableDefinition:
        """The definition in force."""
        return self._definition

    @property
    def store(self) -> StepStore:
        """The steps; only once the columns are known."""
        if self._store is None:
            raise FailedPreconditionError(f"table {self._definition.table!r} has no columns yet: nothing was appended")
        return self._store

    @property
    def specs(self) -> tuple[ColumnSpec, ...]:
        """Columns of a step; none before the first writer."""
        return () if self._store is None else self._store.specs

    def declare_columns(self, specs: Sequence[ColumnSpec]) -> None:
        """Take the columns of a first writer, or compare those of another.

        Raises:
          SchemaMismatchError: they differ from the table's.
          ResourceExhaustedError: the byte budget is smaller than one block of them.
        """
        if self._store is not None:
            check_signature(self._definition.table, specs, self._store.specs)
            return
        check_specs(specs)
        self._store = StepStore(self._definition.table, specs, self._definition.pattern, self._budget)

    def insert(self, rows: Rows, priority: float | None, version: ParameterVersion) -> int:
        """Insert as many of the items as the limiter allows, in their order, and return how many.

        Raises:
          WouldBlock: none is allowed.
        """
        count = self._limiter.inserts_allowed(len(rows))
        if count == 0:
            raise WouldBlock(Condition.CAN_INSERT, self._limiter.insert_waiting())
        self._lag.see(version)
        priorities = np.full(count, self._maximum.value if priority is None else priority)
        self._maximum.see(priorities)
        done = 0
        while done < count:
            step = self._insertable_at_once(count - done)
            self._store_items(rows[done : done + step], priorities[done : done + step], version)
            done += step
        return count

    def sample(self, limit: int, paths: Sequence[str]) -> Served | None:
        """Serve up to `limit` items, fewer when the limiter allows fewer; None when all drawn were lagging.

        Raises:
          WouldBlock: the limiter allows none.
        """
        table_size = self._limiter.size
        picked = self._picker.pick(limit)
        if picked is None:
            raise WouldBlock(Condition.CAN_SAMPLE, self._limiter.sample_waiting())
        if len(picked.gone):
            self._remover.delete(picked.gone)
        draw, retired, lagging = self._part_lagging(picked)
        served = self._serve(draw, retired, table_size, paths) if len(draw.slots) else None
        self._free(lagging)
        return served

    def settle(self, lease: Lease) -> None:
        """End a lease: its batch is done."""
        if lease.incarnation == self._incarnation:
            self._free(lease.retired)

    def give_back(self, leases: Sequence[Lease]) -> None:
        """Undo what unacknowledged batches took: their items come next again."""
        valid = [lease for lease in leases if lease.incarnation == self._incarnation]
        if not valid:
            return
        retired = np.concatenate([lease.retired for lease in valid])
        retired = retired[np.argsort(self._items.insertions[retired])]
        self._items.live[retired] = True
        self._sampler.restore(retired, self._items.priorities[retired])
        self._remover.restore(retired, self._items.priorities[retired])
        self._limiter.num_deletes -= len(retired)
        self._limiter.num_samples -= sum(len(lease.keys) for lease in valid)
        slots, found = self._items.find(np.concatenate([lease.keys for lease in valid]))
        np.subtract.at(self._items.times_sampled, slots[found], np.uint32(1))

    def update_priorities(self, keys: Keys, priorities: npt.NDArray[np.float64]) -> int:
        """Change priorities and return how many keys were found; the last of a repeated key wins.

        Raises:
          InvalidArgumentError: a priority is NaN, infinite or negative; nothing was changed.
        """
        priorities = checked_priorities(priorities)
        slots, found = self._items.find(keys)
        slots, priorities = slots[found], priorities[found]
        if len(slots):
            self._items.priorities[slots] = priorities
            self._maximum.see(priorities)
            self._sampler.update(slots, priorities)
            self._remover.update(slots, priorities)
        return len(slots)

    def delete(self, keys: Keys) -> Changed[int]:
        """Delete items and return how many were found."""
        slots, found = self._items.find(keys)
        slots = np.unique(slots[found])
        self._sampler.delete(slots)
        self._remover.delete(slots)
        self._limiter.num_deletes += len(slots)
        self._free(slots)
        return Changed(len(slots), INSERTABLE)

    def reset(self) -> Changed[int]:
        """Drop all items, leased ones included, zero the counters, and return how many were dropped."""
        num_items = len(self._remover)
        used = self._items.used_slots()
        self._sampler.clear()
        self._remover.clear()
        self._free(used)
        self._limiter.reset()
        self._num_lagging = 0
        self._incarnation += 1
        return Changed(num_items, EITHER)

    def set_rate_limiter(self, settings: RateLimiter) -> Changed[TableInfo]:
        """Change the limiter; its counters stay.

        Raises:
          InvalidArgumentError: the table could never be sampled under it.
        """
        definition = replace(self._definition, rate_limiter=settings)
        check_definition(definition)
        self._definition = definition
        self._limiter.settings = settings
        return Changed(self.info(), EITHER)

    def close(self) -> None:
        """Drop everything and give the bytes back."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def info(self) -> TableInfo:
        """Return the definition and the counters."""
        return TableInfo(
            definition=self._definition,
            num_items=len(self._remover),
            num_bytes=0 if self._store is None else self._store.num_bytes,
            num_inserts=self._limiter.num_inserts,
            num_samples=self._limiter.num_samples,
            num_deletes=self._limiter.num_deletes,
            num_lagging=self._num_lagging,
            num_writers=self.writers.num_open,
        )

    def _insertable_at_once(self, count: int) -> int:
        """Return how many inserts make the same evictions together as one after the other."""
        room = self._definition.max_size - len(self._remover)
        if self._definition.remover.kind is SelectorKind.FIFO or count <= room:
            return count
        return max(1, room)

    def _store_items(self, rows: Rows, priorities: Priorities, version: ParameterVersion) -> None:
        slots = self._items.add(rows, priorities, version.epoch, version.number)
        self._sampler.insert(slots, priorities)
        self._remover.insert(slots, priorities)
        excess = len(self._remover) - self._definition.max_size
        if excess > 0:
            evicted = self._remover.take(excess, self._rng).slots
            self._sampler.delete(evicted)
            self._limiter.num_deletes += len(evicted)
            self._free(evicted)
        self._limiter.num_inserts += len(rows)

    def _part_lagging(self, picked: Picked) -> tuple[Draw, Slots, Slots]:
        """Part the draws to serve, the items they use up, and the items dropped for their lag."""
        slots, probabilities = picked.draw
        is_lagging = self._lag.is_lagging(self._items.epochs[slots], self._items.numbers[slots])
        if not is_lagging.any():
            return picked.draw, picked.gone, _NONE
        lagging = np.unique(slots[is_lagging])
        staying = np.setdiff1d(lagging, picked.gone)
        self._sampler.delete(staying)
        self._remover.delete(staying)
        self._limiter.num_deletes += len(staying)
        self._num_lagging += len(lagging)
        kept = Draw(slots[~is_lagging], probabilities[~is_lagging])
        return kept, picked.gone[~np.isin(picked.gone, lagging)], lagging

    def _serve(self, draw: Draw, retired: Slots, table_size: int, paths: Sequence[str]) -> Served:
        columns = self.store.gather(self._items.rows[draw.slots], paths)
        lease = Lease(self._items.keys(draw.slots), retired, self._incarnation)
        served = serve(self._items, draw, columns, table_size, lease)
        if self._definition.delivery is Delivery.AT_LEAST_ONCE:
            self._items.live[retired] = False
        else:
            self._free(retired)
        return served

    def _free(self, slots: Slots) -> None:
        if len(slots):
            self.store.release(self._items.rows[slots])
            self._items.free(slots)
