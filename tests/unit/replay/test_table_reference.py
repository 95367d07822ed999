"""Tables beside lists: blocking decisions, items and counters, and the effects that make the same table again."""

import random
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.state import first_difference
from heronry.replay.core.table import Table
from heronry.types.blocking import WouldBlock
from heronry.types.tables import Delivery, RateLimiter, Selector, SelectorKind, TableDefinition

LIMITERS = [
    RateLimiter.of_min_size(1),
    RateLimiter.of_min_size(4),
    RateLimiter.queue(12),
    RateLimiter.stack(5),
    RateLimiter.sample_to_insert_ratio(1.5, 4, 6.0),
    RateLimiter.sample_to_insert_ratio(0.25, 8, 2.0),
    RateLimiter.sample_to_insert_ratio(4.0, 2, (-3.0, 9.0)),
]
SELECTORS = [
    Selector.fifo(),
    Selector.lifo(),
    Selector.uniform(),
    Selector.min_heap(),
    Selector.max_heap(),
    Selector.prioritized(0.7),
]


@dataclass
class Item:
    """An item of the reference: `rank` orders insertions, `touched` insertions and updates."""

    priority: float
    rank: int
    touched: int
    served: int = 0


@dataclass
class ReferenceTable:
    """The table's semantics, one item at a time, as formulas and orders say."""

    definition: TableDefinition
    limiter: RateLimiter
    items: dict[int, Item] = field(default_factory=dict)
    inserts: int = 0
    samples: int = 0
    deletes: int = 0
    now: int = 0

    def can_insert(self) -> bool:
        spi = self.limiter.samples_per_insert
        is_free = self.inserts + 1 - self.deletes <= self.limiter.min_size
        return is_free or (self.inserts + 1) * spi - self.samples <= self.limiter.max_diff

    def can_sample(self) -> bool:
        if self.inserts - self.deletes < self.limiter.min_size:
            return False
        return self.inserts * self.limiter.samples_per_insert - self.samples - 1 >= self.limiter.min_diff

    def first(self, kind: SelectorKind) -> int | None:
        """Return the item that a selector of a fixed order chooses; None for the others."""
        orders = {
            SelectorKind.FIFO: lambda k: self.items[k].rank,
            SelectorKind.LIFO: lambda k: -self.items[k].rank,
            SelectorKind.MIN_HEAP: lambda k: (self.items[k].priority, self.items[k].touched),
            SelectorKind.MAX_HEAP: lambda k: (-self.items[k].priority, self.items[k].touched),
        }
        return min(self.items, key=orders[kind]) if kind in orders else None

    def insert(self, step: int, priority: float, was_evicted: "set[int]") -> None:
        """Insert, and evict where too many are in: who of those `was_evicted`, where chance decides."""
        self.now += 1
        self.items[step] = Item(priority, self.now, self.now)
        if len(self.items) > self.definition.max_size:
            gone = self.first(self.definition.remover.kind)
            if gone is None:
                gone = min(was_evicted & set(self.items))
                was_evicted.discard(gone)
            self.delete(gone)
        self.inserts += 1

    def sample(self, step: int) -> None:
        """Serve an item that the table served."""
        assert self.can_sample()
        expected = self.first(self.definition.sampler.kind)
        assert step in self.items
        assert expected is None or step == expected
        self.samples += 1
        self.items[step].served += 1
        if self.items[step].served == self.definition.max_times_sampled:
            self.delete(step)

    def update(self, step: int, priority: float) -> None:
        self.now += 1
        self.items[step].priority, self.items[step].touched = priority, self.now

    def delete(self, step: int) -> None:
        del self.items[step]
        self.deletes += 1

    def reset(self) -> None:
        self.items.clear()
        self.inserts = self.samples = self.deletes = 0


class Pair:
    """A table, its reference, and a table that only the effects reach."""

    def __init__(self, bench_class: type, definition: TableDefinition) -> None:
        self.notes = bench_class.Journal()
        self.bench = bench_class(definition, journal=self.notes)
        self.table: Table = self.bench.table
        self.reference = ReferenceTable(definition, definition.rate_limiter)
        self.mirror = Table(definition, ByteBudget(64 << 20), np.random.default_rng(7), journal=bench_class.Journal())
        self.num_mirrored = 0
        self.writer = self.bench.writer()
        self.sequence = 0
        self.block = None
        self.waiting: list[tuple[int, float]] = []

    def insert(self, count: int, priority: float) -> None:
        """Append a block, or go on with one that had to wait."""
        if not self.waiting:
            self.sequence += 1
            first = self.bench.num_steps
            self.block = self.bench.block(self.sequence, count, priority=priority)
            self.waiting = [(step, priority) for step in range(first, first + count)]
        before = self.table.contents.limiter.num_inserts
        try:
            self.writer.append(self.block)
            is_accepted = True
        except WouldBlock:
            is_accepted = False
        inserted = self.table.contents.limiter.num_inserts - before
        candidates = set(self.reference.items) | {s for s, _ in self.waiting[:inserted]}
        was_evicted = candidates - set(self.slots())
        for _ in range(inserted):
            assert self.reference.can_insert()
            self.reference.insert(*self.waiting.pop(0), was_evicted)
        assert is_accepted == (not self.waiting)
        assert is_accepted or not self.reference.can_insert()
        self.check()

    def sample(self, count: int, *, acknowledged: bool = True) -> None:
        """Draw one batch as far as it goes; what a lost reader had comes back where it is leased."""
        before = self.table.contents.limiter.num_samples
        reader = self.bench.reader(count)
        try:
            batch = reader.advance()
            steps = batch.columns["step"][0].tolist()
        except WouldBlock:
            buffer, filled = reader.session._buffer, reader.session._filled
            steps = [] if buffer is None else buffer.columns["step"][0, :filled].tolist()
            assert self.table.contents.limiter.num_samples - before == filled
        for step in steps:
            self.reference.sample(step)
        assert len(steps) == count or not self.reference.can_sample()
        reader.session._drawing.end_batch(1)
        reader.session._drawing.acknowledge(1)
        reader.close()
        self.check()

    def delete(self, steps: list[int]) -> None:
        slots = self.slots()
        keys = self.table.contents.items.keys(np.array([slots[s] for s in steps], np.int64))
        assert self.table.delete(np.concatenate([keys, keys, np.array([2**63], np.uint64)])).value == len(steps)
        for step in steps:
            self.reference.delete(step)
        self.check()

    def update(self, steps: list[int], priority: float) -> None:
        slots = self.slots()
        keys = self.table.contents.items.keys(np.array([slots[s] for s in steps], np.int64))
        values = priority + np.arange(len(steps)) % 3
        assert self.table.update_priorities(keys, values) == len(steps)
        for step, value in zip(steps, values.tolist(), strict=True):
            self.reference.update(step, value)
        self.check()

    def set_limiter(self, limiter: RateLimiter) -> None:
        self.table.set_rate_limiter(limiter)
        self.reference.limiter = limiter
        self.check()

    def reset(self) -> None:
        self.table.reset()
        self.reference.reset()
        self.check()

    def reconnect(self) -> None:
        self.writer.close()
        self.writer = self.bench.writer()
        self.check()

    def slots(self) -> dict[int, int]:
        """Return the slot of each item by its step."""
        items = self.table.contents.items
        used = items.used_slots()
        if not len(used):
            return {}
        steps = self.table.store.gather(items.windows(used))["step"][0].tolist()
        return dict(zip(steps, used.tolist(), strict=True))

    def check(self) -> None:
        limiter, reference = self.table.contents.limiter, self.reference
        counters = (limiter.num_inserts, limiter.num_samples, limiter.num_deletes, self.table.num_items)
        assert counters == (reference.inserts, reference.samples, reference.deletes, len(reference.items))
        assert set(self.slots()) == set(reference.items)
        assert limiter.can_insert() == reference.can_insert()
        assert limiter.can_sample() == reference.can_sample()
        self.check_mirror()

    def check_mirror(self) -> None:
        for effect in self.notes.effects[self.num_mirrored :]:
            self.mirror.recover(effect)
        self.num_mirrored = len(self.notes.effects)
        assert first_difference(without_steps(self.table), without_steps(self.mirror)) is None

    def close(self) -> None:
        """End all lanes: the tables agree in their pages too."""
        self.writer.close()
        self.check_mirror()
        if self.table.contents.has_store:
            assert first_difference(self.table.store.state(), self.mirror.store.state()) is None
        self.table.close()
        self.mirror.close()
        assert self.bench.budget.used == 0


def without_steps(table: Table) -> dict[str, object]:
    # Lanes that go on hold pages of a served table alone.
    return {name: part for name, part in table.state().items() if name != "store"}


definitions = st.builds(
    TableDefinition,
    table=st.just("t"),
    sampler=st.sampled_from(SELECTORS),
    remover=st.sampled_from(SELECTORS),
    rate_limiter=st.sampled_from(LIMITERS),
    max_size=st.integers(8, 20),
    max_times_sampled=st.sampled_from([0, 1, 3]),
    delivery=st.sampled_from(Delivery),
)


class TableMachine(RuleBasedStateMachine):
    """Callers of one table."""

    bench_class: type

    @initialize(definition=definitions)
    def begin(self, definition: TableDefinition) -> None:
        self.pair = Pair(self.bench_class, definition)

    @rule(count=st.integers(1, 12), priority=st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.0]))
    def insert(self, count: int, priority: float) -> None:
        self.pair.insert(count, priority)

    @rule(count=st.integers(1, 12))
    def sample(self, count: int) -> None:
        self.pair.sample(count)

    @precondition(lambda self: self.pair.reference.items)
    @rule(data=st.data(), priority=st.sampled_from([0.0, 1.0, 3.0]))
    def update(self, data: st.DataObject, priority: float) -> None:
        self.pair.update(data.draw(st.lists(st.sampled_from(sorted(self.pair.reference.items)), max_size=5)), priority)

    @precondition(lambda self: self.pair.reference.items)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        chosen = st.lists(st.sampled_from(sorted(self.pair.reference.items)), max_size=4, unique=True)
        self.pair.delete(data.draw(chosen))

    @rule(limiter=st.sampled_from(LIMITERS))
    def set_limiter(self, limiter: RateLimiter) -> None:
        self.pair.set_limiter(limiter)

    @rule()
    def reset(self) -> None:
        self.pair.reset()

    @rule()
    def reconnect(self) -> None:
        self.pair.reconnect()

    def teardown(self) -> None:
        if hasattr(self, "pair"):
            self.pair.close()


def test_a_table_decides_as_lists_do_and_its_effects_make_it_again(bench_class: type) -> None:
    class Machine(TableMachine):
        pass

    Machine.bench_class = bench_class
    run_state_machine_as_test(Machine, settings=settings(max_examples=40, stateful_step_count=25))


def run_at_random(bench_class: type, seed: int, num_operations: int) -> None:
    """Run a sequence of operations on a table, beside its reference; both are drawn by the seed."""
    rng = random.Random(seed)
    definition = TableDefinition(
        "t",
        rng.choice(SELECTORS),
        rng.choice(SELECTORS),
        rng.choice(LIMITERS),
        rng.randrange(8, 21),
        rng.choice([0, 1, 3]),
    )
    pair = Pair(bench_class, definition)
    for _ in range(num_operations):
        action, known = rng.random(), sorted(pair.reference.items)
        if action < 0.45:
            pair.insert(rng.randrange(1, 12), rng.choice([0.0, 0.5, 2.0]))
        elif action < 0.8 or not known:
            pair.sample(rng.randrange(1, 12))
        elif action < 0.9:
            pair.update(rng.choices(known, k=3), rng.random())
        else:
            pair.delete(rng.sample(known, min(2, len(known))))
    pair.close()


@pytest.mark.parametrize("seed", range(30))
def test_random_sequences_are_decided_as_by_the_formulas(bench_class: type, seed: int) -> None:
    for index in range(10):
        run_at_random(bench_class, 10 * seed + index, 12)


@pytest.mark.acceptance
@pytest.mark.timeout(600)
def test_ten_thousand_random_sequences_are_decided_as_by_the_formulas(bench_class: type) -> None:
    for seed in range(10_000):
        run_at_random(bench_class, seed, 20)


@settings(max_examples=40)
@given(definition=definitions, seed=st.integers(0, 2**32 - 1))
def test_a_table_restored_goes_on_as_the_other_would(bench_class, definition: TableDefinition, seed: int) -> None:
    free = replace(definition, rate_limiter=RateLimiter.of_min_size(1), delivery=Delivery.AT_MOST_ONCE)
    rng = random.Random(seed)
    bench = bench_class(free)
    for _ in range(rng.randrange(1, 5)):
        bench.fill(rng.randrange(1, 9), priority=rng.random(), number=rng.randrange(3))
        bench.sample(rng.randrange(1, 5))
    if not bench.table.num_items:
        bench.fill(3)
    bench.stop_filling()
    other = bench_class(free)
    other.table.restore(bench.table.state())
    assert first_difference(other.table.state(), bench.table.state()) is None
    other.table.finish_recovery()

    for batch_size in (1, 3, 8):
        left, right = bench.sample(batch_size), other.sample(batch_size)
        assert (left is None) == (right is None)
        for name in () if left is None else ("keys", "probabilities", "times_sampled", "behaviour_numbers"):
            np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
