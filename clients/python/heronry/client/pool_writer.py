"""Writes to one shard of a pool, and to another one when that is lost."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self, TypeVar

import numpy as np
import numpy.typing as npt

from heronry.client.item_arguments import check_one_kind, checked_ends, checked_priorities, checked_priority
from heronry.client.shard import Shard, ShardLostError
from heronry.client.step_buffer import Step, StepBuffer
from heronry.client.writer import APPEND_TIMEOUT_S, CLOSE_TIMEOUT_S, Writer
from heronry.types.blocking import Waiting
from heronry.types.columns import Columns
from heronry.types.errors import DeadlineExceededError, UnavailableError
from heronry.types.experience import Block
from heronry.types.version import ParameterVersion

T = TypeVar("T")
# The shard's own deadline, which says what is waited for, comes first.
_PATIENCE_S: Final = 1.0
_COLLECT_S: Final = 0.05


class PoolWriter:
    """Appends steps and blocks to a table of a pool; all its lanes are on one shard. Use as `async with`.

    When the shard is lost the writer opens on another one and appends what was not accepted yet: no block is
    lost while the writer lives. One that was stored but not acknowledged is there twice when the lost shard
    comes back with it. The lanes begin anew on the new shard: no window reaches over the move. Items over
    slices of one's own (`create_items`) need the client of a shard. For one task at a time.
    """

    def __init__(
        self,
        table: str,
        num_lanes: int,
        buffer: StepBuffer,
        choose: Callable[[], Awaitable[Shard]],
        open_on: Callable[[Shard, int], Writer],
    ) -> None:
        self.table = table
        self._num_lanes = num_lanes
        self._buffer = buffer
        self._choose = choose
        self._open_on = open_on
        self._shard: Shard | None = None
        self._writer: Writer | None = None
        # What the writer has taken and the service not accepted, by the writer's number of its last piece, and
        # what a writer before it had, to be taken first.
        self._kept: deque[tuple[int, Block]] = deque()
        self._again: deque[Block] = deque()
        self._num_appended = 0
        self._num_moves = -1
        self._collected_since_s = 0.0
        self._is_closed = False

    @property
    def writer_id(self) -> str:
        """The writer's name, which survives reconnects."""
        return self._now.writer_id

    @property
    def address(self) -> str:
        """Where its lanes are now."""
        return "" if self._shard is None else self._shard.address

    @property
    def waiting(self) -> Waiting | None:
        """Why credits do not come back; None while they do."""
        return self._now.waiting

    @property
    def num_unaccepted(self) -> int:
        """Blocks appended that no service has accepted yet."""
        self._forget_accepted()
        return len(self._kept) + len(self._again) + (self._buffer.num_filled > 0)

    async def append(
        self,
        columns: Columns,
        behaviour_version: ParameterVersion,
        priority: float | None = None,
        *,
        priorities: npt.ArrayLike | None = None,
        lane_ends: npt.ArrayLike | None = None,
        timeout_s: float = APPEND_TIMEOUT_S,
    ) -> int:
        """Hand over the next block, after waiting for a credit; return its number, which rises by one.

        Arguments as of `Writer.append`.

        Raises:
          SchemaMismatchError: columns that differ from the writer's.
          DeadlineExceededError: no credit for `timeout_s`, or no shard, and the block was not taken; says what the
            shard waits for.
        """
        check_one_kind(priority, priorities)
        self._buffer.check_lanes_level()
        await self._ship(timeout_s)
        copies = {path: np.array(array) for path, array in columns.items()}
        sides = next((array.shape[:2] for array in copies.values()), (0, 0))
        block = Block(
            self._num_appended + 1,
            copies,
            behaviour_version,
            checked_priority("priority", priority),
            checked_priorities("priorities", priorities, sides),
            checked_ends("lane_ends", lane_ends, sides[-1]),
        )
        return await self._append(block, timeout_s)

    async def append_step(
        self,
        step: Step,
        *,
        lane: int | None = None,
        behaviour_version: ParameterVersion | None = None,
        priority: float | None = None,
        end: bool = False,
        timeout_s: float = APPEND_TIMEOUT_S,
    ) -> None:
        """Append one step of one lane, as `Writer.append_step`.

        Steps are collected: they are sent with the block that is full, that a lane ends, or whose first step is
        50 ms old when the next one comes; and at `flush`.
        """
        checked_priority("priority", priority)
        await self._agree(behaviour_version, priority is not None, timeout_s)
        if self._num_lanes == 1 and lane in (None, 0):
            is_complete = self._buffer.put_step(step, priority, end)
        else:
            is_complete = self._buffer.put_lane_step(step, -1 if lane is None else lane, priority, end)
        await self._ship_if(is_complete, timeout_s)

    async def append_batch(
        self,
        steps: Step,
        *,
        behaviour_version: ParameterVersion | None = None,
        priorities: npt.ArrayLike | None = None,
        ends: npt.ArrayLike | None = None,
        timeout_s: float = APPEND_TIMEOUT_S,
    ) -> None:
        """Append one step of all lanes, `[N, ...]` each, as `Writer.append_batch`; collected as `append_step` says."""
        by_lane = checked_priorities("priorities", priorities, (self._num_lanes,))
        checked = checked_ends("ends", ends, self._num_lanes)
        await self._agree(behaviour_version, priorities is not None, timeout_s)
        await self._ship_if(self._buffer.put_batch(steps, by_lane, checked), timeout_s)

    async def flush(self, *, timeout_s: float = APPEND_TIMEOUT_S) -> None:
        """Wait until every step is accepted."""
        await self._ship(timeout_s)
        await self._on_some_shard(lambda writer: writer.flush(timeout_s=timeout_s), timeout_s)
        self._kept.clear()

    async def close(self, *, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Flush, then end the writer's lanes."""
        try:
            await self.flush(timeout_s=timeout_s)
            await self._now.close(timeout_s=timeout_s)
        finally:
            await self.abort()

    async def abort(self) -> None:
        """Close the stream at once; blocks that were not accepted are dropped."""
        self._is_closed = True
        await self._leave()

    async def __aenter__(self) -> Self:
        try:
            await self._on_some_shard(_nothing, APPEND_TIMEOUT_S)
        except BaseException:
            await self.abort()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await (self.close() if kind is None else self.abort())

    @property
    def _now(self) -> Writer:
        if self._writer is None:
            raise UnavailableError(f"the writer of table {self.table!r} is on no shard")
        return self._writer

    async def _agree(self, version: ParameterVersion | None, has_priority: bool, timeout_s: float) -> None:
        """Make room for a step of this version: a block has one, and priorities for all of its steps or none."""
        if self._buffer.is_complete or not self._buffer.adopt(version, has_priority):
            await self._ship(timeout_s)
            if not self._buffer.adopt(version, has_priority):
                self._buffer.check_lanes_level()

    async def _ship_if(self, is_complete: bool, timeout_s: float) -> None:
        if self._buffer.num_begun == 1:
            self._collected_since_s = time.monotonic()
        if is_complete or time.monotonic() - self._collected_since_s > _COLLECT_S:
            await self._ship(timeout_s)

    async def _ship(self, timeout_s: float) -> None:
        """Hand over the steps that were collected."""
        buffer = self._buffer
        if not buffer.num_filled:
            return
        columns = {path: np.array(array) for path, array in buffer.columns().items()}
        priorities = buffer.priorities()
        own = None if priorities is None else priorities.copy()
        block = Block(self._num_appended + 1, columns, buffer.version, None, own, buffer.lane_ends())
        try:
            await self._append(block, timeout_s)
        finally:
            if self._has_taken(block):
                buffer.clear()

    async def _append(self, block: Block, timeout_s: float) -> int:
        async def put(writer: Writer) -> None:
            # Once taken it is appended again with the others, when the shard is lost.
            if not self._has_taken(block):
                await self._put(writer, block, timeout_s)

        try:
            await self._on_some_shard(put, timeout_s)
        except DeadlineExceededError:
            if not self._has_taken(block):
                raise
        self._forget_accepted()
        return block.sequence

    async def _put(self, writer: Writer, block: Block, timeout_s: float) -> None:
        """Have a writer take a block; it takes it whole or not at all, whatever interrupts its waits for credits."""
        before = writer.appended_sequence
        try:
            await writer.append(
                block.columns,
                block.behaviour_version,
                block.priority,
                priorities=block.priorities,
                lane_ends=block.lane_ends,
                timeout_s=timeout_s,
            )
        finally:
            if writer.appended_sequence > before:
                self._note_taken(writer.appended_sequence, block)

    def _note_taken(self, sequence: int, block: Block) -> None:
        self._kept.append((sequence, block))
        self._num_appended = max(self._num_appended, block.sequence)
        if self._again and self._again[0] is block:
            self._again.popleft()

    def _has_taken(self, block: Block) -> bool:
        return block.sequence <= self._num_appended

    async def _on_some_shard(self, call: Callable[[Writer], Awaitable[T]], timeout_s: float) -> T:
        """Make a call on the writer's shard, or on the next one it moves to."""

        async def made(shard: Shard) -> T:
            return await call(await self._writer_on(shard))

        try:
            async with asyncio.timeout(timeout_s + _PATIENCE_S):
                while True:
                    if self._is_closed:
                        raise UnavailableError(f"the writer of table {self.table!r} is closed")
                    shard = self._shard or await self._choose()
                    try:
                        return await shard.unless_lost(made(shard))
                    except ShardLostError:
                        await self._leave()
        except TimeoutError:
            raise DeadlineExceededError(f"table {self.table!r}: no shard took it for {timeout_s:g} s") from None

    async def _writer_on(self, shard: Shard) -> Writer:
        writer = self._writer or await self._open(shard)
        # Whatever interrupts this: the next call goes on from there.
        while self._again:
            await self._put(writer, self._again[0], APPEND_TIMEOUT_S)
        return writer

    async def _open(self, shard: Shard) -> Writer:
        shard.num_writers += 1
        self._num_moves += 1
        try:
            writer = self._open_on(shard, self._num_moves)
            await writer.__aenter__()
        except BaseException:
            shard.num_writers -= 1
            raise
        self._shard, self._writer = shard, writer
        return writer

    def _forget_accepted(self) -> None:
        while self._writer is not None and self._kept and self._kept[0][0] <= self._writer.accepted_sequence:
            self._kept.popleft()

    async def _leave(self) -> None:
        self._forget_accepted()
        self._again.extendleft(block for _, block in reversed(self._kept))
        self._kept.clear()
        writer, self._writer = self._writer, None
        shard, self._shard = self._shard, None
        if shard is not None:
            shard.num_writers -= 1
        if writer is not None:
            await writer.abort()


async def _nothing(_: Writer) -> None:
    return None
