"""Who waits for a buffer, for how long, and what becomes of its place."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

import pytest

from heronry.params.core.buffer_pool import BufferPool
from heronry.params.staging import Staging
from heronry.types.errors import ResourceExhaustedError
from heronry.wire.chunks import CHUNK_BYTES

STALL_S = 2.0
LARGE = CHUNK_BYTES + 1


class SkippingSelector(selectors.DefaultSelector):
    """Skips the time that it should wait."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now_s += timeout or 0.0
        return super().select(0)


class SkippingLoop(asyncio.SelectorEventLoop):
    """Has a clock that moves on when there is nothing to do, at once and exactly."""

    def __init__(self) -> None:
        self._skipping = SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now_s


def run(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(main)


def staging(max_open: int) -> Staging:
    return Staging(BufferPool(1 << 30), max_open, STALL_S)


async def hold(place: Staging, seconds: float) -> float:
    """Hold a buffer; return when it came."""
    async with place.buffer(LARGE):
        came_s = asyncio.get_running_loop().time()
        await asyncio.sleep(seconds)
    return came_s


def test_a_line_that_moves_is_waited_in_however_long_it_is() -> None:
    async def main() -> None:
        place = staging(2)

        came = await asyncio.gather(*(hold(place, 0.9 * STALL_S) for _ in range(8)))

        # Two at a time; the last ones waited for longer than the bound.
        assert came == pytest.approx([0.9 * STALL_S * (i // 2) for i in range(8)])
        assert place.num_open == 0

    run(main())


def test_a_line_that_stands_is_left_when_nobody_was_done_for_the_bound() -> None:
    async def main() -> None:
        place = staging(1)
        holding = asyncio.create_task(hold(place, 10 * STALL_S))
        await asyncio.sleep(0.5)

        with pytest.raises(ResourceExhaustedError, match=r"max_open_uploads: 1 uploads .* none ended within 2 s"):
            await hold(place, 0.0)

        assert asyncio.get_running_loop().time() == pytest.approx(0.5 + STALL_S)
        await holding
        assert await hold(place, 0.0) == pytest.approx(10 * STALL_S)

    run(main())


@pytest.mark.parametrize("after_s", [0.5, 1.0, 1.5])
def test_the_place_of_one_who_gives_up_goes_to_the_next(after_s: float) -> None:
    async def main() -> None:
        place = staging(1)
        holding = asyncio.create_task(hold(place, 1.0))
        await asyncio.sleep(0)
        giving_up, next_one = asyncio.create_task(hold(place, 1.0)), asyncio.create_task(hold(place, 0.0))

        await asyncio.sleep(after_s)
        giving_up.cancel()

        assert await next_one == pytest.approx(max(1.0, after_s))
        with pytest.raises(asyncio.CancelledError):
            await giving_up
        await holding
        assert place.num_open == 0

    run(main())


def test_uploads_of_one_chunk_wait_for_nobody() -> None:
    async def main() -> None:
        place = staging(1)
        async with place.buffer(LARGE), place.buffer(CHUNK_BYTES) as buffer:
            assert (place.num_open, len(buffer)) == (1, CHUNK_BYTES)

    run(main())
