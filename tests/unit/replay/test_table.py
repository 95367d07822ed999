import random
from dataclasses import replace

import numpy as np
import pytest

from heronry.types.blocking import WouldBlock
from heronry.types.errors import InvalidArgumentError, UnimplementedError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.patterns import Pattern
from heronry.types.tables import RateLimiter, Selector, TableDefinition

FIFO, UNIFORM, PRIORITIZED = Selector.fifo(), Selector.uniform(), Selector.prioritized(1.0)
FREE = RateLimiter.of_min_size(1)


def definition(**changes: object) -> TableDefinition:
    return replace(TableDefinition("t", FIFO, FIFO, FREE, max_size=100), **changes)


class ReferenceTable:
    """The table semantics, one item at a time, as the formulas and orders say."""

    def __init__(self, definition: TableDefinition) -> None:
        self.definition = definition
        self.items: list[int] = []
        self.served: dict[int, int] = {}
        self.inserts = self.samples = self.deletes = 0

    def insert(self, item: int) -> bool:
        limiter = self.definition.rate_limiter
        spi = limiter.samples_per_insert
        is_free = self.inserts + 1 - self.deletes <= limiter.min_size
        if not (is_free or (self.inserts + 1) * spi - self.samples <= limiter.max_diff):
            return False
        self.items.append(item)
        if len(self.items) > self.definition.max_size:
            self.delete(self.items[0])
        self.inserts += 1
        return True

    def sample(self) -> int | None:
        limiter = self.definition.rate_limiter
        if self.inserts - self.deletes < limiter.min_size:
            return None
        if self.inserts * limiter.samples_per_insert - self.samples - 1 < limiter.min_diff:
            return None
        self.samples += 1
        item = self.items[0]
        self.served[item] = self.served.get(item, 0) + 1
        if self.served[item] == self.definition.max_times_sampled:
            self.delete(item)
        return item

    def delete(self, item: int) -> None:
        self.items.remove(item)
        self.deletes += 1


@pytest.mark.parametrize("max_times", [0, 1, 3])
@pytest.mark.parametrize(
    "limiter",
    [
        RateLimiter.queue(12),
        RateLimiter.sample_to_insert_ratio(1.5, 4, 6.0),
        RateLimiter.sample_to_insert_ratio(0.25, 8, 2.0),
        FREE,
    ],
)
def test_decisions_counters_and_items_are_those_of_one_at_a_time(bench, limiter: RateLimiter, max_times: int) -> None:
    rng = random.Random(17)
    table_of = definition(rate_limiter=limiter, max_times_sampled=max_times, max_size=15)
    bench = bench(table_of)
    reference = ReferenceTable(table_of)
    writer = bench.writer()
    strands = writer._writer.strands
    for _ in range(600):
        count = rng.randrange(1, 12)
        if rng.random() < 0.5:
            rows = bench.table.store.append(strands, bench.block(1, count).columns, count)
            items = list(range(bench.num_steps - count, bench.num_steps))
            expected = 0
            while expected < count and reference.insert(items[expected]):
                expected += 1
            assert inserted(bench, rows) == expected
            bench.table.store.release(rows[expected:])
        elif rng.random() < 0.8:
            expected_items = []
            while len(expected_items) < count and (item := reference.sample()) is not None:
                expected_items.append(item)
            assert sampled(bench, count) == expected_items
        elif reference.items:
            gone = rng.sample(reference.items, min(2, len(reference.items)))
            keys = keys_of(bench, gone)
            assert bench.table.delete(np.concatenate([keys, keys])).value == len(gone)
            for item in gone:
                reference.delete(item)
        info = bench.table.info()
        counters = (info.num_inserts, info.num_samples, info.num_deletes, info.num_items)
        assert counters == (reference.inserts, reference.samples, reference.deletes, len(reference.items))


def inserted(bench, rows: np.ndarray) -> int:
    try:
        return bench.table.insert(rows, None, bench.block(1, 1).behaviour_version)
    except WouldBlock:
        return 0


def sampled(bench, count: int) -> list[int]:
    items: list[int] = []
    while len(items) < count:
        try:
            served = bench.table.sample(count - len(items), ("step",))
        except WouldBlock:
            break
        items += served.columns["step"][0].tolist()
    return items


def keys_of(bench, items: list[int]) -> np.ndarray:
    table = bench.table
    slots = np.flatnonzero(table._items.live)
    steps = table.store.gather(table._items.rows[slots], ("step",))["step"][0].tolist()
    return table._items.keys(slots[[steps.index(i) for i in items]])


def test_an_insert_above_max_size_evicts_by_the_remover_and_counts_both(bench) -> None:
    bench = bench(definition(max_size=3))

    bench.fill(5)

    info = bench.table.info()
    assert (info.num_inserts, info.num_deletes, info.num_items) == (5, 2, 3)
    assert bench.sample(1).columns["step"].tolist() == [[2]]


def test_a_remover_without_order_may_evict_the_newest_item(bench) -> None:
    seen = set()
    bench = bench(definition(sampler=UNIFORM, remover=UNIFORM, max_size=2))
    for _ in range(60):
        bench.fill(1)
        seen.add(bench.num_steps - 1 in bench.sample(64).columns["step"])

    assert seen == {True, False}


def test_an_item_is_served_max_times_and_then_gone(bench) -> None:
    bench = bench(definition(max_times_sampled=2))
    bench.fill(3)

    served = [bench.sample(1).columns["step"].item() for _ in range(6)]

    assert served == [0, 0, 1, 1, 2, 2]
    assert bench.sample(1) is None
    assert bench.table.info().num_deletes == 3


def test_new_items_have_the_greatest_priority_ever_given(bench) -> None:
    bench = bench(definition(sampler=PRIORITIZED))
    bench.fill(1)
    assert bench.sample(1).priorities.tolist() == [1.0]
    bench.fill(1, priority=9.0)
    bench.table.delete(keys_of(bench, [0, 1]))

    bench.fill(1)

    assert bench.sample(1).priorities.tolist() == [9.0]


def test_a_batch_tells_the_facts_of_its_items(bench) -> None:
    bench = bench(definition(sampler=PRIORITIZED, pattern=Pattern(1, 1)))
    bench.fill(1, priority=1.0, number=5, epoch=2)
    bench.fill(1, priority=3.0, number=6, epoch=2)

    batch = bench.sample(4)

    expected = {0: (0.25, 1.0, 5), 1: (0.75, 3.0, 6)}
    facts = zip(batch.probabilities, batch.priorities, batch.behaviour_numbers, strict=True)
    assert [expected[s] for s in batch.columns["step"][0]] == list(facts)
    assert batch.table_size == 2
    assert batch.behaviour_epochs.tolist() == [2] * 4


def test_updates_of_keys_that_are_gone_are_ignored_and_the_last_of_a_repeated_key_wins(bench) -> None:
    bench = bench(definition(sampler=PRIORITIZED, max_size=2))
    bench.fill(2)
    old = keys_of(bench, [0, 1])
    bench.fill(1)

    applied = bench.table.update_priorities(np.concatenate([old, old[1:]]), np.array([50.0, 7.0, 0.0]))

    assert applied == 2
    assert set(bench.sample(32).columns["step"][0].tolist()) == {2}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.5, 1e39])
def test_priorities_outside_their_range_are_refused_and_nothing_changes(bench, bad: float) -> None:
    bench = bench(definition(sampler=PRIORITIZED))
    bench.fill(2)

    with pytest.raises(InvalidArgumentError, match=r"priorities\[1\]"):
        bench.table.update_priorities(keys_of(bench, [0, 1]), np.array([5.0, bad]))

    assert set(bench.sample(8).priorities.tolist()) == {1.0}


def test_items_too_far_behind_the_newest_version_are_dropped_and_counted(bench) -> None:
    bench = bench(definition(rate_limiter=RateLimiter.queue(10), max_size=10, max_times_sampled=1, max_lag=2))
    for number in (1, 2, 3, 4, 5):
        bench.fill(1, number=number)

    assert bench.sample(3).behaviour_numbers.tolist() == [3, 4, 5]

    info = bench.table.info()
    assert (info.num_lagging, info.num_items) == (2, 0)
    # Dropped items leave the queue's window: ten fit again.
    bench.fill(10, number=5)


def test_items_of_an_older_epoch_are_dropped_where_there_is_a_bound(bench) -> None:
    bench = bench(definition(max_times_sampled=1, max_lag=100))
    bench.fill(1, number=7, epoch=1)
    bench.fill(1, number=0, epoch=2)

    assert bench.sample(1).behaviour_epochs.tolist() == [2]
    assert bench.table.info().num_lagging == 1


def test_lagging_items_leave_a_table_that_keeps_what_it_serves(bench) -> None:
    bench = bench(definition(sampler=UNIFORM, max_lag=0))
    bench.fill(20, number=1)
    bench.fill(5, number=2)

    numbers = np.concatenate([bench.sample(16).behaviour_numbers for _ in range(30)])

    assert set(numbers.tolist()) == {2}
    assert bench.table.info().num_lagging == 20
    assert bench.table.info().num_items == 5


def test_a_reset_drops_all_items_and_zeroes_the_counters(bench) -> None:
    bench = bench(definition())
    bench.fill(8)
    bench.sample(3)

    assert bench.table.reset().value == 8

    info = bench.table.info()
    assert (info.num_items, info.num_inserts, info.num_samples, info.num_deletes) == (0, 0, 0, 0)
    assert bench.sample(1) is None
    bench.fill(1)
    assert bench.sample(1).columns["step"].tolist() == [[8]]


def test_a_live_change_of_the_limiter_keeps_the_counters_and_counts_at_once(bench) -> None:
    bench = bench(definition(rate_limiter=RateLimiter.of_min_size(50)))
    bench.fill(3)
    assert bench.sample(1) is None

    info = bench.table.set_rate_limiter(RateLimiter.of_min_size(3)).value

    assert (info.num_inserts, info.definition.rate_limiter.min_size) == (3, 3)
    assert bench.sample(1) is not None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"rate_limiter": RateLimiter.of_min_size(101)}, "rate_limiter.min_size"),
        ({"max_size": 1 << 28}, "definition.max_size"),
        ({"sampler": Selector.prioritized(5.0)}, "sampler.priority_exponent"),
    ],
)
def test_definitions_that_cannot_work_are_refused_by_field(bench, changes: dict, field: str) -> None:
    with pytest.raises(InvalidArgumentError, match=field):
        bench(definition(**changes))


def test_acknowledgement_levels_that_are_not_offered_are_refused_naming_the_one_that_is(bench) -> None:
    with pytest.raises(UnimplementedError, match="got process, offered: memory"):
        bench(definition(acknowledgement=AcknowledgementLevel.PROCESS))
