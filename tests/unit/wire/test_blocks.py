"""Blocks and batches, whole and in parts."""

import numpy as np
import pytest

from heronry.api.replay.v1 import replay_pb2
from heronry.types.errors import DataLossError, MessageTooLargeError, SchemaMismatchError
from heronry.types.experience import Batch, Block
from heronry.types.version import ParameterVersion
from heronry.wire.blocks import PART_BYTES, BatchAssembler, batch_to_proto, block_from_proto, block_to_proto

VERSION = ParameterVersion(2, 7, b"h" * 32, b"p" * 32)


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
    )


def assert_equal(one: Batch, other: Batch) -> None:
    assert list(one.columns) == list(other.columns)
    for path in one.columns:
        np.testing.assert_array_equal(one.columns[path], other.columns[path])
    for name in ("keys", "probabilities", "priorities", "times_sampled", "behaviour_epochs", "behaviour_numbers"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.table_size, one.batch_id, one.batch_size) == (other.table_size, other.batch_id, other.batch_size)


@pytest.mark.parametrize("priority", [None, 0.0, 2.5])
def test_a_block_comes_back_as_it_was(priority) -> None:
    columns = {"observation": np.arange(24, dtype=np.float32).reshape(2, 3, 4), "reward": np.ones((2, 3), np.float32)}
    block = Block(4, columns, VERSION, priority)

    back = block_from_proto(replay_pb2.AppendBlock.FromString(block_to_proto(block).SerializeToString()))

    assert (back.sequence, back.behaviour_version, back.priority, back.num_steps) == (4, VERSION, priority, 2)
    for path, array in columns.items():
        np.testing.assert_array_equal(back.columns[path], array)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (2,)])
def test_a_column_with_other_leading_axes_is_named(shape) -> None:
    block = Block(1, {"a": np.zeros((2, 3)), "b": np.zeros(shape)}, VERSION)

    with pytest.raises(SchemaMismatchError, match=r"columns\.b\.shape"):
        block_from_proto(block_to_proto(block))


def test_a_block_without_columns_is_refused() -> None:
    with pytest.raises(SchemaMismatchError, match="at least one column"):
        block_from_proto(replay_pb2.AppendBlock(num_steps=1))


@pytest.mark.parametrize("row_bytes", [10, 600_000])
def test_a_batch_comes_back_as_it_was(row_bytes) -> None:
    batch = batch_of(4, row_bytes)
    assembler = BatchAssembler()

    messages = list(batch_to_proto(batch))
    results = [assembler.add(replay_pb2.SampleResponse.FromString(m.SerializeToString())) for m in messages]

    assert [r is None for r in results] == [True] * (len(messages) - 1) + [False]
    assert_equal(results[-1], batch)
    assert all(m.ByteSize() < 2 * PART_BYTES + 4096 for m in messages)


def test_waiting_messages_between_parts_are_ignored_and_batches_follow_each_other() -> None:
    assembler = BatchAssembler()
    waiting = replay_pb2.SampleResponse(waiting=replay_pb2.Waiting(side="sample"))
    messages = list(batch_to_proto(batch_of(4, 600_000)))

    found = [assembler.add(m) for message in [*messages, *messages] for m in (waiting, message)]

    assert len([b for b in found if b is not None]) == 2


def test_parts_out_of_order_and_batches_cut_short_are_named() -> None:
    header, first, second, *_ = batch_to_proto(batch_of(4, 600_000))

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


def test_a_batch_above_the_limit_is_refused() -> None:
    header = next(batch_to_proto(batch_of(4, 600_000)))

    with pytest.raises(MessageTooLargeError, match=r"batch\.num_bytes"):
        BatchAssembler(max_bytes=1000).add(header)


def test_a_batch_without_its_facts_is_named() -> None:
    message = next(batch_to_proto(batch_of(2, 3)))
    del message.batch.columns[-1]
    del message.batch.data[-1]

    with pytest.raises(SchemaMismatchError, match="@version"):
        BatchAssembler().add(message)
