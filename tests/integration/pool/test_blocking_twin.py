"""The blocking pool, called from a thread that has no loop."""

import asyncio

import numpy as np

from heronry.client import sync
from heronry.types.columns import ColumnSpec
from heronry.types.tables import Selector
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

STEP = ColumnSpec("step", ElementType.INT64, ())


async def test_the_blocking_pool_writes_samples_and_updates(shards, define) -> None:
    await asyncio.to_thread(use_a_pool, shards.addresses, define(sampler=Selector.prioritized(1.0)))


def use_a_pool(addresses: list[str], definition) -> None:
    with sync.ReplayBufferPool(addresses, seed=0) as pool:
        assert pool.create_table(definition)
        assert not pool.create_table(definition)
        assert (pool.num_shards, pool.lost) == (3, {})
        for number in range(3):
            with pool.writer("t", columns=(STEP,), num_lanes=2) as writer:
                writer.append({"step": np.arange(10).reshape(5, 2) + 10 * number}, ParameterVersion(1, 1))
                writer.append_batch({"step": np.array([100, 101])}, behaviour_version=ParameterVersion(1, 1))
                writer.flush()
        batches = pool.sample("t", batch_size=32, timeout_s=10)
        batch = next(batches)
        batches.close()

        assert batch.table_size == 36
        assert pool.update_priorities("t", batch.keys, np.ones(32)) == (32, 0)
        with pool.priority_updates("t") as updates:
            updates.update(batch.keys, np.full(32, 2.0))
            assert updates.flush() == (32, 0)
        assert pool.balance_buffers("t") == 0
        assert pool.get_table("t").num_items == 36
        assert len(pool.shard_tables("t")) == 3
        assert pool.delete("t", np.unique(batch.keys)) == (len(np.unique(batch.keys)), 0)
        assert pool.reset("t") == 36 - len(np.unique(batch.keys))
