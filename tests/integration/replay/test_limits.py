"""Bounds of a service: what is refused, how it is named, and that it is counted."""

import asyncio
import re
import socket
from urllib.request import urlopen

import grpc
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.types.errors import InvalidArgumentError, ResourceExhaustedError, TableNotFoundError
from heronry.types.patterns import Pattern
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.wire.status import error_from_rpc
from heronry.wire.tables import table_definition_to_proto

FREE = TableDefinition("t", Selector.uniform(), Selector.fifo(), RateLimiter.of_min_size(1), 50, pattern=Pattern(1, 1))
QUEUE = TableDefinition.queue("t", size=2, pattern=Pattern(1, 1))


@pytest.mark.parametrize(
    ("limiter", "inequality"),
    [
        ((1.0, 4, 5.0, 100.0), r"min_diff: got 5\.0, allowed: at most samples_per_insert \* min_size = 4"),
        ((2.0, 4, 0.0, 1.0), r"max_diff: got 1\.0, allowed: at least min_diff \+ 2 = 2"),
    ],
)
async def test_a_limiter_that_would_deadlock_is_refused_with_the_inequality(run, limiter, inequality: str) -> None:
    running = await run()
    definition = table_definition_to_proto(FREE)
    values = dict(zip(("samples_per_insert", "min_size", "min_diff", "max_diff"), limiter, strict=True))
    definition.rate_limiter.CopyFrom(pb.RateLimiter(**values))

    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await running.stub.CreateTable(pb.CreateTableRequest(definition=definition), timeout=5)

    error = error_from_rpc(ended.value)
    assert isinstance(error, InvalidArgumentError)
    assert re.search(inequality, error.message)


async def test_streams_beyond_the_bound_are_refused_and_counted_and_the_others_go_on(run, ends_with) -> None:
    running = await run(max_streams=3)
    await running.create(FREE)
    writer = await running.writer()
    await writer.write(1, [1])
    await writer.accepted(1)
    readers = [await running.reader(1) for _ in range(2)]
    assert [await r.steps() for r in readers] == [[1], [1]]

    for _ in range(20):
        await ends_with(running.stub.Sample().read, ResourceExhaustedError, "at most 3 are allowed")

    assert running.node.num_refused_streams == 20
    await readers[0].grant(1)
    assert await readers[0].steps() == [1]


async def test_a_million_tiny_streams_leave_nothing_behind(run) -> None:
    running = await run(max_streams=64)
    await running.create(FREE)
    writer = await running.writer()
    await writer.write(1, [1])
    await writer.accepted(1)

    async def one() -> None:
        reader = await running.reader(1)
        assert await reader.steps() == [1]
        await reader.call.done_writing()
        await reader.drain()

    # A thousandth of them, as many at a time as there may be.
    for _ in range(20):
        await asyncio.gather(*(one() for _ in range(50)))

    async with asyncio.timeout(5):
        while running.node.num_streams > 1:  # noqa: ASYNC110 # the count is seen by asking alone
            await asyncio.sleep(0.01)
    assert (await running.info()).num_samples == 1000


async def test_a_tables_figures_are_there_for_prometheus(run) -> None:
    running = await run()
    await running.create(QUEUE)
    writer = await running.writer(lanes=3)
    await writer.write(1, [0, 1, 2])
    await running.until(lambda info: len(info.waiting) == 1)
    registry = CollectorRegistry()
    registry.register(running.service.collector())

    text = generate_latest(registry).decode()

    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(figures['heronry_replay_items{table="t"}']) == 2
    assert float(figures['heronry_replay_inserts_total{table="t"}']) == 2
    assert float(figures['heronry_replay_writers{table="t"}']) == 1
    waiting = {k: float(v) for k, v in figures.items() if k.startswith("heronry_replay_waiting")}
    labels = 'side="insert",table="t",term="(inserts + 1) * samples_per_insert - samples"'
    assert waiting == {f"heronry_replay_waiting{{{labels}}}": 1}
    assert float(figures[f"heronry_replay_waited_seconds{{{labels}}}"]) > 0
    assert float(figures['heronry_replay_unsettled_positions{table="t"}']) == 0


async def test_errors_of_calls_are_counted_by_method_and_class(run, ends_with) -> None:
    running = await run()
    for _ in range(3):
        call = running.stub.Sample()
        # Nothing is sent after the header: the call may be over by then.
        await call.write(pb.SampleRequest(header=pb.SampleHeader(table="nothing", batch_size=1)))
        await ends_with(call.read, TableNotFoundError, "no table 'nothing'")

    assert running.node.errors["/heronry.api.replay.v1.ReplayService/Sample", "TableNotFoundError"] == 3


async def test_a_scrape_shows_tables_streams_and_errors(run, ends_with) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    running = await run(metrics_port=port, max_streams=1)
    await running.create(FREE)
    writer = await running.writer()
    await ends_with(running.stub.Sample().read, ResourceExhaustedError, "at most 1")

    text = await asyncio.to_thread(lambda: urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode())

    method = "/heronry.api.replay.v1.ReplayService/Sample"
    assert "heronry_streams 1.0" in text
    assert "heronry_streams_refused_total 1.0" in text
    assert f'heronry_errors_total{{error="ResourceExhaustedError",method="{method}"}} 1.0' in text
    assert 'heronry_replay_writers{table="t"} 1.0' in text
    writer.call.cancel()
