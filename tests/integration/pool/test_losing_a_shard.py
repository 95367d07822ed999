"""A shard is stopped and started again while writing and sampling go on."""

from contextlib import aclosing

import numpy as np

from heronry.client import ReplayBufferPool
from heronry.types.tables import Selector
from heronry.types.version import ParameterVersion

VERSION = ParameterVersion(1, 1)


async def values_of(batches, num_batches: int = 200) -> set[int]:
    """Values of some batches, those that were under way before left out.

    6,400 draws miss one of 300 equal values with a probability of 300 * (1 - 1/300) ** 6400 < 1e-6.
    """
    seen: set[int] = set()
    for number in range(num_batches + 10):
        batch = await anext(batches)
        if number >= 10:
            seen |= set(batch.columns["step"].reshape(-1).tolist())
    return seen


async def fill_all(pool: ReplayBufferPool, fill) -> list[range]:
    """Fill each shard, in the order of the addresses, with a hundred values of its own."""
    filled: dict[str, range] = {}
    for number in range(3):
        values = range(100 * number, 100 * number + 100)
        filled[await fill(pool, values)] = values
    return [filled[address] for address in await pool.shard_tables("t")]


async def test_sampling_goes_on_with_the_others(pool: ReplayBufferPool, shards, define, fill, until) -> None:
    await pool.create_table(define())
    held = await fill_all(pool, fill)
    async with aclosing(pool.sample("t", batch_size=32, timeout_s=10)) as batches:
        assert await values_of(batches) == set(range(300))

        await shards.stop(1)
        await until(lambda: pool.lost)

        assert list(pool.lost) == [shards.addresses[1]]
        assert await values_of(batches) == {*held[0], *held[2]}
        batch = await anext(batches)
        assert batch.table_size == 200
        np.testing.assert_allclose(batch.probabilities, 1 / 200)

        await shards.start(1)
        await until(lambda: not pool.lost)

        # In memory nothing outlives a service; the pool has declared the table there again.
        tables = await pool.shard_tables("t")
        assert [info.num_items for info in tables.values()] == [100, 0, 100]
        assert await values_of(batches, 10) <= {*held[0], *held[2]}
        assert await fill(pool, range(1000, 1010), writer_id=None) == shards.addresses[1]
        seen: set[int] = set()
        while not seen & set(range(1000, 1010)):
            seen |= set((await anext(batches)).columns["step"].reshape(-1).tolist())


async def test_a_durable_shard_comes_back_with_its_items(
    pool: ReplayBufferPool, shards, define, fill, until, process_level
) -> None:
    await pool.create_table(define(acknowledgement=process_level))
    await fill_all(pool, fill)
    async with aclosing(pool.sample("t", batch_size=32, timeout_s=10)) as batches:
        await shards.stop(2)
        await until(lambda: pool.lost)
        await values_of(batches, 5)
        await shards.start(2)
        await until(lambda: not pool.lost)

        assert await values_of(batches) == set(range(300))
    assert (await pool.get_table("t")).num_items == 300


async def test_a_writer_moves_and_loses_nothing(pool: ReplayBufferPool, shards, define, until) -> None:
    await pool.create_table(define())
    async with pool.writer("t", columns=pool_columns(), num_lanes=1, block_steps=5) as writer:
        first = writer.address
        for value in range(12):
            await writer.append_step({"step": value}, behaviour_version=VERSION)
        await writer.flush(timeout_s=5)

        await shards.stop(shards.addresses.index(first))
        for value in range(100, 131):
            await writer.append_step({"step": value}, timeout_s=10)
        await writer.flush(timeout_s=10)

        assert writer.address != first
        assert writer.num_unaccepted == 0
    assert (await pool.get_table("t")).num_items == 31
    async with aclosing(pool.sample("t", batch_size=64, timeout_s=10)) as batches:
        assert await values_of(batches) == set(range(100, 131))


async def test_a_named_writer_comes_to_the_same_shard_each_time(pool: ReplayBufferPool, define, fill) -> None:
    await pool.create_table(define())

    places = {
        name: {await fill(pool, [1], writer_id=name) for _ in range(3)} for name in ("a", "b", "c", "d", "e", "f")
    }

    assert all(len(place) == 1 for place in places.values())
    assert len(set.union(*places.values())) > 1


async def test_updates_for_a_lost_shard_are_counted_as_ignored(
    pool: ReplayBufferPool, shards, define, fill, until
) -> None:
    await pool.create_table(define(sampler=Selector.prioritized(1.0)))
    await fill_all(pool, fill)
    keys: dict[int, int] = {}
    async with aclosing(pool.sample("t", batch_size=64, timeout_s=10)) as batches:
        while len(keys) < 300:
            batch = await anext(batches)
            keys.update(zip(batch.columns["step"].reshape(-1).tolist(), batch.keys.tolist(), strict=True))
    all_keys = np.array(sorted(keys.values()), np.uint64)

    async with pool.priority_updates("t") as updates:
        await updates.update(all_keys, np.ones(300))
        assert await updates.flush(timeout_s=5) == (300, 0)
        await shards.stop(0)
        await until(lambda: pool.lost)
        await updates.update(all_keys, np.ones(300))

        assert (await updates.flush(timeout_s=5))[0] >= 200
    assert await pool.update_priorities("t", all_keys, np.ones(300)) == (200, 100)


def pool_columns():
    from heronry.types.columns import ColumnSpec
    from heronry.types.tensors import ElementType

    return (ColumnSpec("step", ElementType.INT64, ()),)
