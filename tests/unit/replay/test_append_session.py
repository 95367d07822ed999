from dataclasses import replace

import numpy as np
import pytest

from heronry.replay.core.append_session import AppendHeader, AppendSession
from heronry.replay.core.conditions import Condition
from heronry.types.blocking import WouldBlock
from heronry.types.columns import ColumnSpec
from heronry.types.errors import (
    AbortedError,
    FailedPreconditionError,
    FencedError,
    InvalidArgumentError,
    ResourceExhaustedError,
    SchemaMismatchError,
)
from heronry.types.experience import ItemSlices
from heronry.types.patterns import Pattern
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

FREE = RateLimiter.of_min_size(1)


def definition(**changes: object) -> TableDefinition:
    return replace(TableDefinition("t", Selector.fifo(), Selector.fifo(), FREE, max_size=1000), **changes)


def test_a_block_is_accepted_with_its_items_and_wakes_samplers(bench) -> None:
    bench = bench(definition(pattern=Pattern(2, 1)))
    writer = bench.writer(lanes=3)

    changed = writer.append(bench.block(1, 4, 3))

    assert (changed.value.accepted_sequence, changed.value.credits) == (1, 4)
    assert changed.conditions == {Condition.CAN_SAMPLE}
    assert bench.table.info().num_items == 9


def test_a_block_that_completes_no_item_is_accepted_and_wakes_nobody(bench) -> None:
    bench = bench(definition(pattern=Pattern(8, 8)))

    changed = bench.writer().append(bench.block(1, 5))

    assert changed.value.accepted_sequence == 1
    assert changed.conditions == frozenset()


def test_windows_go_on_over_blocks(bench) -> None:
    bench = bench(definition(pattern=Pattern(4, 4)))
    writer = bench.writer()
    for sequence, steps in enumerate([3, 1, 6, 2], start=1):
        writer.append(bench.block(sequence, steps))

    steps = bench.sample(1).columns["step"][:, 0].tolist()

    assert steps == [0, 1, 2, 3]
    assert bench.table.info().num_items == 3


def test_a_block_that_was_accepted_before_is_acknowledged_and_dropped(bench) -> None:
    bench = bench(definition())
    block = bench.block(1, 5)
    bench.writer().append(block)

    again = bench.writer()

    assert again.progress.accepted_sequence == 1
    assert again.append(block).value.accepted_sequence == 1
    assert bench.table.info().num_inserts == 5


def test_a_gap_in_the_sequence_is_refused(bench) -> None:
    bench = bench(definition())
    writer = bench.writer()
    writer.append(bench.block(1, 1))

    with pytest.raises(InvalidArgumentError, match=r"block\.sequence: got 3, allowed: 2"):
        writer.append(bench.block(3, 1))


def test_a_writer_that_the_service_does_not_know_may_go_on_with_its_sequence(bench) -> None:
    bench = bench(definition())
    writer = bench.writer()

    assert writer.append(bench.block(57, 1)).value.accepted_sequence == 57
    assert writer.append(bench.block(58, 1)).value.accepted_sequence == 58


def test_a_writer_that_the_service_has_forgotten_in_part_goes_on_with_its_sequence(bench) -> None:
    bench = bench(definition())
    former = bench.writer()
    former.append(bench.block(1, 1))
    former.close()

    # As of a table that is restored as it was earlier: blocks 2 to 4 were acknowledged since.
    back = bench.writer()

    assert back.progress.accepted_sequence == 1
    assert back.append(bench.block(5, 1)).value.accepted_sequence == 5
    with pytest.raises(InvalidArgumentError, match=r"block\.sequence: got 7, allowed: 6"):
        back.append(bench.block(7, 1))


def test_a_half_inserted_block_is_finished_before_a_later_one(bench) -> None:
    bench = bench(definition(rate_limiter=RateLimiter.queue(2), max_times_sampled=1))
    former = bench.writer()
    with pytest.raises(WouldBlock):
        former.append(bench.block(1, 3))
    former.close()
    back, later = bench.writer(), bench.block(4, 3)

    with pytest.raises(WouldBlock):
        back.append(later)
    assert bench.sample(2).columns["step"].tolist() == [[0, 1]]
    with pytest.raises(WouldBlock) as blocked:
        back.append(later)

    assert back.progress.accepted_sequence == 1
    assert Condition.CAN_SAMPLE in blocked.value.changed
    assert bench.sample(2).columns["step"].tolist() == [[2, 3]]
    assert back.append(later).value.accepted_sequence == 4


def test_a_lower_epoch_is_fenced_and_a_higher_one_begins_anew(bench) -> None:
    bench = bench(definition())
    first = bench.writer(epoch=2)
    first.append(bench.block(1, 1))

    with pytest.raises(FencedError, match="got 1, allowed: at least 2"):
        bench.writer(epoch=1)
    second = bench.writer(epoch=3)
    second.append(bench.block(1, 1))

    assert bench.table.info().num_inserts == 2
    with pytest.raises(AbortedError, match="superseded"):
        first.append(bench.block(2, 1))


def test_a_second_connection_of_a_writer_replaces_the_first(bench) -> None:
    bench = bench(definition())
    first = bench.writer()
    first.append(bench.block(1, 1))

    second = bench.writer()
    second.append(bench.block(2, 1))
    first.close()

    with pytest.raises(AbortedError):
        first.append(bench.block(3, 1))
    assert second.append(bench.block(3, 1)).value.accepted_sequence == 3
    assert bench.table.info().num_writers == 1


def test_a_connection_that_ends_keeps_items_and_drops_unfinished_windows(bench) -> None:
    bench = bench(definition(pattern=Pattern(4, 2)))
    writer = bench.writer()
    writer.append(bench.block(1, 7))
    writer.close()
    assert bench.table.info().num_writers == 0

    back = bench.writer()
    back.append(bench.block(2, 6))

    batch = [bench.sample(1)]
    bench.table.delete(batch[0].keys)
    while (one := bench.sample(1)) is not None:
        batch.append(one)
        bench.table.delete(one.keys)
    windows = [b.columns["step"][:, 0].tolist() for b in batch]
    assert windows == [[0, 1, 2, 3], [2, 3, 4, 5], [7, 8, 9, 10], [9, 10, 11, 12]]


def test_a_limiter_lets_a_block_in_item_by_item(bench) -> None:
    bench = bench(definition(rate_limiter=RateLimiter.queue(3), max_times_sampled=1))
    writer = bench.writer(lanes=5)
    block = bench.block(1, 1, 5)

    with pytest.raises(WouldBlock) as blocked:
        writer.append(block)

    assert (blocked.value.condition, blocked.value.changed) == (Condition.CAN_INSERT, {Condition.CAN_SAMPLE})
    assert (blocked.value.waiting.value, blocked.value.waiting.bound) == (4.0, 3.0)
    assert writer.progress.accepted_sequence == 0

    assert bench.sample(2).columns["step"].tolist() == [[0, 1]]
    assert writer.append(block).value.accepted_sequence == 1
    assert bench.sample(3).columns["step"].tolist() == [[2, 3, 4]]


def test_a_half_inserted_block_goes_on_after_a_reconnect_and_nothing_comes_twice(bench) -> None:
    bench = bench(definition(rate_limiter=RateLimiter.queue(3), max_times_sampled=1))
    block = bench.block(1, 1, 5)
    writer = bench.writer(lanes=5)
    with pytest.raises(WouldBlock):
        writer.append(block)
    writer.close()
    served = bench.sample(3).columns["step"][0].tolist()

    back = bench.writer(lanes=5)
    assert back.progress.accepted_sequence == 0
    back.append(block)

    served += bench.sample(2).columns["step"][0].tolist()
    assert served == [0, 1, 2, 3, 4]
    assert bench.table.info().num_inserts == 5


def test_a_new_start_of_a_writer_drops_what_the_old_one_had_not_inserted(bench) -> None:
    bench = bench(definition(rate_limiter=RateLimiter.queue(2), max_times_sampled=1))
    with pytest.raises(WouldBlock):
        bench.writer(lanes=5).append(bench.block(1, 1, 5))

    bench.writer(lanes=5, epoch=2).close()
    bench.sample(2)

    assert bench.table.info().num_bytes == 0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"step": np.zeros((2, 1), np.int32)}, r"columns\.step: got 'int32\[2, 1\]', allowed: int64\[2, 1\]"),
        ({"step": np.zeros((2, 3), np.int64)}, r"columns\.step: got 'int64\[2, 3\]', allowed: int64\[2, 1\]"),
        ({"other": np.zeros((2, 1), np.int64)}, r"columns\.step: got 'nothing'"),
        ({"step": np.zeros((2, 1), np.int64), "more": np.zeros((2, 1))}, r"columns\.path: got 'more'"),
    ],
)
def test_a_block_of_another_signature_is_refused_and_nothing_is_stored(bench, columns: dict, message: str) -> None:
    bench = bench(definition())
    writer = bench.writer()

    with pytest.raises(SchemaMismatchError, match=message):
        writer.append(replace(bench.block(1, 2), columns=columns))

    assert bench.table.info().num_bytes == 0
    assert writer.append(bench.block(1, 2)).value.accepted_sequence == 1


def test_a_writer_of_other_columns_is_refused_when_it_opens(bench) -> None:
    bench = bench(definition())
    bench.writer("first")
    header = AppendHeader("t", "second", 1, (ColumnSpec("step", ElementType.FLOAT32, (2,)),), 1)

    with pytest.raises(SchemaMismatchError, match=r"columns\.step: got 'float32\[2\]', allowed: int64\[\]"):
        AppendSession(bench.table, header, 4).open()

    assert bench.table.info().num_writers == 1


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (AppendHeader("t", "", 1, (ColumnSpec("step", ElementType.INT64, ()),), 1), InvalidArgumentError),
        (AppendHeader("t", "w", 1, (ColumnSpec("step", ElementType.INT64, ()),), 0), InvalidArgumentError),
        (AppendHeader("t", "w", 1, (), 1), SchemaMismatchError),
        (AppendHeader("t", "w", 1, (ColumnSpec("@key", ElementType.INT64, ()),), 1), SchemaMismatchError),
    ],
)
def test_headers_that_cannot_be_used_are_refused(bench, header: AppendHeader, error: type) -> None:
    with pytest.raises(error):
        AppendSession(bench(definition()).table, header, 4).open()


def test_a_bad_priority_is_refused_and_nothing_is_stored(bench) -> None:
    bench = bench(definition())

    with pytest.raises(InvalidArgumentError, match=r"block\.priority"):
        bench.writer().append(bench.block(1, 2, priority=float("nan")))

    assert bench.table.info().num_bytes == 0


def test_the_writers_remembered_are_bounded_and_open_ones_are_never_forgotten(bench) -> None:
    bench = bench(definition())
    bench.table.writers._max_writers = 3
    first = bench.writer("first")
    bench.writer("gone").close()
    bench.writer("second")
    bench.writer("third")

    with pytest.raises(ResourceExhaustedError, match="3 writers are open"):
        bench.writer("fourth")
    first.close()
    bench.writer("fourth")

    assert bench.table.info().num_writers == 3


def test_each_item_has_the_priority_that_stands_at_its_last_step(bench) -> None:
    bench = bench(definition(pattern=Pattern(2, 1)))
    priorities = np.arange(6.0).reshape(3, 2)

    bench.writer(lanes=2).append(bench.block(1, 3, 2, priorities=priorities))

    batches = bench.reader(4, without_replacement=True).advance()
    last_steps = batches.columns["step"][1]
    assert batches.priorities.tolist() == priorities.reshape(-1)[last_steps].tolist()
    assert sorted(batches.priorities) == [2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"priorities": np.ones((2, 2))}, r"block\.priorities: got \[2, 2\], allowed: '\[2, 1\]"),
        ({"priorities": np.array([[1.0], [-1.0]])}, r"block\.priorities\[1\]: got -1.0"),
        ({"priorities": np.array([[np.nan], [1.0]])}, r"block\.priorities\[0\]: got nan"),
        ({"lane_ends": np.zeros(2, np.bool_)}, r"block\.lane_ends"),
    ],
)
def test_facts_of_a_block_that_do_not_fit_are_refused_and_nothing_is_stored(bench, changes: dict, message: str) -> None:
    bench = bench(definition())
    writer = bench.writer()

    with pytest.raises(InvalidArgumentError, match=message.replace("'", "")):
        writer.append(bench.block(1, 2, **changes))

    assert bench.table.info().num_bytes == 0


def slices(sequence: int, starts: list[int], lengths: list[int], **more: object) -> ItemSlices:
    lanes = np.zeros(len(starts), np.uint32)
    version = ParameterVersion(1, 5)
    return ItemSlices(sequence, lanes, np.array(starts, np.uint64), np.array(lengths, np.uint32), version, **more)


def test_items_over_any_slice_are_made_where_the_pattern_makes_none(bench) -> None:
    bench = bench(definition(pattern=Pattern(4, 0)))
    writer = bench.writer()
    writer.append(bench.block(1, 6))
    assert bench.table.info().num_items == 0

    changed = writer.append_items(slices(2, [1, 0, 5], [4, 2, 1], priorities=np.array([3.0, 2.0, 1.0])))
    again = writer.append_items(slices(2, [1, 0, 5], [4, 2, 1]))

    assert (changed.value.accepted_sequence, again.value.accepted_sequence) == (2, 2)
    reader = bench.reader(3, without_replacement=True)
    buffer = reader.session.advance(reader.inbox).value[0]
    assert buffer.columns["step"].T.tolist() == [[1, 2, 3, 4], [0, 1, 0, 0], [5, 0, 0, 0]]
    assert buffer.facts["@length"].tolist() == [4, 2, 1]
    assert buffer.facts["@priority"].tolist() == [3.0, 2.0, 1.0]


def test_named_items_that_cannot_be_are_refused_and_none_is_made(bench) -> None:
    bench = bench(definition(pattern=Pattern(4, 0)))
    writer = bench.writer()
    writer.append(bench.block(1, 3))

    with pytest.raises(InvalidArgumentError, match=r"items\.lengths\[1\]: got 5, allowed: 1 to 4"):
        writer.append_items(slices(2, [0, 0], [1, 5]))
    with pytest.raises(InvalidArgumentError, match=r"items\.starts\[0\]"):
        writer.append_items(slices(2, [2], [2]))
    with pytest.raises(InvalidArgumentError, match=r"items\.priorities\[0\]: got nan"):
        writer.append_items(slices(2, [0], [1], priorities=np.array([np.nan])))
    with pytest.raises(InvalidArgumentError, match=r"items\.lengths: got '2 values'"):
        writer.append_items(slices(2, [0], [1, 1]))

    assert bench.table.info().num_items == 0
    assert writer.append_items(slices(2, [0], [3])).value.accepted_sequence == 2


def test_a_table_that_makes_its_items_takes_none_by_name(bench) -> None:
    bench = bench(definition())
    writer = bench.writer()
    writer.append(bench.block(1, 3))

    with pytest.raises(FailedPreconditionError, match="only period 0 takes items from writers"):
        writer.append_items(slices(2, [0], [1]))
