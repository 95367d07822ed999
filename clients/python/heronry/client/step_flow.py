"""Steps from a writer's caller into blocks, and blocks into the outbox."""

import asyncio
import threading
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.client.append_stream import AppendStream
from heronry.client.arguments import check_version
from heronry.client.item_arguments import checked_ends, checked_priorities, checked_priority
from heronry.client.step_buffer import Step, StepBuffer
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import Block
from heronry.types.version import ParameterVersion

# A block that is not full is sent when it is found at two ticks.
TICK_S: Final = 0.025


class StepFlow:
    """Fills a step buffer and ships it when it is complete or has waited for 25 to 50 ms.

    After `hand_over` steps may be put from another thread than the event loop's, which holds `guard` meanwhile.
    """

    def __init__(self, stream: AppendStream, buffer: StepBuffer) -> None:
        self.guard = threading.Lock()
        self.buffer = buffer
        self._stream = stream
        self._is_handed_over = False
        self._in_loop: Callable[[Callable[[], None]], object] = _at_once
        self._seen = -1
        self._timer: asyncio.TimerHandle | None = None
        stream.on_answer, stream.on_end = self._note_answer, self._note_end

    def hand_over(self, in_loop: Callable[[Callable[[], None]], object]) -> None:
        """Let another thread put steps; `in_loop` brings calls of it to the loop."""
        self._is_handed_over = True
        self._in_loop = in_loop

    def start(self) -> None:
        """Begin to look for blocks that wait."""
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def stop(self) -> None:
        """Stop looking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def checked_step(self, lane: int | None, version: ParameterVersion | None, priority: float | None) -> int | None:
        """Return the lane of a step; None for the only one.

        Raises:
          InvalidArgumentError: what comes with the step cannot be; several lanes, and none is named.
        """
        if version is not None and version is not self.buffer.version:
            check_version("behaviour_version", version)
        if priority is not None:
            checked_priority("priority", priority)
        if lane is None and self.buffer.num_lanes == 1:
            return None
        if not isinstance(lane, (int, np.integer)) or isinstance(lane, bool) or not 0 <= lane < self.buffer.num_lanes:
            raise InvalidArgumentError.of("lane", lane, f"0 to {self.buffer.num_lanes - 1}")
        return None if self.buffer.num_lanes == 1 else int(lane)

    def checked_batch(
        self, version: ParameterVersion | None, priorities: npt.ArrayLike | None, ends: npt.ArrayLike | None
    ) -> tuple[npt.NDArray[np.float64] | None, npt.NDArray[np.bool_] | None]:
        """Return priorities and ends of a step of all lanes.

        Raises:
          InvalidArgumentError: what comes with the step cannot be.
        """
        if version is not None and version is not self.buffer.version:
            check_version("behaviour_version", version)
        by_lane = checked_priorities("priorities", priorities, (self.buffer.num_lanes,))
        return by_lane, checked_ends("ends", ends, self.buffer.num_lanes)

    def try_step(
        self, step: Step, lane: int | None, version: ParameterVersion | None, priority: float | None, is_end: bool
    ) -> bool:
        """Take a step of one lane; False when it must wait for `room`."""
        buffer = self.buffer
        if buffer.is_complete:
            return False
        is_other = version is not None and version is not buffer.version
        if (is_other or (priority is None) is buffer.has_priorities) and not buffer.adopt(
            version, priority is not None
        ):
            return False
        if lane is None:
            is_complete = buffer.put_step(step, priority, is_end)
        else:
            is_complete = buffer.put_lane_step(step, lane, priority, is_end)
        if is_complete:
            self._ship_complete()
        return True

    def try_batch(
        self,
        steps: Step,
        version: ParameterVersion | None,
        priorities: npt.NDArray[np.float64] | None,
        ends: npt.NDArray[np.bool_] | None,
    ) -> bool:
        """Take a step of all lanes; False when it must wait for `room`."""
        buffer = self.buffer
        if buffer.is_complete or not buffer.adopt(version, priorities is not None):
            return False
        if buffer.put_batch(steps, priorities, ends):
            self._ship_complete()
        return True

    async def room(self, timeout_s: float) -> None:
        """Wait until the block that is there has been shipped.

        Raises:
          InvalidArgumentError: it never will, because some lanes are a step ahead of others.
          DeadlineExceededError: no credit for `timeout_s`.
        """
        self._stream.check_running()
        number = self.buffer.number
        if self.buffer.num_filled == 0:
            self.buffer.check_lanes_level()
            return
        outbox = self._stream.outbox
        await self._stream.until(lambda: self.buffer.number != number or outbox.has_credit, "append", timeout_s)
        if self.buffer.number == number:
            self.ship()

    def ship(self) -> None:
        """Hand the block over if there is a credit."""
        with self.guard:
            self._ship()

    async def drain(self, timeout_s: float) -> None:
        """Ship all steps that are whole."""
        if self.buffer.num_filled:
            await self.room(timeout_s)

    def _ship_complete(self) -> None:
        # Another thread that puts steps holds the guard already.
        (self._ship if self._is_handed_over else self.ship)()

    def _ship(self) -> None:
        buffer = self.buffer
        # On a stream that is over the block stays complete: the next step learns why.
        if buffer.num_filled == 0 or not (self._stream.outbox.has_credit and self._stream.is_running):
            return
        priorities, ends = buffer.priorities(), buffer.lane_ends()
        self._stream.outbox.append(Block(0, buffer.columns(), buffer.version, priorities=priorities, lane_ends=ends))
        buffer.clear()
        self._in_loop(self._stream.send_soon)

    def _note_answer(self) -> None:
        if self.buffer.is_complete:
            self.ship()

    def _note_end(self) -> None:
        # The next step finds the block complete, waits for room, and learns why there will be none.
        self.buffer.is_complete = True

    def _tick(self) -> None:
        number = self.buffer.number
        if self.buffer.num_filled and number == self._seen:
            self.ship()
        self._seen = number if self.buffer.num_filled else -1
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)


def _at_once(call: Callable[[], None]) -> None:
    call()
