"""Blocks beyond a message in a pool: whole, whatever interrupts their writer."""

import asyncio
from contextlib import suppress

import numpy as np

from heronry.client import ConnectionOptions, ReplayBufferPool, ReplayClient
from heronry.types.columns import ColumnSpec
from heronry.types.errors import HeronryError
from heronry.types.tables import RateLimiter
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

VERSION = ParameterVersion(1, 1)
OPTIONS = ConnectionOptions(client_id="tester", timeout_s=5.0, retry_s=1.0, reconnect_s=20.0)
PIXELS = (1 << 20) - 64
# Ten steps exceed a message of 8 MiB; four make a piece of 4 MiB.
COLUMNS = (ColumnSpec("number", ElementType.INT32, ()), ColumnSpec("picture", ElementType.UINT8, (PIXELS,)))
NUM_STEPS = 40


def block() -> dict[str, np.ndarray]:
    numbers = np.arange(NUM_STEPS, dtype=np.int32)[:, np.newaxis]
    return {"number": numbers, "picture": np.zeros((NUM_STEPS, 1, PIXELS), np.uint8)}


async def draw(pool: ReplayBufferPool) -> None:
    """Draw for ever: the limiter lets in as much."""
    while True:
        with suppress(HeronryError):
            _ = [len(batch.keys) async for batch in pool.sample("t", batch_size=4, columns=("number",), timeout_s=1.0)]


async def inserts_of(address: str) -> int:
    async with ReplayClient(address, OPTIONS) as client:
        return (await client.get_table("t")).num_inserts


async def test_a_block_whose_wait_was_given_up_moves_whole_when_its_shard_is_lost(shards, define, until) -> None:
    async with ReplayBufferPool(shards.addresses[:2], OPTIONS, seed=0) as pool:
        limiter = RateLimiter.sample_to_insert_ratio(1.0, 4, 8.0)
        await pool.create_table(define(columns=COLUMNS, rate_limiter=limiter))
        async with pool.writer("t", columns=COLUMNS, num_lanes=1) as writer:
            appending = asyncio.create_task(writer.append(block(), VERSION))
            lost = shards.addresses.index(writer.address)
            async with asyncio.timeout(10):
                while await inserts_of(writer.address) == 0:  # noqa: ASYNC110 # seen by asking alone
                    await asyncio.sleep(0.01)
            appending.cancel()
            await asyncio.gather(appending, return_exceptions=True)
            assert writer.num_unaccepted == 1

            await shards.stop(lost)
            await until(lambda: pool.lost)
            drawing = asyncio.create_task(draw(pool))
            await writer.flush(timeout_s=20.0)
            drawing.cancel()
            await asyncio.gather(drawing, return_exceptions=True)
            assert writer.address == shards.addresses[1 - lost]

        assert await inserts_of(shards.addresses[1 - lost]) == NUM_STEPS
