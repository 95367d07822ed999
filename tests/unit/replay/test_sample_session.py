import contextlib
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.replay.core.batch_buffer import ArrayBuffer
from heronry.replay.core.conditions import Condition
from heronry.replay.core.sample_session import MAX_CREDITS, Acknowledge, Credits, SampleHeader, SampleSession
from heronry.types.blocking import WouldBlock
from heronry.types.errors import InvalidArgumentError, MessageTooLargeError, SchemaMismatchError
from heronry.types.patterns import Pattern
from heronry.types.tables import Delivery, RateLimiter, Selector, TableDefinition

QUEUE = TableDefinition.queue("t", size=4, pattern=Pattern(1, 1))
LEASED = replace(QUEUE, delivery=Delivery.AT_LEAST_ONCE)


def steps_of(batch: object) -> list[int]:
    return batch.columns["step"][0].tolist()


def test_nothing_is_drawn_without_a_credit(bench) -> None:
    bench = bench(QUEUE)
    bench.fill(4)
    reader = bench.reader(1, num_credits=0)

    assert reader.advance() is None
    assert bench.table.info().num_samples == 0


def test_credits_are_never_exceeded(bench) -> None:
    bench = bench(QUEUE)
    bench.fill(4)
    reader = bench.reader(1, num_credits=0)
    reader.inbox.extend([Credits(2), Credits(1)])

    batches = [reader.advance() for _ in range(6)]

    assert [b.batch_id for b in batches if b is not None] == [1, 2, 3]
    assert bench.table.info().num_samples == 3


def test_a_batch_larger_than_the_window_fills_while_writers_go_on(bench) -> None:
    bench = bench(QUEUE)
    reader = bench.reader(10)
    writer = bench.writer()
    batch = None
    for sequence in range(1, 11):
        with pytest.raises(WouldBlock) as blocked:
            reader.advance()
        assert blocked.value.changed == ({Condition.CAN_INSERT} if sequence > 1 else set())
        writer.append(bench.block(sequence, 1))
    batch = reader.advance()

    assert steps_of(batch) == list(range(10))
    assert batch.columns["step"].flags.c_contiguous
    assert batch.probabilities.tolist() == [1.0] * 10


def test_messages_that_come_while_it_waits_are_taken_when_it_is_tried_again(bench) -> None:
    bench = bench(LEASED)
    reader = bench.reader(2)
    bench.fill(2)
    reader.advance()
    with pytest.raises(WouldBlock):
        reader.advance(Credits(1))
    with pytest.raises(WouldBlock):
        reader.advance(Acknowledge(1))

    reader.close()

    bench.stop_filling()
    assert bench.table.info().num_bytes == 0


def test_an_unacknowledged_batch_of_a_lost_reader_is_served_again_first(bench) -> None:
    bench = bench(LEASED)
    bench.fill(4)
    lost = bench.reader(2, num_credits=2)
    first, second = lost.advance(), lost.advance()
    lost.advance(Acknowledge(first.batch_id))
    bench.fill(2)

    changed = lost.close()

    assert Condition.CAN_SAMPLE in changed.conditions
    assert steps_of(bench.sample(4)) == [*steps_of(second), 4, 5]
    assert second.times_sampled.tolist() == [1, 1]


def test_a_half_collected_batch_of_a_lost_reader_goes_back_too(bench) -> None:
    bench = bench(LEASED)
    bench.fill(3)
    lost = bench.reader(5)
    with pytest.raises(WouldBlock):
        lost.advance()

    lost.close()

    again = bench.reader(3)
    assert steps_of(again.advance()) == [0, 1, 2]


def test_what_a_lost_reader_had_is_gone_where_delivery_is_at_most_once(bench) -> None:
    bench = bench(QUEUE)
    bench.fill(4)
    lost = bench.reader(3)
    lost.advance()

    lost.close()

    assert steps_of(bench.sample(1)) == [3]
    bench.stop_filling()
    assert bench.table.info().num_bytes == 0


def test_steps_of_a_lease_stay_until_it_ends(bench) -> None:
    bench = bench(LEASED)
    bench.fill(4)
    reader = bench.reader(4)
    batch = reader.advance()
    bench.stop_filling()
    assert bench.table.info().num_bytes > 0

    reader.advance(Acknowledge(batch.batch_id))

    assert bench.table.info().num_bytes == 0


def test_a_reset_makes_leases_void(bench) -> None:
    bench = bench(LEASED)
    bench.fill(4)
    reader = bench.reader(4)
    reader.advance()

    bench.table.reset()
    bench.fill(2)
    reader.close(Acknowledge(1))

    info = bench.table.info()
    assert (info.num_items, info.num_inserts, info.num_samples, info.num_deletes) == (2, 2, 0, 0)


def test_leases_without_acknowledgement_stop_the_stream(bench) -> None:
    bench = bench(replace(LEASED, max_size=500, rate_limiter=RateLimiter.queue(500)))
    bench.fill(100)
    reader = bench.reader(1, num_credits=100)

    batches = [reader.advance() for _ in range(70)]

    assert sum(b is not None for b in batches) == 64
    assert reader.advance(Acknowledge(10)).batch_id == 65


class Mishaps:
    """A queue with readers and a writer that come, go and die at random."""

    def __init__(self, bench, rng: random.Random) -> None:
        self.bench, self.rng = bench, rng
        self.readers = [self.new_reader() for _ in range(3)]
        self.batches: list[list] = [[] for _ in self.readers]
        self.writer, self.sequence = bench.writer(lanes=2), 1
        self.block = bench.block(1, 2, 2)
        self.done: list[int] = []

    def new_reader(self) -> object:
        return self.bench.reader(self.rng.randrange(1, 9), num_credits=3)

    def append(self) -> None:
        try:
            self.writer.append(self.block)
        except WouldBlock:
            if self.rng.random() < 0.2:
                self.writer.close()
                self.writer = self.bench.writer(lanes=2)
            return
        self.sequence += 1
        self.block = self.bench.block(self.sequence, 2, 2)

    def sample(self, index: int) -> None:
        messages = [Credits(1)] if self.rng.random() < 0.5 else []
        with contextlib.suppress(WouldBlock):
            batch = self.readers[index].advance(*messages)
            self.batches[index] += [] if batch is None else [batch]

    def end(self, index: int, *, acknowledging: bool) -> None:
        acknowledged = self.batches[index] if acknowledging else self.batches[index][: self.rng.randrange(3)]
        self.done += [step for batch in acknowledged for step in steps_of(batch)]
        self.readers[index].close(*(Acknowledge(b.batch_id) for b in acknowledged[-1:]))
        self.readers[index], self.batches[index] = self.new_reader(), []


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_item_of_a_queue_is_lost_or_finished_twice_whoever_dies(bench_class, seed: int) -> None:
    rng = random.Random(seed)
    bench = bench_class(replace(LEASED, max_size=6, rate_limiter=RateLimiter.queue(6)))
    mishaps = Mishaps(bench, rng)
    for _ in range(120):
        index, action = rng.randrange(3), rng.random()
        if action < 0.4:
            mishaps.append()
        elif action < 0.8:
            mishaps.sample(index)
        else:
            mishaps.end(index, acknowledging=action < 0.9)
    for index in range(3):
        mishaps.end(index, acknowledging=False)
    while (one := bench.sample(1)) is not None:
        mishaps.done += steps_of(one)

    assert sorted(mishaps.done) == list(range(bench.table.info().num_inserts))


def test_only_columns_asked_for_are_gathered_and_unknown_ones_refused(bench) -> None:
    bench = bench(QUEUE)
    bench.fill(2)

    assert list(bench.reader(1, columns=("step",)).advance().columns) == ["step"]
    with pytest.raises(SchemaMismatchError, match=r"header\.columns: got 'camera', allowed: some of step"):
        bench.reader(1, columns=("camera",))
    with pytest.raises(SchemaMismatchError, match=r"header\.columns: got 'step', allowed: each name once"):
        bench.reader(1, columns=("step", "step"))


def test_unknown_columns_of_an_early_reader_are_refused_when_the_columns_are_known(bench) -> None:
    bench = bench(QUEUE)
    early = bench.reader(1, columns=("camera",))
    with pytest.raises(WouldBlock):
        early.advance()
    bench.fill(1)

    with pytest.raises(SchemaMismatchError, match="camera"):
        early.advance()


def test_batches_beyond_their_bounds_are_refused_with_the_largest_allowed(bench) -> None:
    bench = bench(QUEUE)
    bench.fill(1)

    # An item is 8 bytes of steps and 52 of facts.
    with pytest.raises(MessageTooLargeError, match="got 69, allowed: at most 68"):
        SampleSession(bench.table, SampleHeader("t", 69), 4096, ArrayBuffer)
    with pytest.raises(InvalidArgumentError, match="batch_size"):
        SampleSession(bench.table, SampleHeader("t", 0), 4096, ArrayBuffer)


def test_a_batch_of_more_different_items_than_the_table_may_hold_is_refused(bench) -> None:
    with pytest.raises(InvalidArgumentError, match="got 5, allowed: at most max_size, 4, without replacement"):
        bench(QUEUE).reader(5, without_replacement=True)


def test_several_batches_come_in_one_call_as_far_as_the_limiter_allows(bench) -> None:
    bench = bench(QUEUE)
    bench.fill(4)
    reader = bench.reader(1, num_credits=9)

    changed = reader.session.advance(reader.inbox, 3)

    assert [steps_of(b.batch()) for b in changed.value] == [[0], [1], [2]]
    assert changed.conditions == {Condition.CAN_INSERT}
    assert [steps_of(b.batch()) for b in reader.session.advance(reader.inbox, 3).value] == [[3]]
    with pytest.raises(WouldBlock):
        reader.session.advance(reader.inbox, 3)


def test_without_replacement_no_item_comes_twice_and_the_batch_waits_for_others(bench) -> None:
    definition = TableDefinition("t", Selector.prioritized(1.0), Selector.fifo(), RateLimiter.of_min_size(1), 10)
    bench = bench(definition)
    bench.fill(1, priority=3.0)
    bench.fill(1, priority=1.0)
    reader = bench.reader(3, without_replacement=True)
    with pytest.raises(WouldBlock, match="items that are not in the batch yet"):
        reader.advance()
    bench.fill(1, priority=4.0)

    batch = reader.advance()

    assert sorted(steps_of(batch)) == [0, 1, 2]
    # Each has the probability that the first draw of its part would have had.
    assert dict(zip(steps_of(batch), batch.probabilities, strict=True)) == {0: 0.75, 1: 0.25, 2: 0.5}


def test_too_many_credits_and_strange_acknowledgements_are_refused(bench) -> None:
    reader = bench(QUEUE).reader(1, num_credits=0)

    with pytest.raises(InvalidArgumentError, match="num_batches"):
        reader.advance(Credits(MAX_CREDITS + 1))
    with pytest.raises(InvalidArgumentError, match=r"batch_id: got 1, allowed: at most 0"):
        reader.advance(Acknowledge(1))


def test_a_sampler_that_keeps_items_serves_them_again(bench) -> None:
    definition = TableDefinition("t", Selector.uniform(), Selector.fifo(), RateLimiter.of_min_size(2), 10)
    bench = bench(definition)
    bench.fill(2)

    batch = bench.sample(50)

    assert set(steps_of(batch)) == {0, 1}
    assert batch.probabilities.tolist() == [0.5] * 50


def test_an_item_that_two_lost_readers_had_is_served_to_two_others(bench) -> None:
    definition = TableDefinition(
        "t",
        Selector.fifo(),
        Selector.fifo(),
        RateLimiter.of_min_size(1),
        10,
        max_times_sampled=2,
        delivery=Delivery.AT_LEAST_ONCE,
    )
    bench = bench(definition)
    bench.fill(1)
    readers = [bench.reader(1), bench.reader(1)]
    for reader in readers:
        reader.advance()

    for reader in readers:
        reader.close()

    assert bench.sample(1).times_sampled.tolist() == [1]
    assert bench.table.info().num_samples == 1
