"""Requests read ahead of those who take them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from heronry.replay.stream_inbox import StreamInbox

DEADLINE_S = 5.0


class Source:
    """Yields what a test gives, and counts what was taken."""

    def __init__(self, *requests: int, is_endless: bool = False) -> None:
        self.requests = requests
        self.num_read = 0
        self.is_endless = is_endless

    async def __aiter__(self) -> AsyncIterator[int]:
        for request in self.requests:
            self.num_read += 1
            yield request
        if self.is_endless:
            await asyncio.Event().wait()


def decode(request: int) -> int | None:
    if request < 0:
        raise ValueError(f"got {request}")
    return request or None


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_requests_come_in_their_order_and_then_none() -> None:
    inbox = StreamInbox(aiter(Source(1, 2, 3)), decode, 8)
    found = []

    while await asyncio.wait_for(inbox.wait(), DEADLINE_S):
        found.append(inbox.messages.popleft())

    assert found == [1, 2, 3]
    await inbox.close()


async def test_no_more_are_read_ahead_than_may_be() -> None:
    source = Source(*range(1, 20), is_endless=True)
    inbox = StreamInbox(aiter(source), decode, 4)

    await settle()
    assert (list(inbox.messages), source.num_read) == ([1, 2, 3, 4], 5)
    inbox.messages.clear()
    inbox.taken()
    await settle()

    assert (list(inbox.messages), source.num_read) == ([5, 6, 7, 8], 9)
    await inbox.close()


async def test_what_decodes_to_none_is_not_kept() -> None:
    inbox = StreamInbox(aiter(Source(0, 5, 0)), decode, 4)

    assert await asyncio.wait_for(inbox.wait(), DEADLINE_S)
    await settle()

    assert list(inbox.messages) == [5]
    await inbox.close()


async def test_an_error_comes_when_those_before_it_are_taken() -> None:
    inbox = StreamInbox(aiter(Source(1, -2, 3)), decode, 4)

    assert await asyncio.wait_for(inbox.wait(), DEADLINE_S)
    inbox.messages.popleft()

    with pytest.raises(ValueError, match="got -2"):
        await asyncio.wait_for(inbox.wait(), DEADLINE_S)
    await inbox.close()


async def test_closing_ends_the_reading() -> None:
    source = Source(is_endless=True)
    inbox = StreamInbox(aiter(source), decode, 4)
    await settle()

    await asyncio.wait_for(inbox.close(), DEADLINE_S)

    assert not inbox.messages
