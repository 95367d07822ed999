"""Buffers of large uploads: a bounded number, in line, used again."""

import asyncio
import gc

import numpy as np
import pytest

from heronry.params.core.buffer_pool import BufferPool
from heronry.params.staging import Staging
from heronry.types.errors import ResourceExhaustedError

LARGE = 2 << 20


async def test_the_next_upload_takes_the_buffer_of_the_last() -> None:
    pool = BufferPool(LARGE)
    staging = Staging(pool, 1, 1.0)
    places = set()

    for _ in range(5):
        async with staging.buffer(LARGE) as buffer:
            places.add(buffer.__array_interface__["data"][0])
            assert (staging.num_open, staging.num_bytes) == (1, LARGE)
        del buffer
        gc.collect()

    assert len(places) == 1
    assert (staging.num_open, staging.num_bytes) == (0, 0)


async def test_an_upload_beyond_the_bound_waits_for_its_turn() -> None:
    staging = Staging(BufferPool(0), 1, 10.0)
    order: list[int] = []

    async def upload(number: int) -> None:
        async with staging.buffer(LARGE):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(upload(number) for number in range(6)))

    assert order == list(range(6))


async def test_whoever_waits_too_long_is_told_what_for() -> None:
    staging = Staging(BufferPool(0), 1, 0.01)

    async with staging.buffer(LARGE):
        with pytest.raises(ResourceExhaustedError, match="max_open_uploads: 1 uploads") as error:
            async with staging.buffer(LARGE):
                pytest.fail("there was no place")

    assert error.value.retry_after_s is not None
    async with staging.buffer(LARGE) as buffer:
        assert buffer.size == LARGE


async def test_an_upload_that_is_given_up_in_line_leaves_its_place_to_others() -> None:
    staging = Staging(BufferPool(0), 1, 10.0)

    async def upload() -> None:
        async with staging.buffer(LARGE):
            pass

    async with staging.buffer(LARGE):
        gone, stays = (asyncio.create_task(upload()) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()

    await asyncio.wait_for(stays, 10)
    assert staging.num_open == 0


async def test_small_uploads_do_not_wait() -> None:
    staging = Staging(BufferPool(0), 1, 0.01)

    async with staging.buffer(LARGE), staging.buffer(1000) as small:
        assert isinstance(small, np.ndarray)
        assert staging.num_open == 1
