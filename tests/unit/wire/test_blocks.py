"""Blocks of steps and explicit items."""

import numpy as np
import pytest

from heronry.api.replay.v1 import replay_pb2
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.experience import Block, ItemSlices
from heronry.types.version import ParameterVersion
from heronry.wire.blocks import block_from_proto, block_to_proto, items_from_proto, items_to_proto

VERSION = ParameterVersion(2, 7, b"h" * 32, b"p" * 32)


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


def test_priorities_by_step_and_ends_of_lanes_come_back_as_they_were() -> None:
    priorities = np.arange(6, dtype=np.float64).reshape(2, 3)
    block = Block(1, {"a": np.zeros((2, 3))}, VERSION, None, priorities, np.array([True, False, True]))

    back = block_from_proto(block_to_proto(block))

    np.testing.assert_array_equal(back.priorities, priorities)
    assert back.lane_ends.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("field", "data", "message"),
    [
        ("priorities", b"1234", r"block\.priorities: got '4 bytes', allowed: 48 bytes"),
        ("lane_ends", b"\x00\x01", r"block\.lane_ends: got '2 bytes', allowed: 3 bytes"),
        ("lane_ends", b"\x00\x01\x02", r"block\.lane_ends: got 2, allowed: 0 or 1"),
    ],
)
def test_facts_that_do_not_fit_the_lanes_are_named(field: str, data: bytes, message: str) -> None:
    block = block_to_proto(Block(1, {"a": np.zeros((2, 3))}, VERSION))
    setattr(block, field, data)

    with pytest.raises(InvalidArgumentError, match=message):
        block_from_proto(block)


@pytest.mark.parametrize("priorities", [None, np.array([1.5, 0.0])])
def test_explicit_items_come_back_as_they_were(priorities) -> None:
    lanes, starts, lengths = np.array([0, 3]), np.array([7, 1 << 40]), np.array([4, 9])
    items = ItemSlices(
        5, lanes.astype(np.uint32), starts.astype(np.uint64), lengths.astype(np.uint32), VERSION, priorities
    )

    back = items_from_proto(replay_pb2.AppendItems.FromString(items_to_proto(items).SerializeToString()))

    assert (back.sequence, back.behaviour_version) == (5, VERSION)
    for name in ("lanes", "starts", "lengths"):
        np.testing.assert_array_equal(getattr(back, name), getattr(items, name))
    assert (back.priorities is None) == (priorities is None)
    assert priorities is None or back.priorities.tolist() == priorities.tolist()


@pytest.mark.parametrize("field", ["lanes", "starts", "lengths", "priorities"])
def test_items_with_a_field_of_another_length_are_refused(field: str) -> None:
    message = replay_pb2.AppendItems(lanes=bytes(8), starts=bytes(16), lengths=bytes(8), priorities=bytes(16))
    setattr(message, field, bytes(12))

    with pytest.raises(InvalidArgumentError, match=r"items\."):
        items_from_proto(message)
