"""Peers that die, stall or come back: each frees its state, nobody else notices."""

import asyncio
import enum
from dataclasses import replace

import grpc
import numpy as np
import pytest

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.types.experience import Block
from heronry.types.patterns import Pattern
from heronry.types.tables import Delivery, RateLimiter, Selector, TableDefinition
from heronry.types.version import ParameterVersion
from heronry.wire.blocks import block_to_proto

QUEUE = TableDefinition.queue("t", size=8, pattern=Pattern(1, 1))
LEASED = replace(QUEUE, delivery=Delivery.AT_LEAST_ONCE)


class Fault(enum.Enum):
    """How a stream ends without saying so."""

    CANCEL = "cancel"
    HALF_CLOSE = "half_close"
    DROP_CONNECTION = "drop_connection"


async def end(running, call, fault: Fault) -> None:
    if fault is Fault.CANCEL:
        call.cancel()
    elif fault is Fault.HALF_CLOSE:
        await call.done_writing()
    else:
        await running.channel.close()
        fresh = grpc.aio.insecure_channel(running.node.addresses[0])
        running.channel = fresh
        running.__post_init__()


@pytest.mark.parametrize("fault", Fault)
async def test_a_writer_that_is_lost_comes_back_and_goes_on_by_sequence(run, fault: Fault) -> None:
    running = await run()
    await running.create(QUEUE)
    writer = await running.writer()
    await writer.write(1, [10, 11])
    await writer.read()

    await end(running, writer.call, fault)
    await running.until(lambda info: info.num_writers == 0)
    back = await running.writer()

    assert back.opened.accepted_sequence == 1
    await back.write(1, [10, 11])
    await back.write(2, [12])
    assert await back.accepted(2) == 2
    assert await (await running.reader(3)).steps() == [10, 11, 12]


@pytest.mark.parametrize("fault", [Fault.CANCEL, Fault.DROP_CONNECTION])
async def test_a_writer_lost_while_it_waits_inserts_nothing_twice(run, fault: Fault) -> None:
    running = await run()
    await running.create(replace(QUEUE, max_size=2, rate_limiter=RateLimiter.queue(2)))
    writer = await running.writer(lanes=3)
    await writer.write(1, [0, 1, 2])
    await running.until(lambda info: len(info.waiting) == 1)

    await end(running, writer.call, fault)
    await running.until(lambda info: info.num_writers == 0 and not info.waiting)
    back = await running.writer(lanes=3)
    await back.write(1, [0, 1, 2])

    assert await (await running.reader(3)).steps() == [0, 1, 2]
    assert (await running.until(lambda info: info.num_inserts == 3)).num_items == 0


@pytest.mark.parametrize("fault", [Fault.CANCEL, Fault.DROP_CONNECTION])
async def test_a_reader_lost_while_it_waits_takes_nothing(run, fault: Fault) -> None:
    running = await run()
    await running.create(LEASED)
    lost = await running.reader(5)
    await running.until(lambda info: len(info.waiting) == 1)

    await end(running, lost.call, fault)
    await running.until(lambda info: not info.waiting)
    writer = await running.writer()
    await writer.write(1, [1, 2, 3])

    assert await (await running.reader(3)).steps() == [1, 2, 3]


async def test_a_batch_of_a_lost_reader_is_served_again(run) -> None:
    running = await run()
    await running.create(LEASED)
    writer = await running.writer()
    await writer.write(1, [1, 2, 3, 4])
    lost = await running.reader(2)
    assert await lost.steps() == [1, 2]

    lost.call.cancel()
    await running.until(lambda info: info.num_items == 4)

    assert await (await running.reader(4)).steps() == [1, 2, 3, 4]


async def test_a_reader_that_half_closes_still_gets_what_its_credits_allow(run) -> None:
    running = await run()
    await running.create(QUEUE)
    reader = await running.reader(1, num_credits=2)
    await reader.call.done_writing()
    writer = await running.writer()
    await writer.write(1, [1, 2, 3])

    assert [await reader.steps() for _ in range(2)] == [[1], [2]]
    assert await reader.read() == grpc.aio.EOF
    assert (await running.info()).num_items == 1


async def test_a_reader_that_stops_reading_loses_its_stream_and_nobody_else_notices(run, specs) -> None:
    running = await run(stall_s=0.5)
    uniform = TableDefinition("t", Selector.uniform(), Selector.fifo(), RateLimiter.of_min_size(1), 100)
    await running.create(uniform)
    writer = await running.writer(specs=(specs["wide"],))
    block = Block(1, {"wide": np.ones((20, 1, 4096), np.float32)}, ParameterVersion(1, 1))
    await writer.call.write(pb.AppendRequest(block=block_to_proto(block)))
    await writer.read()

    # Two megabytes a batch: what is not read soon fills the connection.
    stalled = await running.reader(120, num_credits=1000)
    other = await running.reader(1, num_credits=1000)
    for _ in range(50):
        assert (await other.read()).WhichOneof("part") == "batch"
    drawn = (await running.info()).num_samples
    await asyncio.sleep(1.2)
    after = await running.info()
    for _ in range(50):
        assert (await other.read()).WhichOneof("part") == "batch"
    await other.call.done_writing()

    assert after.num_samples - drawn < 120 * 20
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await stalled.drain()
    assert ended.value.code() == grpc.StatusCode.ABORTED


async def test_a_writer_that_is_idle_keeps_its_stream(run) -> None:
    running = await run(stall_s=0.2)
    await running.create(QUEUE)
    writer = await running.writer()
    await asyncio.sleep(0.5)

    await writer.write(1, [1])

    assert (await writer.read()).accepted_sequence == 1


async def test_a_writer_that_ignores_its_credits_fills_its_own_connection(run) -> None:
    running = await run()
    await running.create(replace(QUEUE, max_size=2, rate_limiter=RateLimiter.queue(2)))
    greedy = await running.writer("greedy")
    for sequence in range(1, 40):
        await greedy.write(sequence, [sequence])
    await running.until(lambda info: len(info.waiting) == 1)

    assert (await running.info()).num_inserts == 2
    reader = await running.reader(1, num_credits=39)
    assert [(await reader.steps())[0] for _ in range(39)] == list(range(1, 40))


@pytest.mark.parametrize("method", ["Append", "Sample"])
async def test_a_stream_without_a_header_is_refused(run, method: str) -> None:
    running = await run()
    call = getattr(running.stub, method)()
    request = pb.AppendRequest(end=pb.AppendEnd()) if method == "Append" else pb.SampleRequest()
    await call.write(request)

    with pytest.raises(grpc.aio.AioRpcError, match="header, as the first message"):
        await call.read()


async def test_many_streams_wait_at_once_without_a_thread_each(run) -> None:
    running = await run()
    await running.create(QUEUE)
    readers = [await running.reader(1) for _ in range(100)]
    await running.until(lambda info: len(info.waiting) == 100)
    writer = await running.writer(lanes=10)
    for sequence in range(10):
        await writer.write(sequence + 1, list(range(10 * sequence, 10 * sequence + 10)))

    steps = [(await r.steps())[0] for r in readers]

    assert sorted(steps) == list(range(100))
