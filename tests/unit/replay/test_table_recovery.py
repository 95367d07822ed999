"""What a table is after its process ended, from its state and from its effects."""

from dataclasses import replace

import numpy as np
import pytest

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.state import first_difference
from heronry.replay.core.table import Table
from heronry.types.blocking import WouldBlock
from heronry.types.patterns import Pattern
from heronry.types.tables import Delivery, PartialEpisodes, RateLimiter, Selector, TableDefinition

QUEUE = TableDefinition.queue("t", size=4, pattern=Pattern(1, 1))


def noted(bench, definition: TableDefinition):
    return bench(definition, journal=bench.Journal())


def recovered(bench, *, at: int = 0, state: dict | None = None) -> Table:
    """Return a table made of a state and of the effects noted from `at` on."""
    journal = bench.table.changes.journal
    table = Table(bench.table.definition, ByteBudget(64 << 20), np.random.default_rng(7), journal=bench.Journal())
    if state is not None:
        table.restore(state)
    for effect in journal.effects[at:]:
        table.recover(effect)
    table.finish_recovery()
    return table


def test_a_state_and_the_effects_since_make_the_table_of_all_effects(bench) -> None:
    bench = noted(bench, TableDefinition("t", Selector.prioritized(0.5), Selector.fifo(), QUEUE.rate_limiter, 20))
    bench.table.set_rate_limiter(RateLimiter.of_min_size(1))
    bench.fill(9, priority=2.0)
    bench.sample(5)
    state, at = bench.table.state(), len(bench.table.changes.journal.effects)
    bench.table.set_priority_exponent(0.9)
    bench.fill(15, number=3)
    bench.sample(7)
    bench.stop_filling()

    whole, shorter = recovered(bench), recovered(bench, at=at, state=state)

    assert first_difference(whole.state(), bench.table.state()) is None
    assert first_difference(shorter.state(), bench.table.state()) is None
    assert whole.definition == bench.table.definition == shorter.definition
    assert whole.info().num_recovered == 20


def test_leases_of_a_former_process_are_served_again_first(bench) -> None:
    bench = noted(bench, replace(QUEUE, delivery=Delivery.AT_LEAST_ONCE))
    bench.fill(4)
    bench.reader(2).advance()

    table = recovered(bench)

    info = table.info()
    assert (info.num_items, info.num_samples, info.num_deletes) == (4, 0, 0)
    assert table.contents.sampler.choose(4, np.random.default_rng(0)).slots.tolist() == [0, 1, 2, 3]


def test_a_writer_goes_on_with_its_half_inserted_block(bench) -> None:
    bench = noted(bench, replace(QUEUE, max_times_sampled=1))
    writer = bench.writer(lanes=6)
    block = bench.block(1, 1, 6)
    with pytest.raises(WouldBlock):
        writer.append(block)

    bench.table = recovered(bench)

    assert bench.table.num_items == 4
    back = bench.writer(lanes=6)
    assert back.progress.accepted_sequence == 0
    bench.sample(2)
    assert back.append(block).value.accepted_sequence == 1
    assert bench.table.info().num_inserts == 6


def test_a_block_acknowledged_before_is_known_afterwards(bench) -> None:
    bench = noted(bench, QUEUE)
    block = bench.block(1, 2)
    bench.writer().append(block)

    bench.table = recovered(bench)

    assert bench.writer().append(block).value.accepted_sequence == 1
    assert bench.table.info().num_inserts == 2


def test_episodes_that_were_open_are_lost_where_the_table_drops_them(bench) -> None:
    bench = noted(bench, replace(QUEUE, partial_episodes=PartialEpisodes.DROP))
    writer = bench.writer()
    writer.append(bench.block(1, 2, lane_ends=np.array([True])))
    writer.append(bench.block(2, 2))

    table = recovered(bench)

    assert table.num_items == 2
    assert first_difference(table.state(), recovered(bench).state()) is None


def test_items_and_pending_ones_on_broken_pages_are_dropped(bench) -> None:
    bench = noted(bench, replace(QUEUE, max_times_sampled=1))
    bench.writer("one").append(bench.block(1, 2))
    with pytest.raises(WouldBlock):
        bench.writer("two").append(bench.block(1, 5))
    bench.table = recovered(bench)
    second_page = np.array([1])

    assert bench.table.drop_broken(second_page) == 2

    assert bench.table.info().num_recovered == 2
    back = bench.writer("two")
    assert back.append(bench.block(1, 5)).value.accepted_sequence == 1
    assert bench.table.num_items == 2


def test_freed_pages_wait_for_the_log_before_they_are_written_again(bench) -> None:
    bench = noted(bench, replace(QUEUE, max_size=10**6, rate_limiter=RateLimiter.of_min_size(1), max_bytes=8 * 4096))
    for _ in range(10):
        bench.fill(1024)

    # Of the two pages one was freed, committed, and only then written again.
    info = bench.table.info()
    assert 2048 <= info.num_items <= 4096
    assert info.durable_position == len(bench.table.changes.journal.effects)


def test_a_snapshot_and_the_effects_since_make_the_open_episode_of_a_table_that_has_grown(bench) -> None:
    definition = replace(
        QUEUE, max_size=5, rate_limiter=RateLimiter.of_min_size(1), partial_episodes=PartialEpisodes.DROP
    )
    bench = noted(bench, definition)
    writer = bench.writer()
    # Many at once make the served table's arrays larger than those of one recovered.
    writer.append(bench.block(1, 40))
    writer.append(bench.block(2, 1, lane_ends=np.array([True])))
    state, since = bench.table.state(), len(bench.table.changes.journal.effects)
    for sequence in range(3, 30):
        writer.append(bench.block(sequence, 1))

    again = Table(definition, ByteBudget(1 << 20), np.random.default_rng(7), journal=bench.Journal())
    again.restore(state)
    for effect in bench.table.changes.journal.effects[since:]:
        again.recover(effect)

    left, right = (t.state() | {"store": None} for t in (bench.table, again))
    assert first_difference(left, right) is None


def test_a_prioritised_table_that_had_grown_and_shrunk_goes_on_from_its_snapshot(bench) -> None:
    definition = replace(
        QUEUE,
        sampler=Selector.prioritized(1.0),
        remover=Selector.prioritized(1.0),
        max_size=5,
        rate_limiter=RateLimiter.of_min_size(1),
        max_times_sampled=0,
    )
    bench = noted(bench, definition)
    # Leased or imported items, and large blocks, take slots beyond those reserved.
    bench.table.contents.sampler.insert(np.array([300]), np.ones(1, np.float32))
    bench.table.contents.sampler.delete(np.array([300]))
    bench.fill(3)
    state = bench.table.state()

    again = Table(definition, ByteBudget(1 << 20), np.random.default_rng(7), journal=bench.Journal())
    again.restore(state)

    left, right = (t.state() | {"store": None} for t in (bench.table, again))
    assert first_difference(left, right) is None
