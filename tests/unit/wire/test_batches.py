"""Batches from the messages of a stream, whole and in parts, as bytes and as objects."""

from itertools import pairwise

import numpy as np
import pytest

from heronry.api.replay.v1 import replay_pb2
from heronry.types.blocking import Waiting
from heronry.types.columns import column_specs
from heronry.types.errors import DataLossError, MessageTooLargeError, SchemaMismatchError
from heronry.types.experience import Batch
from heronry.wire.batch_frame import PART_BYTES, BatchFrame
from heronry.wire.batches import BatchAssembler, batch_to_frames


def batch_of(num_rows: int, row_bytes: int) -> Batch:
    rng = np.random.default_rng(0)
    return Batch(
        columns={
            "observation": rng.integers(0, 256, (2, num_rows, row_bytes), dtype=np.uint8),
            "reward": rng.random((2, num_rows), dtype=np.float32),
        },
        keys=rng.integers(0, 1 << 63, num_rows, dtype=np.uint64),
        probabilities=rng.random(num_rows),
        priorities=rng.random(num_rows),
        times_sampled=rng.integers(1, 5, num_rows, dtype=np.uint32),
        behaviour_epochs=np.full(num_rows, 2, np.uint64),
        behaviour_numbers=np.arange(num_rows, dtype=np.uint64),
        table_size=99,
        batch_id=5,
        ages=rng.integers(0, 9, num_rows, dtype=np.uint64),
    )


def assert_equal(one: Batch, other: Batch) -> None:
    assert list(one.columns) == list(other.columns)
    for path in one.columns:
        np.testing.assert_array_equal(one.columns[path], other.columns[path])
    for name in (
        "keys",
        "probabilities",
        "priorities",
        "times_sampled",
        "behaviour_epochs",
        "behaviour_numbers",
        "ages",
    ):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.table_size, one.batch_id, one.batch_size) == (other.table_size, other.batch_id, other.batch_size)


def messages_of(batch: Batch) -> list[replay_pb2.SampleResponse]:
    return [replay_pb2.SampleResponse.FromString(frame) for frame in batch_to_frames(batch)]


@pytest.mark.parametrize("as_bytes", [True, False])
@pytest.mark.parametrize("row_bytes", [10, 600_000])
def test_a_batch_comes_back_as_it_was(row_bytes: int, as_bytes: bool) -> None:
    batch = batch_of(4, row_bytes)
    assembler = BatchAssembler()

    messages = list(batch_to_frames(batch)) if as_bytes else messages_of(batch)
    results = [assembler.add(m) for m in messages]

    assert [r is None for r in results] == [True] * (len(messages) - 1) + [False]
    assert_equal(results[-1], batch)


def test_batches_of_one_layout_are_read_without_a_copy() -> None:
    batch = batch_of(4, 16)
    (frame,) = batch_to_frames(batch)
    assembler = BatchAssembler()
    assembler.add(frame)

    again = assembler.add(frame)

    assert_equal(again, batch)
    memory = np.frombuffer(frame, np.uint8)
    assert all(np.shares_memory(column, memory) for column in again.columns.values())
    assert not again.keys.flags.writeable


def test_a_batch_of_another_layout_is_read_as_well_as_those_before() -> None:
    assembler = BatchAssembler()
    batches = [batch_of(4, 16), batch_of(4, 16), batch_of(4, 8), batch_of(3, 16), batch_of(4, 16)]

    for batch in batches:
        (frame,) = batch_to_frames(batch)
        assert_equal(assembler.add(frame), batch)


def test_values_that_look_like_a_messages_frame_are_values() -> None:
    first, second = batch_of(4, 16), batch_of(4, 16)
    (frame,) = batch_to_frames(first)
    second.columns["observation"][...] = np.frombuffer(frame, np.uint8)[: 2 * 4 * 16].reshape(2, 4, 16)
    assembler = BatchAssembler()
    assembler.add(frame)

    (other,) = batch_to_frames(second)

    assert_equal(assembler.add(other), second)


def test_later_batches_need_no_headers() -> None:
    specs = column_specs(batch_of(4, 16).columns, 0)
    facts = ("@key", "@probability", "@priority", "@times_sampled", "@epoch", "@version")
    kinds = ("u8", "f8", "f8", "u4", "u8", "u8")
    frame = BatchFrame(specs, column_specs({n: np.zeros(4, k) for n, k in zip(facts, kinds, strict=True)}, 0), 4)
    assembler = BatchAssembler()
    lengths = []

    for number in range(1, 4):
        frame.columns["reward"][...] = number
        frame.facts["@key"][...] = number
        frame.seal(number, 10 * number)
        (message,) = frame.messages(with_headers=number == 1)
        lengths.append(len(message))
        batch = assembler.add(message)
        assert (batch.batch_id, batch.table_size, batch.ages) == (number, 10 * number, None)
        assert (batch.columns["reward"] == number).all()
        assert batch.keys.tolist() == [number] * 4

    assert lengths[0] > lengths[1] == lengths[2]


def test_a_stream_that_begins_without_headers_is_named() -> None:
    frame = BatchFrame(column_specs({"a": np.zeros((1, 2))}, 0), (), 2)
    frame.seal(1, 1)
    (message,) = frame.messages(with_headers=False)

    with pytest.raises(SchemaMismatchError, match="1 columns"):
        BatchAssembler().add(message)


@pytest.mark.parametrize("as_bytes", [True, False])
def test_waiting_messages_between_parts_are_told_and_batches_follow_each_other(as_bytes: bool) -> None:
    assembler = BatchAssembler()
    waiting = replay_pb2.SampleResponse(waiting=replay_pb2.Waiting(side="sample", term="size", value=1, bound=2))
    messages = [waiting, *messages_of(batch_of(4, 600_000))]

    found = [assembler.add(m.SerializeToString() if as_bytes else m) for m in [*messages, *messages]]

    assert sum(isinstance(f, Batch) for f in found) == 2
    assert [f for f in found if isinstance(f, Waiting)] == [Waiting("sample", "size", 1, 2)] * 2


def test_parts_out_of_order_and_batches_cut_short_are_named() -> None:
    header, first, second, *_ = messages_of(batch_of(4, 600_000))

    with pytest.raises(DataLossError, match="a batch header before its parts"):
        BatchAssembler().add(first)
    skipping = BatchAssembler()
    skipping.add(header)
    with pytest.raises(DataLossError, match=r"batch_part\.offset: got 1048576, allowed: 0"):
        skipping.add(second)
    cut = BatchAssembler()
    cut.add(header)
    cut.add(first)
    with pytest.raises(DataLossError, match="a new batch after 1048576 bytes"):
        cut.add(header)


def test_a_whole_batch_between_parts_is_named_although_its_layout_is_known() -> None:
    assembler = BatchAssembler()
    (whole,) = batch_to_frames(batch_of(4, 16))
    assembler.add(whole)
    header, first, *_ = batch_to_frames(batch_of(4, 600_000))
    assembler.add(header)
    assembler.add(first)

    with pytest.raises(DataLossError, match="a new batch after 1048576 bytes"):
        assembler.add(whole)


def test_a_batch_above_the_limit_is_refused() -> None:
    header = next(batch_to_frames(batch_of(4, 600_000)))

    with pytest.raises(MessageTooLargeError, match=r"batch\.num_bytes"):
        BatchAssembler(max_bytes=1000).add(header)


def test_a_batch_without_its_facts_is_named() -> None:
    (message,) = messages_of(batch_of(2, 3))
    index = [c.path for c in message.batch.columns].index("@version")
    del message.batch.columns[index]
    del message.batch.data[index]

    with pytest.raises(SchemaMismatchError, match="@version"):
        BatchAssembler().add(message)


@pytest.mark.parametrize("cut", [1, 7, 40, -1])
def test_a_message_cut_short_is_no_batch(cut: int) -> None:
    (frame,) = batch_to_frames(batch_of(2, 3))
    assembler = BatchAssembler()
    assembler.add(frame)

    with pytest.raises(DataLossError, match="serialised SampleResponse"):
        assembler.add(frame[:cut])


def test_parts_are_cut_at_one_mebibyte() -> None:
    _, *parts = messages_of(batch_of(4, 600_000))

    offsets = [p.batch_part.offset for p in parts]
    assert all(b - a == PART_BYTES for a, b in pairwise(offsets))
    assert all(len(p.batch_part.data) == PART_BYTES for p in parts[:-1])
