from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heronry.types.columns import ColumnSpec
from heronry.types.errors import DeadlineExceededError, InvalidArgumentError
from heronry.types.experience import Run
from heronry.types.patterns import Pattern
from heronry.types.tables import Delivery, RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

VERSION = ParameterVersion(1, 5)
COLUMNS = (ColumnSpec("number", ElementType.INT32, ()),)
QUEUE = TableDefinition.queue("t", size=1000, pattern=Pattern(1, 1))
PRIORITIZED = TableDefinition(
    "t", Selector.prioritized(1.0), Selector.fifo(), RateLimiter.of_min_size(1), 1000, columns=COLUMNS
)


async def fill(clients: SimpleNamespace, table: str, start: int, stop: int) -> None:
    async with clients.replay.writer(table, columns=COLUMNS, num_lanes=1) as writer:
        await writer.append_trajectory({"number": np.arange(start, stop, dtype=np.int32)}, VERSION)


async def test_batches_come_in_order_whatever_travels_ahead(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(QUEUE)
    await fill(clients, "t", 0, 60)

    batches = clients.replay.sample("t", batch_size=3, credits=5, timeout_s=10.0)
    found = [(await anext(batches)).columns["number"].copy() for _ in range(20)]
    await batches.aclose()

    np.testing.assert_array_equal(np.concatenate(found, axis=1), [np.arange(60)])


async def test_finished_leases_are_given_back_though_more_credits_are_left(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(replace(QUEUE, delivery=Delivery.AT_LEAST_ONCE))
    await fill(clients, "t", 0, 4)
    batches = clients.replay.sample("t", batch_size=2, credits=8, timeout_s=0.3)
    for _ in range(2):
        await anext(batches)
    with pytest.raises(DeadlineExceededError):
        await anext(batches)
    await batches.aclose()

    again = clients.replay.sample("t", batch_size=1, credits=1, timeout_s=0.3)
    with pytest.raises(DeadlineExceededError):
        await anext(again)


async def test_a_lease_that_was_not_given_back_is_served_again(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(replace(QUEUE, delivery=Delivery.AT_LEAST_ONCE))
    await fill(clients, "t", 0, 2)
    batches = clients.replay.sample("t", batch_size=2, timeout_s=5.0)
    await anext(batches)
    await batches.aclose()

    again = clients.replay.sample("t", batch_size=2, timeout_s=5.0)
    batch = await anext(again)
    await again.aclose()

    np.testing.assert_array_equal(batch.columns["number"], [[0, 1]])


async def test_a_batch_of_several_tables_says_where_its_items_come_from(clients: SimpleNamespace) -> None:
    # 300 items with weights 1 : 3: outside 6 standard deviations in less than one of 10^8 runs.
    for name, start in (("a", 0), ("b", 1000)):
        await clients.replay.create_table(replace(PRIORITIZED, table=name, sampler=Selector.uniform(), seed=7))
        await fill(clients, name, start, start + 50)

    batches = clients.replay.sample({"a": 1.0, "b": 3.0}, batch_size=300, timeout_s=5.0)
    batch = await anext(batches)
    await batches.aclose()

    assert batch.tables is not None
    np.testing.assert_array_equal(batch.columns["number"][0] >= 1000, batch.tables == 1)
    assert abs(int(batch.tables.sum()) - 225) < 6 * np.sqrt(300 * 0.25 * 0.75)


async def test_without_replacement_no_item_comes_twice(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(PRIORITIZED)
    await fill(clients, "t", 0, 30)

    batches = clients.replay.sample("t", batch_size=30, without_replacement=True, timeout_s=5.0)
    batch = await anext(batches)
    await batches.aclose()

    assert sorted(batch.columns["number"][0].tolist()) == list(range(30))


async def test_independent_draws_are_allowed_too(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(PRIORITIZED)
    await fill(clients, "t", 0, 30)

    batches = clients.replay.sample("t", batch_size=64, independent=True, timeout_s=5.0)
    batch = await anext(batches)
    await batches.aclose()

    np.testing.assert_allclose(batch.probabilities, 1 / 30)
    np.testing.assert_allclose(batch.importance_weights(0.5), 1.0)


async def test_ages_count_the_items_inserted_since(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(QUEUE)
    await fill(clients, "t", 0, 3)

    batches = clients.replay.sample("t", batch_size=3, credits=1, timeout_s=5.0)
    batch = await anext(batches)
    await batches.aclose()

    assert batch.ages is not None
    np.testing.assert_array_equal(np.diff(batch.ages.astype(np.int64)), [-1, -1])


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"table": {}}, "table"),
        ({"table": {"t": -1.0}}, "table['t']"),
        ({"columns": "number"}, "columns"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
async def test_a_reader_that_cannot_be_is_refused_by_field(
    clients: SimpleNamespace, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await anext(clients.replay.sample(**({"table": "t", "batch_size": 1} | arguments)))

    assert caught.value.details["field"] == field


async def test_what_was_exported_can_be_imported(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(PRIORITIZED)
    await clients.replay.create_table(replace(PRIORITIZED, table="copy"))
    await fill(clients, "t", 0, 40)

    runs = [run async for run in clients.replay.export("t")]
    done = await clients.replay.import_runs("copy", runs)
    copied = [run async for run in clients.replay.export("copy")]

    assert (done.num_items, done.num_steps) == (40, 40)
    assert numbers_of(copied) == numbers_of(runs) == list(range(40))
    np.testing.assert_array_equal(
        np.concatenate([run.items.behaviour_numbers for run in copied]), np.full(40, VERSION.number)
    )


async def test_an_export_can_be_cut_short(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(PRIORITIZED)
    await fill(clients, "t", 0, 40)

    runs = [run async for run in clients.replay.export("t", max_items=10)]

    assert sum(len(run.items) for run in runs) == 10


async def test_an_import_of_something_else_is_refused(clients: SimpleNamespace) -> None:
    await clients.replay.create_table(PRIORITIZED)

    with pytest.raises(InvalidArgumentError, match="runs"):
        await clients.replay.import_runs("t", [{"number": 1}])


def numbers_of(runs: list[Run]) -> list[int]:
    return [int(run.columns["number"][start]) for run in runs for start in run.items.starts]
