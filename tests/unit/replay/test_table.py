from dataclasses import replace

import numpy as np
import pytest

from heronry.types.errors import InvalidArgumentError, ResourceExhaustedError, UnimplementedError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.patterns import Pattern
from heronry.types.tables import Delivery, RateLimiter, Selector, SelectorKind, TableDefinition

FIFO, UNIFORM, PRIORITIZED = Selector.fifo(), Selector.uniform(), Selector.prioritized(1.0)
FREE = RateLimiter.of_min_size(1)


def definition(**changes: object) -> TableDefinition:
    return replace(TableDefinition("t", FIFO, FIFO, FREE, max_size=100), **changes)


def keys_of(bench, items: list[int]) -> np.ndarray:
    items_of = bench.table.contents.items
    slots = items_of.used_slots()
    steps = bench.table.store.gather(items_of.windows(slots))["step"].reshape(-1, len(slots))[0].tolist()
    return items_of.keys(slots[[steps.index(i) for i in items]])


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


def test_a_level_that_no_journal_keeps_is_refused(bench) -> None:
    with pytest.raises(UnimplementedError, match="got disk, offered: memory"):
        bench(definition(acknowledgement=AcknowledgementLevel.DISK))


def test_a_batch_tells_how_many_items_were_inserted_since(bench) -> None:
    bench = bench(definition(max_size=3))
    bench.fill(5)

    reader = bench.reader(1)
    buffer = reader.session.advance(reader.inbox).value[0]

    assert buffer.facts["@age"].tolist() == [2]


def test_the_exponent_of_a_live_table_changes_and_its_info_says_so(bench) -> None:
    bench = bench(definition(sampler=Selector.prioritized(1.0)))
    bench.fill(1, priority=4.0)
    bench.fill(1, priority=9.0)
    assert bench.table.info().mass == 13.0

    info = bench.table.set_priority_exponent(0.5).value

    assert (info.mass, info.definition.sampler.priority_exponent) == (5.0, 0.5)
    assert set(bench.sample(8).probabilities) == {0.4, 0.6}


def test_an_exponent_of_a_table_without_priorities_or_out_of_range_is_refused(bench) -> None:
    with pytest.raises(InvalidArgumentError, match="no prioritised selector"):
        bench(definition()).table.set_priority_exponent(0.5)
    with pytest.raises(InvalidArgumentError, match="priority_exponent: got nan, allowed: 0 to 4"):
        bench(definition(sampler=PRIORITIZED)).table.set_priority_exponent(np.nan)


def test_keys_that_are_gone_are_counted(bench) -> None:
    bench = bench(definition())
    bench.fill(2)
    keys = np.concatenate([keys_of(bench, [0]), np.array([2**63, 5 << 24], np.uint64)])

    bench.table.update_priorities(keys, np.ones(3))
    bench.table.delete(keys)
    bench.table.delete(keys)

    assert bench.table.info().num_ignored == 2 + 2 + 3


def test_items_are_evicted_by_the_remover_to_stay_within_the_bytes(bench) -> None:
    bench = bench(definition(max_size=10**6, max_bytes=8 * 2048 * 4))
    for _ in range(40):
        bench.fill(512)

    info = bench.table.info()
    assert info.num_bytes <= 8 * 2048 * 4
    assert 3 * 2048 - 64 <= info.num_items <= 4 * 2048
    assert info.num_deletes == 40 * 512 - info.num_items
    assert bench.sample(1).columns["step"].tolist() == [[40 * 512 - info.num_items]]


def test_steps_that_only_leases_hold_exhaust_the_bytes_with_figures(bench) -> None:
    leased = definition(max_size=10**6, max_times_sampled=1, delivery=Delivery.AT_LEAST_ONCE, max_bytes=8 * 2048)
    bench = bench(leased)
    bench.fill(2048)
    bench.reader(2048).advance()

    with pytest.raises(ResourceExhaustedError, match="lacks 1 pages and has no item left to evict") as refused:
        bench.fill(1)

    assert refused.value.details["max_bytes"] == str(8 * 2048)


def test_a_block_larger_than_the_bytes_is_refused_and_nobody_is_evicted_for_it(bench) -> None:
    bench = bench(definition(max_size=10**6, max_bytes=8 * 2048 * 2))
    bench.fill(100)

    with pytest.raises(ResourceExhaustedError, match="a block of 40000 bytes exceeds max_bytes, 32768"):
        bench.fill(5000)

    assert bench.table.info().num_items == 100


def test_a_window_larger_than_the_bytes_is_refused(bench) -> None:
    bench = bench(definition(max_bytes=8 * 2048, pattern=Pattern(3000, 1)))

    with pytest.raises(InvalidArgumentError, match=r"pattern\.num_steps: got 3000, allowed: at most 2048"):
        bench.fill(1)


@pytest.mark.parametrize("remover", [FIFO, Selector.lifo(), Selector.min_heap()], ids=lambda s: s.kind.value)
def test_a_block_larger_than_the_table_leaves_whom_one_by_one_would(bench, remover: Selector) -> None:
    bench = bench(definition(max_size=4, remover=remover))
    bench.fill(3, priority=5.0)

    bench.fill(6, priority=2.0)

    kept = {SelectorKind.FIFO: [5, 6, 7, 8], SelectorKind.LIFO: [0, 1, 2, 3], SelectorKind.MIN_HEAP: [0, 1, 2, 8]}
    assert sorted(sampled_steps(bench, 4)) == kept[remover.kind]


def sampled_steps(bench, count: int) -> list[int]:
    return bench.reader(count, without_replacement=True).advance().columns["step"][0].tolist()
