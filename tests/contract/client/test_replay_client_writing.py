from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heronry.types.columns import ColumnSpec
from heronry.types.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    SchemaMismatchError,
    UnavailableError,
)
from heronry.types.experience import Batch
from heronry.types.patterns import EpisodeEnd, Pattern
from heronry.types.run import ServiceRole
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

VERSION = ParameterVersion(1, 5)
COLUMNS = (ColumnSpec("observation", ElementType.FLOAT32, (2,)), ColumnSpec("number", ElementType.INT32, ()))
ONE_LANE: Any = {"columns": COLUMNS, "num_lanes": 1}
TWO_LANES: Any = {"columns": COLUMNS, "num_lanes": 2}


def queue(pattern: Pattern, size: int = 1000) -> TableDefinition:
    return TableDefinition.queue("t", size=size, pattern=pattern)


def step(number: int) -> dict[str, Any]:
    return {"observation": np.full(2, number, np.float32), "number": number}


async def drawn(clients: SimpleNamespace, num_items: int) -> Batch:
    batches = clients.replay.sample("t", batch_size=num_items, credits=1, timeout_s=10.0)
    batch: Batch = await anext(batches)
    await batches.aclose()
    return batch


async def test_single_steps_become_items_in_their_order(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(1, 1)))
    async with clients.replay.writer("t", block_steps=4, **ONE_LANE) as writer:
        for number in range(10):
            await writer.append_step(step(number), behaviour_version=VERSION)
        assert writer.position() == 10
        await writer.flush()
        batch = await drawn(clients, 10)

    np.testing.assert_array_equal(batch.columns["number"], [np.arange(10)])
    np.testing.assert_array_equal(batch.columns["observation"][0, :, 1], np.arange(10))
    np.testing.assert_array_equal(batch.versions, [[1, 5]] * 10)


async def test_a_step_is_sent_after_a_while_though_its_block_is_not_full(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(1, 1)))
    async with clients.replay.writer("t", **ONE_LANE) as writer:
        await writer.append_step(step(3))
        assert writer.num_unaccepted == 1

        batch = await drawn(clients, 1)

    assert batch.columns["number"].item() == 3


async def test_leaving_the_writer_sends_what_was_collected(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(1, 1)))
    async with clients.replay.writer("t", **ONE_LANE) as writer:
        for number in range(3):
            await writer.append_step(step(number))

    assert (await clients.replay.get_table("t")).num_items == 3


async def test_steps_of_a_new_version_go_into_a_block_of_their_own(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(1, 1)))
    async with clients.replay.writer("t", **ONE_LANE) as writer:
        await writer.append_step(step(0), behaviour_version=ParameterVersion(1, 1))
        await writer.append_step(step(1), behaviour_version=ParameterVersion(1, 2))
        await writer.append_step(step(2))

    np.testing.assert_array_equal((await drawn(clients, 3)).behaviour_numbers, [1, 2, 2])


async def test_an_end_that_is_told_stops_windows(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(3, 1, episode_end=EpisodeEnd.DROP)))
    async with clients.replay.writer("t", **ONE_LANE) as writer:
        for number in range(8):
            await writer.append_step(step(number), end=number == 3)

    batch = await drawn(clients, 4)
    np.testing.assert_array_equal(batch.columns["number"][0], [0, 1, 4, 5])


async def test_priorities_go_to_the_items_whose_last_step_they_came_with(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(2, 1)))
    async with clients.replay.writer("t", **ONE_LANE) as writer:
        for number in range(4):
            await writer.append_step(step(number), priority=10.0 * number)

    batch = await drawn(clients, 3)
    np.testing.assert_array_equal(batch.priorities, [10.0, 20.0, 30.0])


async def test_a_step_of_all_lanes_is_one_row_of_each(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(2, 2)))
    async with clients.replay.writer("t", **TWO_LANES) as writer:
        for number in range(2):
            steps = {
                "observation": np.zeros((2, 2), np.float32),
                "number": np.array([number, 100 + number], np.int32),
            }
            await writer.append_batch(steps, behaviour_version=VERSION, priorities=[1.0 + number, 5.0 + number])

    batch = await drawn(clients, 2)
    np.testing.assert_array_equal(batch.columns["number"], [[0, 100], [1, 101]])
    np.testing.assert_array_equal(batch.priorities, [2.0, 6.0])


async def test_lanes_may_give_their_steps_one_by_one(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(1, 1)))
    async with clients.replay.writer("t", **TWO_LANES) as writer:
        for lane in (1, 0):
            await writer.append_step(step(lane), lane=lane)
        assert [writer.position(lane) for lane in range(2)] == [1, 1]
        with pytest.raises(InvalidArgumentError, match="lane"):
            await writer.append_step(step(0))

    np.testing.assert_array_equal((await drawn(clients, 2)).columns["number"], [[0, 1]])


async def test_a_trajectory_is_an_episode_of_its_own(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(4, 4, episode_end=EpisodeEnd.SHORTEN)))
    episode = {"observation": np.zeros((6, 2), np.float32), "number": np.arange(6, dtype=np.int32)}
    async with clients.replay.writer("t", block_steps=4, **ONE_LANE) as writer:
        assert await writer.append_trajectory(episode, VERSION) == 2
        assert await writer.append_trajectory(episode, VERSION) == 4

    batch = await drawn(clients, 4)
    assert batch.lengths is not None
    np.testing.assert_array_equal(batch.lengths, [4, 2, 4, 2])
    np.testing.assert_array_equal(batch.columns["number"][0], [0, 4, 0, 4])
    np.testing.assert_array_equal(batch.mask[:, 1], [True, True, False, False])


async def test_a_trajectory_of_several_lanes_is_refused(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(1, 1)))
    async with clients.replay.writer("t", **TWO_LANES) as writer:
        with pytest.raises(InvalidArgumentError, match="num_lanes"):
            await writer.append_trajectory({}, VERSION)


async def test_items_can_be_made_over_any_slice(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(4, 0)))
    async with clients.replay.writer("t", **ONE_LANE) as writer:
        for number in range(6):
            await writer.append_step(step(number))
        end = writer.position()
        await writer.create_items([0, 0], [end - 4, end - 2], [4, 2], [3.0, 4.0])

        with pytest.raises(InvalidArgumentError, match="starts"):
            await writer.create_items([0], [end - 1], [2])

    batch = await drawn(clients, 2)
    assert batch.lengths is not None
    np.testing.assert_array_equal(batch.lengths, [4, 2])
    np.testing.assert_array_equal(batch.columns["number"][0], [2, 4])
    np.testing.assert_array_equal(batch.priorities, [3.0, 4.0])


async def test_a_block_may_carry_priorities_and_ends(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(2, 1, episode_end=EpisodeEnd.DROP)))
    block = {"observation": np.zeros((2, 1, 2), np.float32), "number": np.array([[0], [1]], np.int32)}
    async with clients.replay.writer("t", **ONE_LANE) as writer:
        await writer.append(block, VERSION, priorities=[[0.0], [7.0]], lane_ends=[True])
        await writer.append(block, VERSION, 8.0)

        with pytest.raises(InvalidArgumentError, match="priority"):
            await writer.append(block, VERSION, float("nan"))
        with pytest.raises(InvalidArgumentError, match="lane_ends"):
            await writer.append(block, VERSION, lane_ends=[True, False])

    np.testing.assert_array_equal((await drawn(clients, 2)).priorities, [7.0, 8.0])


async def test_a_step_that_waits_in_vain_was_not_taken(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(1, 1), size=4))
    writer = clients.replay.writer("t", block_steps=2, **ONE_LANE)
    num_taken = 0

    async def fill() -> None:
        nonlocal num_taken
        async with writer:
            while True:
                await writer.append_step(step(num_taken), timeout_s=0.3)
                num_taken += 1

    with pytest.raises(DeadlineExceededError, match="insert waits"):
        await fill()

    assert writer.position() == num_taken
    assert writer.waiting.side == "insert"


async def test_steps_survive_a_service_that_goes_and_comes_back(clients: SimpleNamespace, services: Any) -> None:
    table = TableDefinition("t", Selector.fifo(), Selector.fifo(), RateLimiter.of_min_size(1), 1000)
    await clients.replay.create_table(table)
    async with clients.replay.writer("t", block_steps=3, **ONE_LANE) as writer:
        await services.stop(ServiceRole.REPLAY)
        for number in range(7):
            await writer.append_step(step(number))
        await services.start(ServiceRole.REPLAY)
        await clients.replay.create_table(table)
        await writer.flush(timeout_s=10.0)

    assert (await clients.replay.get_table("t")).num_items == 7


async def test_a_writer_that_was_closed_takes_no_more(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(queue(Pattern(1, 1)))
    async with clients.replay.writer("t", **ONE_LANE) as writer:
        await writer.append_step(step(0))

    with pytest.raises(UnavailableError, match="closed"):
        await writer.append_step(step(1))


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"step": {"number": 1}}, "step"),
        ({"step": {"number": 1, "observation": np.zeros(3)}}, "step.observation.shape"),
        ({"step": {"number": 1.5, "observation": np.zeros(2)}}, "step.number.element_type"),
        ({"step": step(1), "priority": -1.0}, "priority"),
        ({"step": step(1), "lane": 1}, "lane"),
        ({"step": step(1), "behaviour_version": 3}, "behaviour_version"),
    ],
)
async def test_a_step_that_cannot_be_is_refused_by_field(
    clients: SimpleNamespace, arguments: dict[str, Any], field: str
) -> None:
    await clients.replay.create_table(queue(Pattern(1, 1)))
    async with clients.replay.writer("t", **ONE_LANE) as writer:
        with pytest.raises((InvalidArgumentError, SchemaMismatchError)) as caught:
            await writer.append_step(**arguments)

    assert caught.value.details["field"] == field
    assert (await clients.replay.get_table("t")).num_items == 0
