"""Priorities changed over a stream, in bulk and in order."""

import asyncio

import numpy as np
import pytest

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.types.errors import InvalidArgumentError, MessageTooLargeError, TableNotFoundError
from heronry.types.patterns import Pattern
from heronry.types.tables import RateLimiter, Selector, TableDefinition

HEAP = TableDefinition("t", Selector.max_heap(), Selector.fifo(), RateLimiter.of_min_size(1), 50, pattern=Pattern(1, 1))


def updates(keys: np.ndarray, priorities: list[float], table: str = "") -> pb.StreamPrioritiesRequest:
    return pb.StreamPrioritiesRequest(
        table=table, keys=keys.astype("<u8").tobytes(), priorities=np.array(priorities, "<f8").tobytes()
    )


async def table_of(running, num_items: int) -> np.ndarray:
    """Fill a table and return the keys of its items, by step."""
    await running.create(HEAP)
    writer = await running.writer()
    await writer.write(1, list(range(num_items)))
    await writer.accepted(1)
    batch = await (await running.reader(num_items, without_replacement=True)).batch()
    return batch.keys[np.argsort(batch.columns["step"].ravel())]


async def answer_to(call, num_requests: int) -> pb.StreamPrioritiesResponse:
    async with asyncio.timeout(10):
        while (answer := await call.read()).num_requests < num_requests:
            continue
    return answer


async def test_requests_are_applied_in_their_order_and_counted_since_the_beginning(run) -> None:
    running = await run()
    keys = await table_of(running, 3)
    call = running.stub.StreamPriorities()

    await call.write(updates(keys, [1, 2, 3], "t"))
    for number in range(200):
        await call.write(updates(keys[[number % 3]], [10.0 + number]))

    answer = await answer_to(call, 201)
    assert (answer.num_requests, answer.num_applied, answer.num_ignored) == (201, 203, 0)
    # The last update was number 199, of item 1.
    assert await (await running.reader(1)).steps() == [1]


async def test_keys_that_are_gone_are_counted(run) -> None:
    running = await run()
    keys = await table_of(running, 2)
    call = running.stub.StreamPriorities()

    await call.write(updates(np.append(keys, [2**63, 5]), [1, 1, 1, 1], "t"))

    answer = await answer_to(call, 1)
    assert (answer.num_applied, answer.num_ignored) == (2, 2)
    assert (await running.info()).num_ignored == 2


async def test_a_client_that_half_closes_is_answered_to_the_end(run) -> None:
    running = await run()
    keys = await table_of(running, 2)
    call = running.stub.StreamPriorities()
    for number in range(20):
        await call.write(updates(keys, [number, number], "t" if number == 0 else ""))
    await call.done_writing()

    assert (await answer_to(call, 20)).num_applied == 40


@pytest.mark.parametrize(
    ("bad", "error", "match"),
    [
        (lambda keys: updates(keys, [9.0, float("nan")]), InvalidArgumentError, r"priorities\[1\]: got nan"),
        (lambda keys: updates(keys, [9.0, -1.0]), InvalidArgumentError, r"priorities\[1\]: got -1\.0"),
        (lambda keys: updates(keys, [9.0]), InvalidArgumentError, "as many as keys, 2"),
        (lambda keys: pb.StreamPrioritiesRequest(keys=b"123"), InvalidArgumentError, "a multiple of 8"),
        (lambda keys: updates(keys, [9.0, 9.0], "u"), InvalidArgumentError, "empty after the first message"),
        (lambda keys: updates(np.zeros(65_537), [1.0] * 65_537), MessageTooLargeError, "65537 keys"),
    ],
)
async def test_a_request_that_cannot_be_applied_ends_its_stream_and_changes_nothing(
    run, ends_with, bad, error, match: str
) -> None:
    running = await run()
    keys = await table_of(running, 2)
    call, other = running.stub.StreamPriorities(), running.stub.StreamPriorities()
    await other.write(updates(keys, [1.0, 1.0], "t"))
    await answer_to(other, 1)

    await call.write(updates(keys, [2.0, 3.0], "t"))
    await call.write(bad(keys))

    await ends_with(call.read, error, match)
    batch = await (await running.reader(1)).batch()
    assert (batch.columns["step"].item(), batch.priorities.item()) == (1, 3.0)
    await other.write(updates(keys, [5.0, 4.0]))
    assert (await answer_to(other, 2)).num_applied == 4


async def test_an_unknown_table_is_named(run, ends_with) -> None:
    running = await run()
    call = running.stub.StreamPriorities()
    await call.write(updates(np.zeros(0), [], "nothing"))

    await ends_with(call.read, TableNotFoundError, "no table 'nothing'")
