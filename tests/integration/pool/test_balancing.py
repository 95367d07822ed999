"""Items move from full shards to empty ones, with all that is known of them."""

from contextlib import aclosing

import numpy as np
import pytest

from heronry.client import ReplayBufferPool
from heronry.client.balancing import move_items
from heronry.types.errors import InvalidArgumentError, UnavailableError
from heronry.types.tables import Selector


async def contents(pool: ReplayBufferPool) -> dict[int, list[float]]:
    """Priorities of all items by value, over all shards."""
    found: dict[int, list[float]] = {}
    for shard in pool._shards:
        async with aclosing(shard.client.export("t")) as runs:
            async for run in runs:
                for start, priority in zip(run.items.starts.tolist(), run.items.priorities.tolist(), strict=True):
                    found.setdefault(int(run.columns["step"][start]), []).append(priority)
    return found


async def test_shards_hold_the_same_number_afterwards(pool: ReplayBufferPool, define, fill) -> None:
    await pool.create_table(define(sampler=Selector.prioritized(0.6)))
    priorities = np.linspace(0.5, 2.0, 900)
    await fill(pool, range(700), priorities=priorities[:700], writer_id="a")
    await fill(pool, range(700, 900), priorities=priorities[700:])
    before = await contents(pool)

    moved = await pool.balance_buffers("t", tolerance=0.10)

    sizes = [info.num_items for info in (await pool.shard_tables("t")).values()]
    assert sum(sizes) == 900
    assert max(sizes) - min(sizes) <= 30
    assert moved >= 370
    assert await contents(pool) == before
    assert await pool.balance_buffers("t") == 0


async def test_a_move_that_dies_before_the_delete_loses_nothing(
    pool: ReplayBufferPool, define, fill, monkeypatch
) -> None:
    await pool.create_table(define())
    address = await fill(pool, range(90), writer_id="a")
    source = next(shard for shard in pool._shards if shard.address == address)
    target = next(shard for shard in pool._shards if shard.address != address)

    async def dies(table: str, keys: np.ndarray) -> tuple[int, int]:
        raise UnavailableError("gone")

    monkeypatch.setattr(source.client, "delete", dies)
    with pytest.raises(UnavailableError):
        await move_items("t", source, target, 30)

    found = await contents(pool)
    assert sorted(found) == list(range(90))
    assert sorted(len(copies) for copies in found.values()) == [1] * 60 + [2] * 30


async def test_a_tolerance_out_of_range_is_refused(pool: ReplayBufferPool, define) -> None:
    await pool.create_table(define())

    with pytest.raises(InvalidArgumentError, match="tolerance: got 0"):
        await pool.balance_buffers("t", tolerance=0.0)
