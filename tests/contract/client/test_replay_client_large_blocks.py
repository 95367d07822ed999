"""Blocks beyond a message, which both writers cut."""

import asyncio
import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heronry.client import ReplayClient
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DeadlineExceededError, MessageTooLargeError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.patterns import EpisodeEnd, Pattern
from heronry.types.run import ServiceRole
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

VERSION = ParameterVersion(1, 5)
PIXELS = (1 << 20) - 64
# Ten steps exceed a message of 8 MiB; four make a piece of 4 MiB.
PICTURE = ColumnSpec("picture", ElementType.UINT8, (PIXELS,))
COLUMNS: Any = {"columns": (ColumnSpec("number", ElementType.INT32, ()), PICTURE), "num_lanes": 1}


def block(first: int, num_steps: int) -> dict[str, np.ndarray]:
    numbers = np.arange(first, first + num_steps, dtype=np.int32)[:, np.newaxis]
    pictures = np.broadcast_to(numbers.astype(np.uint8)[..., np.newaxis], (num_steps, 1, PIXELS))
    return {"number": numbers, "picture": pictures}


def queue(pattern: Pattern, size: int = 100) -> TableDefinition:
    return TableDefinition.queue("t", size=size, pattern=pattern)


async def drawn(clients: SimpleNamespace, num_items: int) -> Any:
    batches = clients.replay.sample("t", batch_size=num_items, credits=1, timeout_s=10.0)
    batch = await anext(batches)
    await batches.aclose()
    return batch


async def test_columns_that_share_their_steps_come_back_whole(clients: SimpleNamespace) -> None:
    following = dataclasses.replace(PICTURE, path="next_picture")
    await clients.replay.create_table(queue(Pattern(1, 1)))
    numbers = np.arange(11, dtype=np.uint8)[:, np.newaxis, np.newaxis]
    shown = np.ascontiguousarray(np.broadcast_to(numbers, (11, 1, PIXELS)))
    async with clients.replay.writer("t", columns=(following, PICTURE), num_lanes=1) as writer:
        # Eleven pictures, not twenty: three pieces of three steps, then a step alone.
        assert await writer.append({"picture": shown[:-1], "next_picture": shown[1:]}, VERSION) == 4
        assert await writer.append({"picture": shown[:1], "next_picture": shown[1:2]}, VERSION) == 5

    batch = await drawn(clients, 11)
    np.testing.assert_array_equal(batch.columns["picture"][0, :, 77], [*range(10), 0])
    np.testing.assert_array_equal(batch.columns["next_picture"][0, :, 77], [*range(1, 11), 1])
    np.testing.assert_array_equal(batch.columns["next_picture"][0, :, -1], [*range(1, 11), 1])


async def test_windows_priorities_and_ends_go_over_the_pieces_of_a_block(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(3, 1, episode_end=EpisodeEnd.DROP)))
    priorities = np.arange(10.0)[:, np.newaxis]
    async with clients.replay.writer("t", **COLUMNS) as writer:
        sequence = await writer.append(block(0, 10), VERSION, priorities=priorities, lane_ends=[True])
        assert writer.position() == 10
        assert await writer.append(block(10, 3), VERSION, 50.0) == sequence + 1

    # Eight windows of the episode, across the pieces; none reaches over its end.
    batch = await drawn(clients, 9)
    assert sequence == 3
    np.testing.assert_array_equal(batch.columns["number"][0], [*range(8), 10])
    np.testing.assert_array_equal(batch.columns["picture"][2, :, 77], [*range(2, 10), 12])
    np.testing.assert_array_equal(batch.priorities, [*range(2, 10), 50.0])


async def test_steps_are_collected_into_blocks_that_fit_a_message(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(1, 1)))
    async with clients.replay.writer("t", block_steps=50, **COLUMNS) as writer:
        assert writer.block_steps == 7
        for number in range(10):
            await writer.append_step({"number": number, "picture": np.full(PIXELS, number, np.uint8)})

    batch = await drawn(clients, 10)
    np.testing.assert_array_equal(batch.columns["picture"][0, :, 5], np.arange(10))


async def test_a_block_in_pieces_survives_a_service_that_goes_and_comes_back(
    clients: SimpleNamespace, services: Any
) -> None:
    table = TableDefinition("t", Selector.fifo(), Selector.fifo(), RateLimiter.of_min_size(1), 100)
    await clients.replay.create_table(table)
    async with clients.replay.writer("t", **COLUMNS) as writer:
        await services.stop(ServiceRole.REPLAY)
        await writer.append(block(0, 10), VERSION)
        await services.start(ServiceRole.REPLAY)
        await clients.replay.create_table(table)
        await writer.flush(timeout_s=10.0)

    batches = clients.replay.sample("t", batch_size=10, without_replacement=True, timeout_s=10.0)
    batch = await anext(batches)
    await batches.aclose()
    assert (await clients.replay.get_table("t")).num_items == 10
    np.testing.assert_array_equal(batch.columns["number"], [np.arange(10)])


async def test_a_block_that_was_begun_is_taken_whole_when_its_credits_do_not_come(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(1, 1), size=4))
    async with clients.replay.writer("t", **COLUMNS) as writer:
        # The queue takes the first piece alone; four messages may be under way.
        sequence = await writer.append(block(0, 24), VERSION, timeout_s=0.3)
        with pytest.raises(DeadlineExceededError, match="insert waits"):
            await writer.append(block(24, 1), VERSION, timeout_s=0.1)
        assert (sequence, writer.position()) == (6, 24)

        batch = await drawn(clients, 4)
        for _ in range(5):
            batch = await drawn(clients, 4)

    np.testing.assert_array_equal(batch.columns["number"], [[20, 21, 22, 23]])


async def test_pieces_on_both_sides_of_a_restart_come_once(clients: SimpleNamespace, services: Any) -> None:
    table = dataclasses.replace(queue(Pattern(1, 1), size=4), acknowledgement=AcknowledgementLevel.PROCESS)
    await clients.replay.create_table(table)
    async with clients.replay.writer("t", **COLUMNS) as writer:
        await writer.append(block(0, 12), VERSION)
        await _until_holding(clients, 4)

        await services.stop(ServiceRole.REPLAY)
        await services.start(ServiceRole.REPLAY)
        found = [(await drawn(clients, 4)).columns["number"][0] for _ in range(3)]
        await writer.flush(timeout_s=10.0)

    np.testing.assert_array_equal(np.concatenate(found), np.arange(12))
    assert (await clients.replay.get_table("t")).num_items == 0


async def test_a_wait_that_is_given_up_leaves_no_half_of_a_block(services: Any) -> None:
    clients = SimpleNamespace(replay=ReplayClient(services.addresses[ServiceRole.REPLAY]))
    await clients.replay.create_table(queue(Pattern(1, 1), size=4))
    async with clients.replay.writer("t", **COLUMNS) as writer:
        appending = asyncio.create_task(writer.append(block(0, 24), VERSION))
        await _until_holding(clients, 4)

        appending.cancel()
        await asyncio.gather(appending, return_exceptions=True)
        assert writer.position() == 24
        found = [(await drawn(clients, 4)).columns["number"][0] for _ in range(6)]

    np.testing.assert_array_equal(np.concatenate(found), np.arange(24))
    await clients.replay.close()


async def test_a_step_that_no_message_holds_is_refused_by_the_service(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(1, 1)))
    columns = (ColumnSpec("picture", ElementType.UINT8, (9 << 20,)),)

    async def append() -> None:
        async with clients.replay.writer("t", columns=columns, num_lanes=1) as writer:
            await writer.append({"picture": np.zeros((1, 1, 9 << 20), np.uint8)}, VERSION)

    with pytest.raises(MessageTooLargeError):
        await append()


async def _until_holding(clients: SimpleNamespace, num_items: int) -> None:
    async with asyncio.timeout(10):
        while (await clients.replay.get_table("t")).num_items < num_items:  # noqa: ASYNC110 # seen by asking alone
            await asyncio.sleep(0.01)
