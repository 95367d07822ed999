"""Calls that wait for a table while their peer is told why, and whose stream ends meanwhile."""

import asyncio
import gc

import pytest

from heronry.replay.told_waits import told_why
from heronry.types.errors import UnavailableError


class Host:
    """A table for which nobody is known to wait."""

    def longest_waiting(self, side):
        return None


async def tell(waiting):
    raise AssertionError("there is nothing to tell")


async def call(answer):
    await answer


@pytest.fixture
async def complaints():
    """What the event loop says of tasks whose outcome nobody has asked for."""
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
    return told


async def begin(answer):
    """Begin to wait for an answer; return the wait once it is under way."""
    waiting = asyncio.ensure_future(told_why(answer, Host(), "sample", 60.0, tell))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return waiting


async def test_a_table_that_goes_as_its_reader_does_leaves_no_error_without_an_owner(complaints):
    answer = asyncio.get_running_loop().create_future()
    waiting = await begin(call(answer))

    # The call fails first; its waiter is cancelled before it has seen that.
    answer.set_exception(UnavailableError("table 't' is closed"))
    asyncio.get_running_loop().call_soon(waiting.cancel)
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    del waiting, answer
    gc.collect()
    await asyncio.sleep(0)

    assert complaints == []


async def test_an_error_is_the_caller_s(complaints):
    answer = asyncio.get_running_loop().create_future()
    waiting = await begin(call(answer))

    answer.set_exception(UnavailableError("table 't' is closed"))

    with pytest.raises(UnavailableError):
        await waiting
    assert complaints == []


async def test_a_call_is_withdrawn_with_its_stream():
    answer = asyncio.get_running_loop().create_future()
    waiting = await begin(answer)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert waiting.cancelled()
    assert answer.cancelled()
