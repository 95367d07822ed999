"""Blocks that are too large for one message."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from heronry.client.block_pieces import MESSAGE_BYTES, pieces_of, steps_of_a_message
from heronry.types.columns import ColumnSpec
from heronry.types.experience import Block
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion
from heronry.wire.append_frames import AppendFrameWriter
from heronry.wire.options import DEFAULT_MAX_MESSAGE_BYTES

VERSION = ParameterVersion(1, 3)


def block_of(num_steps: int, num_lanes: int, *, with_priorities: bool = True, priority: float | None = None) -> Block:
    shown = np.arange(num_steps * num_lanes * 3, dtype=np.float32).reshape(num_steps, num_lanes, 3)
    columns = {"observation": shown, "mask": np.ones((num_steps, num_lanes), np.bool_)}
    priorities = np.arange(num_steps * num_lanes, dtype=np.float64).reshape(num_steps, num_lanes)
    return Block(0, columns, VERSION, priority, priorities if with_priorities else None, np.ones(num_lanes, np.bool_))


def priorities_of(block: Block) -> npt.NDArray[np.float64]:
    assert block.priorities is not None
    return block.priorities


@given(st.integers(1, 40), st.integers(1, 4), st.integers(1, 600))
def test_pieces_follow_each_other_and_none_is_too_large(num_steps: int, num_lanes: int, max_bytes: int) -> None:
    block = block_of(num_steps, num_lanes)
    bytes_a_step = 21 * num_lanes

    pieces = list(pieces_of(block, max_bytes, max_bytes))

    for name, column in block.columns.items():
        np.testing.assert_array_equal(np.concatenate([piece.columns[name] for piece in pieces]), column)
    priorities = [priorities_of(piece) for piece in pieces]
    np.testing.assert_array_equal(np.concatenate(priorities), priorities_of(block))
    for piece in pieces:
        size = priorities_of(piece).nbytes + sum(array.nbytes for array in piece.columns.values())
        assert size <= max(max_bytes, bytes_a_step)
        assert piece.behaviour_version == VERSION


def test_pieces_count_what_two_columns_share_once() -> None:
    shown = np.arange(9 * 2 * 10, dtype=np.float64).reshape(9, 2, 10)
    block = Block(0, {"observation": shown[:-1], "next_observation": shown[1:]}, VERSION)

    pieces = list(pieces_of(block, 800, 800))

    # 160 bytes a step: nine rows of eight steps are 1,440 bytes, half of them 720 and one row more.
    assert [piece.num_steps for piece in pieces] == [4, 4]
    for name, column in block.columns.items():
        np.testing.assert_array_equal(np.concatenate([piece.columns[name] for piece in pieces]), column)
    assert all(len(AppendFrameWriter().frame(piece)) < 1000 for piece in pieces)


@given(st.integers(1, 40), st.integers(1, 600))
def test_lanes_end_with_the_last_piece_alone(num_steps: int, max_bytes: int) -> None:
    *before, last = pieces_of(block_of(num_steps, 2), max_bytes, max_bytes)

    assert all(piece.lane_ends is None for piece in before)
    assert last.lane_ends is not None
    assert last.lane_ends.all()


def test_one_priority_is_that_of_all_pieces() -> None:
    pieces = list(pieces_of(block_of(6, 1, with_priorities=False, priority=2.5), 26, 26))

    assert [(piece.num_steps, piece.priority, piece.priorities) for piece in pieces] == [(2, 2.5, None)] * 3


def test_a_block_that_fits_is_one_piece_though_it_is_larger_than_a_piece() -> None:
    block = block_of(8, 2)

    assert list(pieces_of(block, 8 * 42, 42)) == [block]


def test_as_many_steps_as_a_message_holds_make_no_message_that_is_too_large() -> None:
    spec = ColumnSpec("observation", ElementType.UINT8, (999,))
    num_steps = steps_of_a_message((spec,), num_lanes=3)

    columns = {spec.path: np.zeros((num_steps, 3, 999), np.uint8)}
    block = Block(0, columns, VERSION, None, np.zeros((num_steps, 3)))

    num_bytes = columns[spec.path].nbytes + priorities_of(block).nbytes
    assert MESSAGE_BYTES - 3 * 1007 < num_bytes <= MESSAGE_BYTES
    assert len(AppendFrameWriter().frame(block)) <= DEFAULT_MAX_MESSAGE_BYTES


def test_a_step_larger_than_a_message_makes_blocks_of_one() -> None:
    assert steps_of_a_message((ColumnSpec("picture", ElementType.UINT8, (1 << 23,)),), num_lanes=2) == 1
