"""Blocks written and read as bytes: equal to what protobuf makes of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.api.replay.v1 import replay_pb2
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.experience import Block
from heronry.types.version import ParameterVersion
from heronry.wire.append_frames import AppendFrameReader, AppendFrameWriter
from heronry.wire.blocks import block_to_proto


def block_of(sequence: int, num_steps: int = 3, lanes: int = 2, number: int = 1, **facts: object) -> Block:
    rng = np.random.default_rng(sequence)
    columns = {
        "observation": rng.random((num_steps, lanes, 4), np.float32),
        "done": rng.random((num_steps, lanes)) < 0.5,
        "nothing": np.zeros((num_steps, lanes, 0), np.int16),
    }
    return Block(sequence, columns, ParameterVersion(1, number, b"h" * 32), **facts)


def assert_equal(one: Block, other: Block) -> None:
    assert list(one.columns) == list(other.columns)
    for path, array in one.columns.items():
        assert array.dtype == other.columns[path].dtype
        np.testing.assert_array_equal(array, other.columns[path])
    assert (one.sequence, one.behaviour_version, one.priority) == (
        other.sequence,
        other.behaviour_version,
        other.priority,
    )
    for name in ("priorities", "lane_ends"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert (mine is None) == (theirs is None)
        assert mine is None or mine.tolist() == theirs.tolist()


def shared_block_of(sequence: int, num_steps: int = 3, lanes: int = 2, number: int = 1, **facts: object) -> Block:
    """Return a block of which two columns are others one step on."""
    block = block_of(sequence, num_steps, lanes, number, **facts)
    rng = np.random.default_rng(sequence)
    shown, seen = rng.random((num_steps + 1, lanes, 5)), rng.integers(0, 9, (lanes, num_steps + 1, 2)).swapaxes(0, 1)
    shared = {"shown": shown[:-1], "next_shown": shown[1:], "next_seen": seen[1:], "seen": seen[:-1]}
    return replace(block, columns={**block.columns, **shared})


def sorted_by_path(block: Block) -> Block:
    return replace(block, columns=dict(sorted(block.columns.items())))


blocks = st.builds(
    block_of,
    st.integers(1, 2**64 - 1),
    num_steps=st.integers(1, 300),
    lanes=st.integers(1, 3),
    number=st.integers(0, 2**40),
    priority=st.none() | st.floats(0, 10),
)


@given(st.lists(blocks, min_size=1, max_size=4))
def test_a_writers_frames_are_what_protobuf_writes_and_a_reader_gets_the_blocks(some: list[Block]) -> None:
    writer, reader = AppendFrameWriter(), AppendFrameReader()
    for block in [*some, *some]:
        frame = writer.frame(block)
        assert frame == replay_pb2.AppendRequest(block=block_to_proto(block)).SerializeToString()
        assert_equal(reader.read(frame), block)


shared_blocks = st.builds(shared_block_of, st.integers(1, 2**32), num_steps=st.integers(1, 5), lanes=st.integers(1, 3))


@given(st.lists(blocks | shared_blocks, min_size=1, max_size=4))
def test_columns_that_are_others_one_step_on_are_sent_once(some: list[Block]) -> None:
    writer, reader = AppendFrameWriter(), AppendFrameReader()
    for block in [*some, *some]:
        frame = writer.frame(block)
        message = block_to_proto(block)
        assert frame == replay_pb2.AppendRequest(block=message).SerializeToString()
        read = reader.read(frame)
        assert isinstance(read, Block)
        assert_equal(sorted_by_path(read), sorted_by_path(block))
        is_shared = "shown" in block.columns
        assert {(s.path, s.of) for s in message.successors} == (
            {("next_shown", "shown"), ("next_seen", "seen")} if is_shared else set()
        )
        assert sum(len(data) for data in message.data) == sum(
            array[-1:].nbytes if path.startswith("next_") else array.nbytes for path, array in block.columns.items()
        )


def test_successors_are_views_of_what_was_received() -> None:
    writer, reader = AppendFrameWriter(), AppendFrameReader()
    reader.read(writer.frame(shared_block_of(1)))

    block = reader.read(writer.frame(shared_block_of(2)))

    assert isinstance(block, Block)
    assert np.shares_memory(block.columns["next_shown"][0], block.columns["shown"][1])


@pytest.mark.parametrize(
    ("successors", "field"),
    [
        ([("observation", "done")], r"successors\.path: got 'observation'"),
        ([("", "done")], r"successors\.path"),
        ([("next", "nobody")], r"successors\.next\.of: got 'nobody'"),
        ([("next", "observation"), ("next", "done")], r"successors\.path: got 'next'"),
        # The other column has no step more than the block.
        ([("next", "observation")], r"columns\.observation\.shape"),
    ],
)
def test_successors_that_make_no_sense_are_named(successors: list[tuple[str, str]], field: str) -> None:
    message = block_to_proto(block_of(1))
    message.successors.extend(replay_pb2.AppendSuccessor(path=path, of=of) for path, of in successors)
    frame = replay_pb2.AppendRequest(block=message).SerializeToString()

    with pytest.raises(SchemaMismatchError, match=field):
        AppendFrameReader().read(frame)


def test_successors_that_change_from_one_block_to_the_next_are_read() -> None:
    reader = AppendFrameReader()
    message = block_to_proto(shared_block_of(1))
    for of in ("shown", "other"):
        message.columns[[c.path for c in message.columns].index("shown")].path = of
        message.successors[0].of = of
        read = reader.read(replay_pb2.AppendRequest(block=message).SerializeToString())
        assert isinstance(read, Block)
        assert set(read.columns) == {of, "next_shown", "seen", "next_seen", "observation", "done", "nothing"}
        np.testing.assert_array_equal(read.columns[of][1:], read.columns["next_shown"][:-1])


@pytest.mark.parametrize("facts", [{}, {"priorities": np.ones((3, 2))}, {"lane_ends": np.array([True, False])}])
def test_facts_beside_the_columns_come_back(facts: dict[str, object]) -> None:
    writer, reader = AppendFrameWriter(), AppendFrameReader()

    for sequence in (1, 2, 3):
        block = block_of(sequence, **facts)
        assert_equal(reader.read(writer.frame(block)), block)


def test_columns_are_views_of_what_was_received() -> None:
    writer, reader = AppendFrameWriter(), AppendFrameReader()
    reader.read(writer.frame(block_of(1)))
    frame = writer.frame(block_of(2))

    block = reader.read(frame)

    assert np.shares_memory(block.columns["observation"], np.frombuffer(frame, np.uint8))


def test_a_block_of_other_columns_is_read_as_well_as_those_before() -> None:
    writer, reader = AppendFrameWriter(), AppendFrameReader()
    for block in (block_of(1), block_of(2, num_steps=7), block_of(3, lanes=1), block_of(4), block_of(5)):
        assert_equal(reader.read(writer.frame(block)), block)


def test_fields_in_another_order_are_read() -> None:
    block = block_of(1)
    message = block_to_proto(block)
    head = replay_pb2.AppendBlock(sequence=1, behaviour_version=message.behaviour_version).SerializeToString()
    rest = replay_pb2.AppendBlock(num_steps=3, columns=message.columns, data=message.data).SerializeToString()
    frame = b"\x12" + bytes([(len(rest + head) & 0x7F) | 0x80, len(rest + head) >> 7]) + rest + head
    reader = AppendFrameReader()

    assert_equal(reader.read(frame), block)
    assert_equal(reader.read(frame), block)
    assert_equal(reader.read(AppendFrameWriter().frame(block)), block)


def test_messages_that_are_no_blocks_are_handed_on() -> None:
    reader = AppendFrameReader()
    reader.read(AppendFrameWriter().frame(block_of(1)))
    end = replay_pb2.AppendRequest(end=replay_pb2.AppendEnd())

    assert reader.read(end.SerializeToString()) == end


@pytest.mark.parametrize("cut", [1, 2, 60, -1])
def test_bytes_that_are_no_message_are_named(cut: int) -> None:
    reader = AppendFrameReader()
    frame = AppendFrameWriter().frame(block_of(1))
    reader.read(frame)

    with pytest.raises(InvalidArgumentError, match="a serialised AppendRequest"):
        reader.read(frame[:cut])


def test_columns_that_do_not_fit_each_other_are_named() -> None:
    block = Block(1, {"a": np.zeros((2, 3)), "b": np.zeros((2, 4))}, ParameterVersion(1, 1))

    with pytest.raises(SchemaMismatchError, match=r"columns\.b\.shape"):
        AppendFrameReader().read(AppendFrameWriter().frame(block))
