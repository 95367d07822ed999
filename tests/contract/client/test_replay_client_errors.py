"""What a caller hears when a stream is over, refused, or asks for what is gone."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heronry.client import retries
from heronry.types.columns import ColumnSpec
from heronry.types.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    SchemaMismatchError,
    TableNotFoundError,
    UnavailableError,
)
from heronry.types.patterns import Pattern
from heronry.types.run import ServiceRole
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

VERSION = ParameterVersion(1, 5)
NUMBERS: Any = {"columns": (ColumnSpec("number", ElementType.INT32, ()),), "num_lanes": 1}


def free(table: str, period: int = 1) -> TableDefinition:
    limiter = RateLimiter.of_min_size(1)
    return TableDefinition(table, Selector.uniform(), Selector.fifo(), limiter, 100, pattern=Pattern(1, period))


def numbers(*values: int) -> dict[str, np.ndarray]:
    return {"number": np.array(values, np.int32).reshape(-1, 1)}


def appends(writer: Any) -> list[Any]:
    """Return every way to hand something over."""
    return [
        lambda: writer.append(numbers(2), VERSION),
        lambda: writer.append_batch(numbers(2)),
        lambda: writer.append_step({"number": 2}),
        lambda: writer.append_trajectory({"number": np.array([2], np.int32)}, VERSION),
        lambda: writer.create_items([0], [0], [1]),
    ]


async def test_a_closed_writer_takes_nothing(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(free("t"))
    async with clients.replay.writer("t", **NUMBERS) as writer:
        await writer.append(numbers(1), VERSION)

    for append in appends(writer):
        with pytest.raises(UnavailableError, match="the writer of table 't' is closed"):
            await append()
    assert (await clients.replay.get_table("t")).num_items == 1


async def test_a_table_that_does_not_come_back_is_named_before_and_after_the_patience_ends(
    clients: SimpleNamespace, services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "RETURN_S", 4.0)
    await clients.replay.create_table(free("t"))
    writer = clients.replay.writer("t", **NUMBERS)
    await writer.__aenter__()
    await writer.append(numbers(1), VERSION)
    await writer.flush()
    batches = clients.replay.sample("t", batch_size=1, credits=1, timeout_s=3.0)
    await anext(batches)

    await services.stop(ServiceRole.REPLAY)
    await services.start(ServiceRole.REPLAY)

    await writer.append(numbers(2), VERSION)
    with pytest.raises(DeadlineExceededError, match=r"1 blocks unaccepted after 3 s .*no table 't'"):
        await writer.flush(timeout_s=3.0)
    with pytest.raises(TableNotFoundError, match="'t'"):
        await writer.flush(timeout_s=5.0)
    with pytest.raises((DeadlineExceededError, TableNotFoundError), match="no table 't'"):
        await _drained(batches)
    await batches.aclose()
    await writer.abort()


async def test_a_refused_stream_says_why_it_was_refused(
    clients: SimpleNamespace, services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heronry.client.append_stream.OPEN_TIMEOUT_S", 1.0)
    await clients.replay.create_table(free("t"))
    admission = services.admission(ServiceRole.REPLAY)
    monkeypatch.setattr(admission, "_max_streams", 0)

    with pytest.raises(DeadlineExceededError, match=r"open to table 't': .*streams"):
        await clients.replay.writer("t", **NUMBERS).__aenter__()
    batches = clients.replay.sample("t", batch_size=1, timeout_s=1.0)
    with pytest.raises(DeadlineExceededError, match=r"nothing came for 1 s \(.*streams"):
        await anext(batches)
    await batches.aclose()
    updates = clients.replay.priority_updates("t")
    await updates.__aenter__()
    await updates.update(np.array([1], np.uint64), np.ones(1))
    with pytest.raises(DeadlineExceededError, match=r"1 unacknowledged after 1 s \(.*streams"):
        await updates.flush(timeout_s=1.0)
    await updates.abort()


async def test_a_block_has_one_priority_or_several(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(free("t"))
    async with clients.replay.writer("t", **NUMBERS) as writer:
        with pytest.raises(InvalidArgumentError, match=r"priority: got 1.0, allowed: None beside `priorities`"):
            await writer.append(numbers(1), VERSION, 1.0, priorities=[[2.0]])
        with pytest.raises(InvalidArgumentError, match=r"priority: got 1.0"):
            await writer.append_trajectory({"number": np.array([1], np.int32)}, VERSION, 1.0, priorities=[2.0])


@pytest.mark.parametrize("value", [3, [[1], [2, 3]]])
async def test_a_trajectory_s_column_without_steps_is_named(clients: SimpleNamespace, value: object) -> None:
    await clients.replay.create_table(free("t"))
    async with clients.replay.writer("t", **NUMBERS) as writer:
        with pytest.raises(SchemaMismatchError, match=r"columns\.number"):
            await writer.append_trajectory({"number": value}, VERSION)


async def test_a_mix_of_different_tables_names_the_first_column_that_differs(clients: SimpleNamespace) -> None:
    for table, kind in (("u", ElementType.INT32), ("n", ElementType.INT64)):
        await clients.replay.create_table(free(table))
        columns = (ColumnSpec("number", kind, ()),)
        async with clients.replay.writer(table, columns=columns, num_lanes=1) as writer:
            await writer.append({"number": np.ones((1, 1), kind.dtype)}, VERSION)

    batches = clients.replay.sample({"u": 1, "n": 1}, batch_size=4, timeout_s=5.0)
    with pytest.raises(SchemaMismatchError) as caught:
        await anext(batches)
    await batches.aclose()
    message = "shares.n: got 'number int64[1, 4]', allowed: number int32[1, 4], as of 'u'"
    assert caught.value.message == message


async def test_streams_of_a_deleted_table_end_by_name(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(free("t"))
    writer = clients.replay.writer("t", **NUMBERS)
    updates = clients.replay.priority_updates("t")
    await writer.__aenter__()
    await updates.__aenter__()
    await writer.append(numbers(1), VERSION)
    await writer.flush()
    batches = clients.replay.sample("t", batch_size=1, credits=1, timeout_s=10.0)
    batch = await anext(batches)

    await clients.replay.delete_table("t")

    # A batch may have been under way; nothing of this may last as long as a service is borne to be away.
    with pytest.raises(TableNotFoundError, match="table 't'"):
        await _drained(batches)
    await writer.append(numbers(2), VERSION)
    with pytest.raises(TableNotFoundError, match="table 't'"):
        await writer.flush(timeout_s=10.0)
    for append in appends(writer):
        with pytest.raises(TableNotFoundError):
            await append()
    await updates.update(batch.keys, np.ones(1))
    with pytest.raises(TableNotFoundError, match="table 't'"):
        await updates.flush(timeout_s=10.0)
    await batches.aclose()
    await writer.abort()
    await updates.abort()


async def _drained(batches: AsyncIterator[object]) -> None:
    while True:
        await anext(batches)
