"""What a writer's stream takes, what it answers, and how it ends for one that breaks its rules."""

from dataclasses import replace

import numpy as np
import pytest

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.types.errors import InvalidArgumentError, ResourceExhaustedError, SchemaMismatchError, TableNotFoundError
from heronry.types.experience import Block
from heronry.types.patterns import EpisodeEnd, Pattern
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.version import ParameterVersion
from heronry.wire.blocks import block_to_proto

FREE = TableDefinition("t", Selector.fifo(), Selector.fifo(), RateLimiter.of_min_size(1), 1000, pattern=Pattern(1, 1))
EXPLICIT = replace(FREE, pattern=Pattern(4, 0))


def packed(kind: str, *values: float) -> bytes:
    return np.array(values, kind).tobytes()


def items(sequence: int, starts: list[int], lengths: list[int], priorities: tuple = ()) -> pb.AppendRequest:
    message = pb.AppendItems(
        sequence=sequence,
        lanes=bytes(4 * len(starts)),
        starts=packed("<u8", *starts),
        lengths=packed("<u4", *lengths),
        priorities=packed("<f8", *priorities),
    )
    return pb.AppendRequest(items=message)


async def test_one_answer_stands_for_all_blocks_before_it(run) -> None:
    running = await run()
    await running.create(FREE)
    writer = await running.writer()

    for sequence in range(1, 101):
        await writer.write(sequence, [sequence])

    assert await writer.accepted(100) == 100
    assert (await running.info()).num_inserts == 100


async def test_priorities_of_each_step_are_those_of_its_item(run) -> None:
    running = await run()
    await running.create(replace(FREE, sampler=Selector.max_heap()))
    writer = await running.writer(lanes=2)
    await writer.write(1, [0, 1, 2, 3], priorities=np.array([[0.5, 4.0], [2.0, 1.0]]))
    await writer.accepted(1)

    batch = await (await running.reader(1)).batch()

    assert (batch.columns["step"].item(), batch.priorities.item()) == (1, 4.0)


@pytest.mark.parametrize(
    ("facts", "match"),
    [
        ({"priority": float("nan")}, r"block\.priority: got nan"),
        ({"priority": -1.0}, r"block\.priority: got -1\.0"),
        ({"priorities": np.array([[1.0], [float("nan")]])}, r"block\.priorities\[1\]: got nan"),
    ],
)
async def test_a_priority_that_cannot_be_ends_its_own_stream_only(run, ends_with, facts, match: str) -> None:
    running = await run()
    await running.create(FREE)
    bad, good = await running.writer("bad"), await running.writer("good")
    await bad.write(1, [0, 1])
    await bad.accepted(1)

    await bad.write(2, [2, 3], **facts)
    await ends_with(bad.read, InvalidArgumentError, match)
    await good.write(1, [4])

    assert await good.accepted(1) == 1
    assert (await running.info()).num_inserts == 3


async def test_blocks_before_a_bad_one_are_in_the_table_when_its_error_comes(run, ends_with) -> None:
    running = await run()
    await running.create(FREE)
    writer = await running.writer()

    for sequence in range(1, 4):
        await writer.write(sequence, [sequence])
    await writer.write(4, [4], priority=float("inf"))

    await ends_with(writer.read, InvalidArgumentError, "inf")
    assert (await running.info()).num_inserts == 3
    assert (await running.writer()).opened.accepted_sequence == 3


async def test_a_signature_that_is_not_the_tables_is_named(run, ends_with) -> None:
    running = await run()
    await running.create(FREE)
    await running.writer("first")
    other = await running.writer("other", table="t")
    await other.write(1, [1])
    await other.accepted(1)

    call = running.stub.Append()
    column = pb.AppendHeader(table="t", writer_id="wrong", writer_epoch=1, num_lanes=1)
    column.columns.add(path="step", element_type=1)
    await call.write(pb.AppendRequest(header=column))

    await ends_with(call.read, SchemaMismatchError, r"columns\.step: got 'float32\[\]', allowed: int64\[\]")
    await other.write(2, [2])
    assert await other.accepted(2) == 2


async def test_a_block_of_other_columns_than_its_header_is_named(run, ends_with) -> None:
    running = await run()
    await running.create(FREE)
    writer = await running.writer(lanes=2)
    writer.lanes = 3

    await writer.write(1, [1, 2, 3])

    await ends_with(writer.read, SchemaMismatchError, "step")
    assert (await running.info()).num_inserts == 0


async def test_an_unknown_table_is_named(run, ends_with) -> None:
    running = await run()
    call = running.stub.Append()
    await call.write(pb.AppendRequest(header=pb.AppendHeader(table="nothing", writer_id="w", num_lanes=1)))

    await ends_with(call.read, TableNotFoundError, "no table 'nothing'")


async def test_bytes_that_are_no_message_end_the_stream_with_a_named_error(run, ends_with) -> None:
    running = await run()
    await running.create(FREE)
    call = running.channel.stream_stream("/heronry.api.replay.v1.ReplayService/Append")()
    await call.write(b"\x12\xff\xff")

    await ends_with(call.read, InvalidArgumentError, "a serialised AppendRequest")


async def test_items_over_slices_are_made_of_what_was_appended(run) -> None:
    running = await run()
    await running.create(replace(EXPLICIT, max_times_sampled=1))
    writer = await running.writer()
    await writer.write(1, list(range(10)))
    await writer.call.write(items(2, [3, 6], [4, 4], (1.0, 2.0)))

    assert await writer.accepted(2) == 2
    assert await (await running.reader(2)).steps() == [3, 6, 4, 7, 5, 8, 6, 9]


@pytest.mark.parametrize(
    ("starts", "lengths", "match"), [([8], [4], "starts"), ([0], [5], "lengths"), ([0], [0], "lengths")]
)
async def test_items_that_reach_beyond_what_there_is_are_named(run, ends_with, starts, lengths, match: str) -> None:
    running = await run()
    await running.create(EXPLICIT)
    writer = await running.writer()
    await writer.write(1, list(range(10)))

    await writer.call.write(items(2, starts, lengths))

    await ends_with(writer.read, InvalidArgumentError, match)
    assert (await running.info()).num_items == 0


async def test_a_pattern_longer_than_the_episodes_makes_no_item_and_its_readers_are_told_so(run) -> None:
    running = await run()
    await running.create(replace(FREE, pattern=Pattern(5, 1, episode_end=EpisodeEnd.DROP)))
    writer = await running.writer()
    for sequence in range(1, 5):
        await writer.write(sequence, [1, 2, 3], lane_ends=np.array([True]))
    await writer.accepted(4)

    told = await (await running.reader(1)).read()

    assert (told.waiting.term, told.waiting.value, told.waiting.bound) == ("inserts - deletes", 0, 1)
    assert (await running.info()).num_items == 0


async def test_a_byte_budget_smaller_than_a_step_is_named(run, ends_with) -> None:
    running = await run()
    await running.create(replace(FREE, max_bytes=1 << 20))
    call = running.stub.Append()
    header = pb.AppendHeader(table="t", writer_id="w", writer_epoch=1, num_lanes=1)
    header.columns.add(path="wide", element_type=1, shape=(1 << 20,))
    await call.write(pb.AppendRequest(header=header))

    await ends_with(call.read, InvalidArgumentError, "1048576 bytes of steps of 4194304 bytes")


async def test_a_byte_budget_smaller_than_a_block_is_named_and_others_go_on(run, ends_with, specs) -> None:
    running = await run()
    await running.create(replace(FREE, max_bytes=1 << 20))
    await running.create(replace(FREE, table="u"))
    writer = await running.writer(specs=(specs["wide"],))
    block = Block(1, {"wide": np.ones((128, 1, 4096), np.float32)}, ParameterVersion(1, 1))
    await writer.call.write(pb.AppendRequest(block=block_to_proto(block)))

    await ends_with(writer.read, ResourceExhaustedError, "bytes")
    other = await running.writer(table="u")
    await other.write(1, [1])
    assert await other.accepted(1) == 1
