"""Batches of a pool are those of one big table."""

import asyncio
from contextlib import aclosing
from itertools import pairwise

import numpy as np
import pytest

from heronry.client import ReplayBufferPool
from heronry.types.errors import ConfigurationError, DeadlineExceededError, TableNotFoundError, UnavailableError
from heronry.types.tables import RateLimiter, Selector

# The quantile of chi-square with k degrees of freedom that is exceeded once in 10,000 (Wilson and Hilferty 1931).
_Z = 3.719


def chi_square_bound(degrees: int) -> float:
    spread = 2 / (9 * degrees)
    return degrees * (1 - spread + _Z * spread**0.5) ** 3


async def test_draws_have_the_frequencies_of_one_big_table(pool: ReplayBufferPool, define, fill) -> None:
    """False alarms: 1 in 10,000, seeds fixed."""
    alpha, sizes = 0.6, (20, 7, 40)
    priorities = np.arange(1.0, sum(sizes) + 1)
    await pool.create_table(define(sampler=Selector.prioritized(alpha)))
    borders = np.cumsum((0, *sizes))
    addresses = set()
    for start, stop in pairwise(borders.tolist()):
        addresses.add(await fill(pool, range(start, stop), priorities=priorities[start:stop]))
    assert len(addresses) == 3
    weights = priorities**alpha
    expected = weights / weights.sum()

    counts = np.zeros(sum(sizes))
    async with aclosing(pool.sample("t", batch_size=256, timeout_s=10)) as batches:
        for _ in range(80):
            batch = await anext(batches)
            values = batch.columns["step"].reshape(-1)
            np.add.at(counts, values, 1)
            # The probability that the item was drawn with, over all shards.
            np.testing.assert_allclose(batch.probabilities, expected[values], rtol=1e-5)
            assert batch.table_size == sum(sizes)
            assert batch.batch_size == 256
            assert len(set(batch.keys.tolist())) == len(set(values.tolist()))

    draws = counts.sum()
    statistic = float(((counts - draws * expected) ** 2 / (draws * expected)).sum())
    assert statistic < chi_square_bound(len(expected) - 1)


async def test_importance_weights_are_those_of_one_big_table(pool: ReplayBufferPool, define, fill) -> None:
    await pool.create_table(define(sampler=Selector.prioritized(1.0)))
    for values in ([1, 2], [3], [4, 5, 6]):
        await fill(pool, values, priorities=values)

    async with aclosing(pool.sample("t", batch_size=64, timeout_s=10)) as batches:
        batch = await anext(batches)

    priorities = batch.columns["step"].reshape(-1).astype(np.float64)
    expected = (6 * priorities / 21) ** -0.5
    np.testing.assert_allclose(batch.importance_weights(0.5), expected / expected.max(), rtol=1e-5)


async def test_updates_and_deletes_go_where_their_keys_say(pool: ReplayBufferPool, define, fill) -> None:
    await pool.create_table(define(sampler=Selector.prioritized(1.0)))
    for number in range(3):
        await fill(pool, range(10 * number, 10 * number + 10))
    keys = await keys_of(pool, 30)

    applied = await pool.update_priorities("t", keys, np.where(np.arange(30) == 17, 5.0, 0.0))

    assert applied == (30, 0)
    async with aclosing(pool.sample("t", batch_size=20, timeout_s=10)) as batches:
        for _ in range(10):
            # Draws from before the update may still be on their way.
            batch = await anext(batches)
        assert set(batch.columns["step"].reshape(-1).tolist()) == {17}
    async with pool.priority_updates("t") as updates:
        await updates.update(keys, np.ones(30))
        await updates.update(np.array([keys[0] + (1 << 30), 77 << 52], np.uint64), np.ones(2))
        assert await updates.flush(timeout_s=5) == (30, 2)
    assert await pool.delete("t", keys[::2]) == (15, 0)
    assert await pool.delete("t", keys) == (15, 15)
    assert (await pool.get_table("t")).num_items == 0


async def keys_of(pool: ReplayBufferPool, num_items: int) -> np.ndarray:
    """The keys of all items, in the order of their values."""
    found: dict[int, int] = {}
    async with aclosing(pool.sample("t", batch_size=64, timeout_s=10)) as batches:
        while len(found) < num_items:
            batch = await anext(batches)
            found.update(zip(batch.columns["step"].reshape(-1).tolist(), batch.keys.tolist(), strict=True))
    return np.array([found[value] for value in sorted(found)], np.uint64)


async def test_sampling_begins_with_the_shards_that_hold_their_share(pool: ReplayBufferPool, define, fill) -> None:
    await pool.create_table(define(rate_limiter=RateLimiter.of_min_size(30)))
    await fill(pool, range(9))

    async with aclosing(pool.sample("t", batch_size=4, timeout_s=0.3)) as batches:
        with pytest.raises(DeadlineExceededError, match=r"Sample of table 't': nothing came for 0.3 s \(127\.0\.0\.1"):
            await anext(batches)
    async with aclosing(pool.sample("t", batch_size=4, timeout_s=10)) as batches:
        coming = asyncio.ensure_future(anext(batches))
        await fill(pool, range(100, 120))

        batch = await coming

    assert set(batch.columns["step"].reshape(-1).tolist()) <= set(range(100, 120))


async def test_a_limiter_s_ratio_holds_over_all_shards(pool: ReplayBufferPool, define, fill) -> None:
    await pool.create_table(define(rate_limiter=RateLimiter.sample_to_insert_ratio(1.0, 3, 60.0)))
    for number in range(3):
        await fill(pool, range(10 * number, 10 * number + 10))

    num_drawn = await drawn_until_held_back(pool)

    info = await pool.get_table("t")
    # Samples may exceed inserts by what the lower bound allows: min_diff is 3 - 60 over all.
    assert num_drawn <= info.num_samples <= info.num_inserts + 57


async def drawn_until_held_back(pool: ReplayBufferPool) -> int:
    num_drawn = 0
    try:
        async for batch in pool.sample("t", batch_size=3, credits=1, timeout_s=0.7):
            num_drawn += batch.batch_size
    except DeadlineExceededError:
        return num_drawn
    raise AssertionError("nothing held it back")


async def test_mistakes_are_named(pool: ReplayBufferPool, twin_shards, define) -> None:
    with pytest.raises(TableNotFoundError, match="no table 'nope'"):
        await pool.get_table("nope")
    with pytest.raises(TableNotFoundError):
        await anext(pool.sample("nope", batch_size=1))

    async with ReplayBufferPool(twin_shards) as twins:
        with pytest.raises(ConfigurationError, match="shard: got 5, allowed: a number of its own for each service"):
            await twins.create_table(define())
    with pytest.raises(UnavailableError, match=r"no shard answers: 127\.0\.0\.1:1: "):
        await ReplayBufferPool(["127.0.0.1:1"]).__aenter__()
