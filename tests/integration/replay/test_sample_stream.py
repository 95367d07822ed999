"""What a reader's stream asks, what it gets, and how it ends for one that breaks its rules."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError, MessageTooLargeError, SchemaMismatchError, TableNotFoundError
from heronry.types.experience import Block
from heronry.types.patterns import Pattern
from heronry.types.tables import Delivery, RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion
from heronry.wire.blocks import block_to_proto

FREE = TableDefinition("t", Selector.uniform(), Selector.fifo(), RateLimiter.of_min_size(1), 50, pattern=Pattern(1, 1))


async def fill(running, table: str, values: list[int], **options: object) -> None:
    writer = await running.writer(table=table, **options)
    await writer.write(1, values)
    await writer.accepted(1)


async def two_tables(running, **changes: object) -> None:
    await running.create(replace(FREE, **changes))
    await running.create(replace(FREE, table="u", **changes))
    await fill(running, "t", list(range(10)))
    await fill(running, "u", list(range(100, 105)))


def shares(*weights: tuple[str, float]) -> dict[str, object]:
    return {"shares": [pb.TableShare(table=table, weight=weight) for table, weight in weights], "table": ""}


async def test_only_the_first_batch_describes_its_columns(run) -> None:
    running = await run()
    await running.create(FREE)
    await fill(running, "t", [1, 2, 3])
    reader = await running.reader(4, num_credits=3)

    batches = [(await reader.read()).batch for _ in range(3)]

    assert next(c.path for c in batches[0].columns) == "step"
    assert [len(b.columns) for b in batches[1:]] == [0, 0]
    assert [b.batch_id for b in batches] == [1, 2, 3]


async def test_as_many_batches_come_as_there_were_credits(run) -> None:
    running = await run()
    await running.create(FREE)
    await fill(running, "t", [1, 2, 3])
    reader = await running.reader(8, num_credits=40)
    await reader.call.done_writing()

    assert [(await reader.batch()).batch_id for _ in range(40)] == list(range(1, 41))
    await reader.drain()
    assert (await running.info()).num_samples == 320


async def test_items_come_from_several_tables_by_weight(run) -> None:
    running = await run()
    await two_tables(running)
    reader = await running.reader(1000, num_credits=4, **shares(("t", 3.0), ("u", 1.0)))

    batches = [await reader.batch() for _ in range(4)]

    for batch in batches:
        steps = batch.columns["step"].ravel()
        assert (batch.tables == (steps >= 100)).all()
        assert batch.table_size == 15
        # Of each table's own items with equal probability: 3/4 over 10 items, 1/4 over 5.
        np.testing.assert_allclose(batch.probabilities, np.where(batch.tables == 0, 0.075, 0.05))
    num_second = sum(int(b.tables.sum()) for b in batches)
    # Binomial(4000, 1/4): five standard deviations, a false alarm in 1.7 million runs; the seed is the tables'.
    assert abs(num_second - 1000) < 5 * np.sqrt(4000 * 0.25 * 0.75)


async def test_a_batch_of_several_tables_waits_for_the_one_that_holds_it_back(run) -> None:
    running = await run()
    await running.create(FREE)
    await running.create(replace(FREE, table="u"))
    await fill(running, "t", [1])
    reader = await running.reader(64, **shares(("t", 1.0), ("u", 1.0)))
    assert (await reader.read()).waiting.term == "inserts - deletes"

    await fill(running, "u", [2])

    assert set(await reader.steps()) == {1, 2}


async def test_leases_of_several_tables_come_back_when_the_reader_is_lost(run) -> None:
    running = await run()
    queue = TableDefinition.queue("t", size=50, pattern=Pattern(1, 1))
    await running.create(replace(queue, delivery=Delivery.AT_LEAST_ONCE))
    await running.create(replace(queue, table="u", delivery=Delivery.AT_LEAST_ONCE))
    await fill(running, "t", list(range(10)))
    await fill(running, "u", list(range(100, 110)))
    lost = await running.reader(6, num_credits=2, **shares(("t", 1.0), ("u", 1.0)))
    first, _ = await lost.steps(), await lost.steps()
    await lost.call.write(pb.SampleRequest(acknowledge=pb.SampleAcknowledge(batch_id=1)))

    # Behind the acknowledgement, as a cancellation need not be.
    await lost.call.done_writing()
    await running.until(lambda info: info.num_items == 10 - sum(step < 100 for step in first))

    assert (await running.info("u")).num_items == 10 - sum(step >= 100 for step in first)


@pytest.mark.parametrize(
    ("weights", "match"),
    [
        ([("t", 0.0)], r"header\.shares\[0\]\.weight: got 0\.0, allowed: above 0"),
        ([("t", 1.0), ("u", float("nan"))], r"header\.shares\[1\]\.weight: got nan"),
        ([("t", 1.0), ("u", -1.0)], r"header\.shares\[1\]\.weight"),
        ([("t", 1.0)] * 65, "1 to 64"),
    ],
)
async def test_weights_that_cannot_be_are_named(run, ends_with, weights, match: str) -> None:
    running = await run()
    await two_tables(running)
    reader = await running.reader(4, **shares(*weights), num_credits=0)

    await ends_with(reader.read, InvalidArgumentError, match)


async def test_tables_of_unlike_columns_share_no_batch(run, ends_with) -> None:
    running = await run()
    await running.create(FREE)
    await running.create(replace(FREE, table="u", columns=(ColumnSpec("step", ElementType.FLOAT32, ()),)))
    await fill(running, "t", [1])
    reader = await running.reader(4, **shares(("t", 1.0), ("u", 1.0)))

    await ends_with(reader.read, SchemaMismatchError, r"shares\.u: got 'step float32\[1, 4\]")


@pytest.mark.parametrize(
    ("header", "error", "match"),
    [
        ({"table": "nothing"}, TableNotFoundError, "no table 'nothing'"),
        (shares(("t", 1.0), ("nothing", 1.0)), TableNotFoundError, "no table 'nothing'"),
        ({**shares(("t", 1.0)), "table": "t"}, InvalidArgumentError, r"header\.table: got 't', allowed: empty"),
        ({"columns": ["nothing"]}, SchemaMismatchError, "nothing"),
        ({"columns": ["step", "step"]}, SchemaMismatchError, "once"),
        ({"batch_size": 0}, InvalidArgumentError, r"header\.batch_size: got 0"),
        ({"batch_size": 51, "without_replacement": True}, InvalidArgumentError, "at most max_size, 50"),
        ({"batch_size": 1 << 40}, MessageTooLargeError, r"header\.batch_size"),
    ],
)
async def test_a_header_that_cannot_be_served_is_named_and_others_go_on(run, ends_with, header, error, match) -> None:
    running = await run()
    await running.create(FREE)
    await fill(running, "t", [1, 2, 3])
    other = await running.reader(2, num_credits=2)
    await other.batch()

    reader = await running.reader(**{"batch_size": 4, **header}, num_credits=0)

    await ends_with(reader.read, error, match)
    assert (await other.batch()).batch_id == 2


@pytest.mark.parametrize(
    ("request_", "match"),
    [
        (pb.SampleRequest(release=pb.SampleRelease(slots=[3])), "no shared memory was offered"),
        (pb.SampleRequest(attached=pb.SampleAttached(attached=True)), "no shared memory was offered"),
        (pb.SampleRequest(acknowledge=pb.SampleAcknowledge(batch_id=7)), r"acknowledge\.batch_id: got 7"),
        (pb.SampleRequest(credits=pb.SampleCredits(num_batches=5000)), r"credits\.num_batches"),
        (pb.SampleRequest(header=pb.SampleHeader(table="t", batch_size=1)), "part: got 'header'"),
    ],
)
async def test_messages_that_break_the_order_of_a_stream_are_named(run, ends_with, request_, match: str) -> None:
    running = await run()
    await running.create(FREE)
    await fill(running, "t", [1])
    reader = await running.reader(1)
    await reader.batch()

    await reader.call.write(request_)

    await ends_with(reader.read, InvalidArgumentError, match)


async def test_no_item_comes_twice_in_a_batch_without_replacement(run) -> None:
    running = await run()
    await running.create(FREE)
    await fill(running, "t", list(range(40)))
    reader = await running.reader(40, without_replacement=True)

    assert sorted(await reader.steps()) == list(range(40))


@pytest.mark.parametrize("batch_size", [4, 16, 60])
async def test_a_reader_that_stops_reading_holds_less_than_sixteen_mebibytes(run, specs, batch_size: int) -> None:
    running = await run(stall_s=20)
    await running.create(FREE)
    writer = await running.writer(specs=(specs["wide"],))
    block = block_to_proto(Block(1, {"wide": np.ones((40, 1, 4096), np.float32)}, ParameterVersion(1, 1)))
    await writer.call.write(pb.AppendRequest(block=block))
    await writer.accepted(1)

    stalled = await running.reader(batch_size, num_credits=1000)
    drawn, before = 0, -1
    async with asyncio.timeout(10):
        while drawn == 0 or drawn != before:
            before, _ = drawn, await asyncio.sleep(0.3)
            drawn = (await running.info()).num_samples

    assert not stalled.call.done()
    assert drawn < batch_size * 1000
    assert drawn * 4096 * 4 < 16 << 20
