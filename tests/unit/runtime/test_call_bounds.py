"""Calls without a deadline end in time."""

import asyncio

import pytest

from heronry.runtime.call_bounds import CallBounds
from heronry.types.errors import DeadlineExceededError

SHORT_S = 0.002
LONG_S = 60.0


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def answer(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def test_a_call_that_ends_in_time_gives_its_answer() -> None:
    bounds = CallBounds(LONG_S)

    assert await asyncio.gather(*(bounds.bounded(answer(number)) for number in range(3))) == [0, 1, 2]


async def test_each_call_that_takes_too_long_is_ended() -> None:
    bounds = CallBounds(SHORT_S)
    calls = [asyncio.ensure_future(bounds.bounded(forever())) for _ in range(2)]

    errors = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(error) for error in errors] == [DeadlineExceededError] * 2
    assert "more than 0.002 s" in str(errors[0])
    assert await bounds.bounded(answer(1)) == 1


async def test_a_call_that_begins_later_is_ended_later() -> None:
    bounds = CallBounds(SHORT_S)

    with pytest.raises(DeadlineExceededError):
        await bounds.bounded(forever())
    with pytest.raises(DeadlineExceededError):
        await bounds.bounded(forever())


async def test_the_callers_own_cancellation_passes_through() -> None:
    call = asyncio.ensure_future(CallBounds(LONG_S).bounded(forever()))
    await asyncio.sleep(0)

    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call


async def test_an_error_of_the_call_passes_through() -> None:
    async def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await CallBounds(LONG_S).bounded(fail())
