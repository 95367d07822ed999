import asyncio

import pytest

from heronry.client.feed import Feed, FeedOverError
from heronry.types.errors import DeadlineExceededError, UnavailableError


async def test_items_come_in_order_and_then_the_failure() -> None:
    feed: Feed[int] = Feed()

    async def receive() -> None:
        feed.put(1)
        feed.put(2)
        raise UnavailableError("gone")

    feed.start(receive())

    assert [await feed.take("x"), await feed.take("x")] == [1, 2]
    with pytest.raises(UnavailableError, match="gone"):
        await feed.take("x")


async def test_a_finished_task_ends_the_feed_after_its_items() -> None:
    feed: Feed[int] = Feed()

    async def receive() -> None:
        feed.put(1)

    feed.start(receive())

    assert await feed.take("x") == 1
    with pytest.raises(FeedOverError):
        await feed.take("x")


async def test_newest_only_skips_what_was_not_taken() -> None:
    feed: Feed[int] = Feed(newest_only=True)

    async def receive() -> None:
        for number in range(5):
            feed.put(number)
        await asyncio.Event().wait()

    feed.start(receive())
    await asyncio.sleep(0)

    assert await feed.take("x") == 4
    await feed.stop()


async def test_waiting_has_a_deadline_that_says_what_for() -> None:
    feed: Feed[int] = Feed()
    feed.start(asyncio.Event().wait())  # type: ignore[arg-type]  # its result is not looked at

    with pytest.raises(DeadlineExceededError, match="batches: nothing came"):
        await feed.take("batches", timeout_s=0.01)
    await feed.stop()


async def test_stopping_ends_the_task() -> None:
    feed: Feed[int] = Feed()
    ended = asyncio.Event()

    async def receive() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    feed.start(receive())
    await asyncio.sleep(0)
    await feed.stop()

    assert ended.is_set()
