from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError, TableNotFoundError, UnavailableError
from heronry.types.run import ServiceRole
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

VERSION = ParameterVersion(1, 5)
COLUMNS = (ColumnSpec("number", ElementType.INT32, ()),)
TABLE = TableDefinition(
    "t", Selector.prioritized(1.0), Selector.fifo(), RateLimiter.of_min_size(1), 100, columns=COLUMNS
)


async def keys_of(clients: SimpleNamespace, num_items: int) -> np.ndarray:
    """Fill the table anew and return the keys of its items."""
    await clients.replay.create_table(TABLE)
    async with clients.replay.writer("t", columns=COLUMNS, num_lanes=1) as writer:
        await writer.append_trajectory({"number": np.arange(num_items, dtype=np.int32)}, VERSION)
    return (await sampled(clients, num_items)).keys


async def sampled(clients: SimpleNamespace, num_items: int) -> Any:
    batches = clients.replay.sample("t", batch_size=num_items, without_replacement=True, credits=1, timeout_s=5.0)
    batch = await anext(batches)
    await batches.aclose()
    return batch


async def test_updates_of_a_stream_are_applied_in_order_and_counted(clients: SimpleNamespace) -> None:
    keys = await keys_of(clients, 8)

    async with clients.replay.priority_updates("t") as updates:
        for priority in (5.0, 3.0):
            await updates.update(keys, np.full(8, priority))
        await updates.update(np.array([12345], np.uint64), np.ones(1))
        assert await updates.flush() == (16, 1)
        assert updates.num_pending == 0

    np.testing.assert_array_equal((await sampled(clients, 8)).priorities, np.full(8, 3.0))


async def test_arrays_may_be_reused_once_they_are_queued(clients: SimpleNamespace) -> None:
    keys = await keys_of(clients, 4)
    priorities = np.full(4, 2.0)

    async with clients.replay.priority_updates("t") as updates:
        await updates.update(keys, priorities)
        priorities[:] = 9.0

    np.testing.assert_array_equal((await sampled(clients, 4)).priorities, np.full(4, 2.0))


async def test_many_updates_are_all_acknowledged(clients: SimpleNamespace) -> None:
    keys = np.tile(await keys_of(clients, 10), 10_000)

    async with clients.replay.priority_updates("t") as updates:
        for _ in range(5):
            await updates.update(keys, np.ones(len(keys)))
        assert await updates.flush() == (500_000, 0)


async def test_updates_go_on_when_the_service_comes_back(clients: SimpleNamespace, services: Any) -> None:
    keys = await keys_of(clients, 4)
    async with clients.replay.priority_updates("t") as updates:
        await updates.update(keys, np.full(4, 2.0))
        assert await updates.flush() == (4, 0)

        await services.stop(ServiceRole.REPLAY)
        await updates.update(keys, np.full(4, 3.0))
        await services.start(ServiceRole.REPLAY)
        await clients.replay.create_table(TABLE)

        # The service came back without its items: all keys of the second call are gone.
        assert await updates.flush(timeout_s=10.0) == (4, 4)


@pytest.mark.parametrize(
    ("keys", "priorities", "field"),
    [
        (np.arange(2, dtype=np.uint64), np.array([1.0, np.nan]), "priorities[1]"),
        (np.arange(2, dtype=np.uint64), np.array([-1.0, 1.0]), "priorities[0]"),
        (np.arange(2, dtype=np.uint64), np.ones(3), "priorities"),
        (np.ones(2), np.ones(2), "keys"),
    ],
)
async def test_updates_that_cannot_be_are_refused_by_field(
    clients: SimpleNamespace, keys: np.ndarray, priorities: np.ndarray, field: str
) -> None:
    await clients.replay.create_table(TABLE)

    async with clients.replay.priority_updates("t") as updates:
        with pytest.raises(InvalidArgumentError) as streamed:
            await updates.update(keys, priorities)
    with pytest.raises(InvalidArgumentError) as called:
        await clients.replay.update_priorities("t", keys, priorities)

    assert streamed.value.details["field"] == called.value.details["field"] == field


async def test_updates_of_an_unknown_table_name_it(clients: SimpleNamespace) -> None:
    async def update() -> None:
        async with clients.replay.priority_updates("none") as updates:
            await updates.update(np.ones(1, np.uint64), np.ones(1))

    with pytest.raises(TableNotFoundError, match="'none'"):
        await update()


async def test_updates_that_were_closed_take_no_more(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(TABLE)
    async with clients.replay.priority_updates("t") as updates:
        assert await updates.flush() == (0, 0)

    with pytest.raises(UnavailableError, match="closed"):
        await updates.update(np.ones(1, np.uint64), np.ones(1))


async def test_alpha_can_be_changed_on_a_live_table(clients: SimpleNamespace) -> None:
    keys = await keys_of(clients, 2)
    await clients.replay.update_priorities("t", np.sort(keys), np.array([1.0, 4.0]))

    info = await clients.replay.set_priority_exponent("t", 0.5)

    assert info.definition.sampler.priority_exponent == 0.5
    batch = await sampled(clients, 2)
    np.testing.assert_allclose(np.sort(batch.probabilities), [1 / 3, 2 / 3])
    with pytest.raises(InvalidArgumentError, match="priority_exponent"):
        await clients.replay.set_priority_exponent("t", -1.0)


async def test_a_deleted_table_is_gone(clients: SimpleNamespace) -> None:
    await keys_of(clients, 3)

    assert await clients.replay.delete_table("t") == 3
    with pytest.raises(TableNotFoundError):
        await clients.replay.get_table("t")
