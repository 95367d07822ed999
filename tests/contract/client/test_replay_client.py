from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heronry.types.columns import ColumnSpec
from heronry.types.errors import (
    AlreadyExistsError,
    DeadlineExceededError,
    InvalidArgumentError,
    SchemaMismatchError,
    TableNotFoundError,
)
from heronry.types.patterns import Pattern
from heronry.types.run import ServiceRole
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

MakeBlock = Callable[[int], dict[str, np.ndarray]]
VERSION = ParameterVersion(1, 5)
COLUMNS = (ColumnSpec("observation", ElementType.FLOAT32, (4,)), ColumnSpec("reward", ElementType.FLOAT32, ()))
QUEUE = TableDefinition.queue("queue", size=6, pattern=Pattern(2, 2))
STEPS = TableDefinition(
    "steps", Selector.prioritized(1.0), Selector.fifo(), RateLimiter.of_min_size(1), max_size=100, pattern=Pattern(1, 1)
)
WRITER: Any = {"columns": COLUMNS, "num_lanes": 3}


async def test_an_equal_table_again_is_no_error_and_another_one_is(clients: SimpleNamespace) -> None:
    assert await clients.replay.create_table(QUEUE)
    assert not await clients.replay.create_table(QUEUE)

    with pytest.raises(AlreadyExistsError):
        await clients.replay.create_table(TableDefinition.queue("queue", size=9, pattern=Pattern(2, 2)))


async def test_blocks_come_back_as_batches_in_order(clients: SimpleNamespace, make_block: MakeBlock) -> None:
    await clients.replay.create_table(QUEUE)
    batches = clients.replay.sample("queue", batch_size=3)

    async with clients.replay.writer("queue", **WRITER) as writer:
        for number in range(5):
            await writer.append(make_block(number), VERSION)
            batch = await anext(batches)
            assert batch.columns["observation"].shape == (2, 3, 4)
            np.testing.assert_array_equal(batch.columns["reward"], np.full((2, 3), number))
            np.testing.assert_array_equal(batch.versions, [[1, 5]] * 3)
        await writer.flush()
        assert writer.num_unaccepted == 0
    await batches.aclose()


async def test_only_the_columns_asked_for_are_sent(clients: SimpleNamespace, make_block: MakeBlock) -> None:
    await clients.replay.create_table(QUEUE)
    async with clients.replay.writer("queue", **WRITER) as writer:
        await writer.append(make_block(1), VERSION)

    batches = clients.replay.sample("queue", batch_size=3, columns=["reward"])
    batch = await anext(batches)
    await batches.aclose()

    assert list(batch.columns) == ["reward"]


async def test_a_full_queue_holds_the_writer_back_and_says_why(clients: SimpleNamespace, make_block: MakeBlock) -> None:
    await clients.replay.create_table(QUEUE)

    writer = clients.replay.writer("queue", **WRITER)

    async def fill() -> None:
        async with writer:
            for number in range(20):
                await writer.append(make_block(number), VERSION, timeout_s=0.3)

    with pytest.raises(DeadlineExceededError, match="insert waits"):
        await fill()
    assert writer.waiting.side == "insert"
    assert writer.num_unaccepted > 0


async def test_an_empty_table_says_what_a_sampler_waits_for(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(QUEUE)

    with pytest.raises(DeadlineExceededError, match=r"'queue'.*sample waits"):
        await anext(clients.replay.sample("queue", batch_size=3, timeout_s=0.4))


async def test_a_writer_sends_again_what_was_not_accepted_when_the_service_comes_back(
    clients: SimpleNamespace, services: Any, make_block: MakeBlock
) -> None:
    await clients.replay.create_table(STEPS)
    async with clients.replay.writer("steps", **WRITER) as writer:
        await writer.append(make_block(0), VERSION)
        await writer.flush()

        await services.stop(ServiceRole.REPLAY)
        await writer.append(make_block(1), VERSION)
        await services.start(ServiceRole.REPLAY)
        await clients.replay.create_table(STEPS)
        await writer.append(make_block(2), VERSION)
        await writer.flush(timeout_s=10.0)

    info = await clients.replay.get_table("steps")
    assert info.num_items == 2 * 2 * 3


async def test_a_reader_goes_on_when_the_service_comes_back(
    clients: SimpleNamespace, services: Any, make_block: MakeBlock
) -> None:
    await clients.replay.create_table(QUEUE)
    batches = clients.replay.sample("queue", batch_size=3, timeout_s=10.0)
    async with clients.replay.writer("queue", **WRITER) as writer:
        await writer.append(make_block(1), VERSION)
        await anext(batches)

    await services.stop(ServiceRole.REPLAY)
    await services.start(ServiceRole.REPLAY)
    await clients.replay.create_table(QUEUE)
    async with clients.replay.writer("queue", **WRITER) as writer:
        await writer.append(make_block(2), VERSION)
    batch = await anext(batches)
    await batches.aclose()

    np.testing.assert_array_equal(batch.columns["reward"], np.full((2, 3), 2))


async def test_priorities_and_deletes_count_what_is_gone(clients: SimpleNamespace, make_block: MakeBlock) -> None:
    await clients.replay.create_table(STEPS)
    async with clients.replay.writer("steps", **WRITER) as writer:
        await writer.append(make_block(1), VERSION)
    batches = clients.replay.sample("steps", batch_size=4)
    batch = await anext(batches)
    await batches.aclose()
    keys = np.unique(batch.keys)

    updated = await clients.replay.update_priorities("steps", keys, np.full(len(keys), 2.0))
    deleted = await clients.replay.delete("steps", keys)
    gone = await clients.replay.delete("steps", keys)

    assert updated == (len(keys), 0)
    assert deleted == (len(keys), 0)
    assert gone == (0, len(keys))


async def test_a_limiter_can_be_changed_on_a_live_table(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(STEPS)

    info = await clients.replay.set_rate_limiter("steps", RateLimiter.of_min_size(50))

    assert info.definition.rate_limiter.min_size == 50
    assert [i.definition.table for i in await clients.replay.list_tables()] == ["steps"]


async def test_a_reset_drops_all_items(clients: SimpleNamespace, make_block: MakeBlock) -> None:
    await clients.replay.create_table(STEPS)
    async with clients.replay.writer("steps", **WRITER) as writer:
        await writer.append(make_block(1), VERSION)

    assert await clients.replay.reset("steps") == 6
    assert (await clients.replay.get_table("steps")).num_items == 0


@pytest.mark.parametrize("shared_memory", [True, False])
async def test_a_batch_above_the_limit_of_one_message_arrives_whole(
    clients: SimpleNamespace, shared_memory: bool
) -> None:
    columns = (ColumnSpec("frame", ElementType.UINT8, (512, 512)),)
    await clients.replay.create_table(TableDefinition.queue("frames", size=16, pattern=Pattern(2, 2)))
    frames = np.random.default_rng(0).integers(0, 256, (2, 6, 512, 512), dtype=np.uint8)
    async with clients.replay.writer("frames", columns=columns, num_lanes=6) as writer:
        await writer.append({"frame": frames}, VERSION)

    batches = clients.replay.sample("frames", batch_size=6, shared_memory=shared_memory)
    batch = await anext(batches)
    await batches.aclose()

    np.testing.assert_array_equal(batch.columns["frame"], frames)


@pytest.mark.parametrize("call", ["get_table", "reset"])
async def test_an_unknown_table_is_named(clients: SimpleNamespace, call: str) -> None:
    with pytest.raises(TableNotFoundError, match="'none'"):
        await getattr(clients.replay, call)("none")


async def test_streams_of_an_unknown_table_fail_at_once(clients: SimpleNamespace) -> None:
    with pytest.raises(TableNotFoundError):
        await anext(clients.replay.sample("none", batch_size=1))

    with pytest.raises(TableNotFoundError):
        async with clients.replay.writer("none", **WRITER):
            pytest.fail("it was opened")


async def test_blocks_of_another_shape_never_leave_the_client(clients: SimpleNamespace, make_block: MakeBlock) -> None:
    await clients.replay.create_table(QUEUE)

    async with clients.replay.writer("queue", **WRITER) as writer:
        with pytest.raises(SchemaMismatchError, match="observation"):
            await writer.append(make_block(1) | {"observation": np.zeros((2, 3, 5), np.float32)}, VERSION)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": -1}, "batch_size"),
        ({"batch_size": "8"}, "batch_size"),
        ({"batch_size": 1, "credits": 0}, "credits"),
        ({"batch_size": 1, "table": None}, "table"),
    ],
)
async def test_a_reader_with_an_argument_that_cannot_be_is_refused(
    clients: SimpleNamespace, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await anext(clients.replay.sample(**({"table": "queue"} | arguments)))

    assert caught.value.details["field"] == field


async def test_a_block_needs_the_version_that_acted(clients: SimpleNamespace, make_block: MakeBlock) -> None:
    await clients.replay.create_table(QUEUE)

    async with clients.replay.writer("queue", **WRITER) as writer:
        with pytest.raises(InvalidArgumentError, match="behaviour_version: got None"):
            await writer.append(make_block(1), None)
