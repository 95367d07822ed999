"""Appends steps to a table: one by one, many environments at a time, in blocks, or whole episodes."""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.client.append_stream import AppendStream
from heronry.client.arguments import check_count, check_version
from heronry.client.block_pieces import pieces_of, steps_of_a_message
from heronry.client.connection import Connection
from heronry.client.item_arguments import (
    check_one_kind,
    checked_ends,
    checked_priorities,
    checked_priority,
    checked_slices,
)
from heronry.client.outbox import as_one_lane, check_columns
from heronry.client.step_buffer import Step, StepBuffer, block_steps_for
from heronry.client.step_flow import StepFlow
from heronry.types.blocking import Waiting
from heronry.types.columns import Columns, ColumnSpec
from heronry.types.errors import DeadlineExceededError, InvalidArgumentError
from heronry.types.experience import Block
from heronry.types.version import ParameterVersion
from heronry.wire.columns import column_spec_to_proto

APPEND_TIMEOUT_S = 60.0
CLOSE_TIMEOUT_S = 5.0


class Writer:
    """Sends blocks of `[T, N, ...]` columns, as many at a time as the service gives credits for.

    A block is kept until the service has accepted it, which is when its items are in the table, and
    sent again when the stream had to be opened anew: nothing is lost while the writer lives, and
    nothing is stored twice. Use as `async with`; leaving it in good order flushes and closes the
    writer's lanes, leaving it by an exception drops what was not accepted. For one task at a time.

    `append_step` and `append_batch` collect steps into blocks of `block_steps`, sent when they are full,
    after 50 ms at the latest, or when an episode is said to end. Out of credits, every append waits.

    A block that is larger than a message goes in several, whole steps each, numbered and accepted like blocks;
    a step that is larger than one is sent as it is, and the service says whether it takes it.
    """

    def __init__(
        self,
        connection: Connection,
        table: str,
        columns: Sequence[ColumnSpec],
        num_lanes: int,
        writer_id: str,
        writer_epoch: int,
        block_steps: int | None = None,
    ) -> None:
        self.table = table
        self.writer_id = writer_id
        self._columns = tuple(columns)
        self._num_lanes = num_lanes
        wanted = block_steps or block_steps_for(columns, num_lanes)
        self._block_steps = min(wanted, steps_of_a_message(columns, num_lanes))
        header = pb.AppendHeader(
            table=table,
            writer_id=writer_id,
            writer_epoch=writer_epoch,
            columns=[column_spec_to_proto(c) for c in columns],
            num_lanes=num_lanes,
        )
        self._stream = AppendStream(connection, header)
        self._outbox = self._stream.outbox
        self._flow = StepFlow(self._stream, StepBuffer(columns, num_lanes, self._block_steps))

    @property
    def waiting(self) -> Waiting | None:
        """Why credits do not come back; None while they do."""
        return self._outbox.waiting

    @property
    def num_unaccepted(self) -> int:
        """Messages appended that the service has not accepted yet, a block that is being collected included."""
        return len(self._outbox) + (self._flow.buffer.num_filled > 0)

    @property
    def accepted_sequence(self) -> int:
        """The number up to which everything is accepted."""
        return self._outbox.num_accepted

    @property
    def appended_sequence(self) -> int:
        """The number of the last message that was appended."""
        return self._outbox.num_appended

    @property
    def num_lost_items(self) -> int:
        """Explicit items dropped because the connection broke between their steps and them."""
        return self._outbox.num_lost_items

    @property
    def block_steps(self) -> int:
        """Most steps of a block that is collected."""
        return self._block_steps

    @property
    def flow(self) -> StepFlow:
        """What collects steps; for the blocking twin, which fills it in its caller's thread."""
        return self._flow

    def position(self, lane: int = 0) -> int:
        """Return how many steps of a lane were appended: the index of its next one, as `create_items` counts."""
        check_count("lane", lane, 0)
        if lane >= self._num_lanes:
            raise InvalidArgumentError.of("lane", lane, f"0 to {self._num_lanes - 1}")
        return self._outbox.num_steps + self._flow.buffer.num_filled + self._flow.buffer.is_ahead(lane)

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
        """Hand over the next block, after waiting for a credit; return its sequence number.

        Of a block larger than a message it waits for a credit for each piece, and returns the last one's number.
        Such a block is taken whole or not at all: once its first piece is taken, the others follow, whatever
        interrupts the wait.

        Args:
          columns: `[T, N, ...]` each.
          behaviour_version: the policy that acted in all of its steps.
          priority: of the items that the block completes; None takes the table's running maximum.
          priorities: `[T, N]`, of the item whose last step stands there; not together with `priority`.
          lane_ends: `[N]`, lanes whose episode ends with the last step, whatever the columns say.
          timeout_s: for how long it waits for a credit.

        Raises:
          SchemaMismatchError: columns that differ from the writer's.
          DeadlineExceededError: no credit for `timeout_s`, the block was not taken; says what the service waits for.
        """
        check_version("behaviour_version", behaviour_version)
        check_one_kind(priority, priorities)
        checked = check_columns(columns, self._columns, self._num_lanes)
        block = Block(
            0,
            checked,
            behaviour_version,
            checked_priority("priority", priority),
            checked_priorities("priorities", priorities, (len(checked[self._columns[0].path]), self._num_lanes)),
            checked_ends("lane_ends", lane_ends, self._num_lanes),
        )
        await self._credit(timeout_s)
        return await self._put(block, timeout_s)

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
        """Append one step of one lane; returns at once unless the service holds back.

        Args:
          step: a value for each column.
          lane: which, where there are several; all lanes give a step before any gives its next one.
          behaviour_version: the policy that acted; None: as of the step before.
          priority: of the item whose last step this is; None takes the table's running maximum.
          end: this is the last step of its episode, whatever the columns say; sends the block.
          timeout_s: for how long it waits for a credit.

        Raises:
          SchemaMismatchError: names the column that does not fit.
          DeadlineExceededError: no credit for `timeout_s`; the step was not taken.
        """
        lane = self._flow.checked_step(lane, behaviour_version, priority)
        while not self._flow.try_step(step, lane, behaviour_version, priority, end):
            await self._flow.room(timeout_s)

    async def append_batch(
        self,
        steps: Step,
        *,
        behaviour_version: ParameterVersion | None = None,
        priorities: npt.ArrayLike | None = None,
        ends: npt.ArrayLike | None = None,
        timeout_s: float = APPEND_TIMEOUT_S,
    ) -> None:
        """Append one step of all lanes, `[N, ...]` each; returns at once unless the service holds back.

        An end sends the block: with many lanes let the table's pattern name the columns that tell ends.

        Args:
          steps: `[N, ...]` for each column.
          behaviour_version: the policy that acted; None: as of the step before.
          priorities: `[N]`, of the item whose last step this is in its lane.
          ends: `[N]`, lanes whose episode ends with this step, whatever the columns say.
          timeout_s: for how long it waits for a credit.

        Raises:
          SchemaMismatchError: names the column that does not fit.
          DeadlineExceededError: no credit for `timeout_s`; the step was not taken.
        """
        by_lane, lane_ends = self._flow.checked_batch(behaviour_version, priorities, ends)
        while not self._flow.try_batch(steps, behaviour_version, by_lane, lane_ends):
            await self._flow.room(timeout_s)

    async def append_trajectory(
        self,
        columns: Columns,
        behaviour_version: ParameterVersion,
        priority: float | None = None,
        *,
        priorities: npt.ArrayLike | None = None,
        timeout_s: float = APPEND_TIMEOUT_S,
    ) -> int:
        """Append a whole episode, `[T, ...]` each, of the only lane, and end it; return its last block's number.

        Raises:
          InvalidArgumentError: the writer has several lanes; `priority` and `priorities` are given.
          SchemaMismatchError: columns that differ from the writer's.
          DeadlineExceededError: no credit for `timeout_s`; blocks before that were appended.
        """
        if self._num_lanes != 1:
            raise InvalidArgumentError.of("num_lanes", self._num_lanes, "1, to append whole episodes")
        check_one_kind(priority, priorities)
        lanes = as_one_lane(columns)
        check_columns(lanes, self._columns, 1)
        num_steps = len(next(iter(lanes.values())))
        by_step = checked_priorities("priorities", priorities, (num_steps,))
        sequence = 0
        for start in range(0, num_steps, self._block_steps):
            piece = slice(start, start + self._block_steps)
            sequence = await self.append(
                {path: array[piece] for path, array in lanes.items()},
                behaviour_version,
                priority,
                priorities=None if by_step is None else by_step[piece, np.newaxis],
                lane_ends=[start + self._block_steps >= num_steps],
                timeout_s=timeout_s,
            )
        return sequence

    async def create_items(
        self,
        lanes: npt.ArrayLike,
        starts: npt.ArrayLike,
        lengths: npt.ArrayLike,
        priorities: npt.ArrayLike | None = None,
        *,
        behaviour_version: ParameterVersion | None = None,
        timeout_s: float = APPEND_TIMEOUT_S,
    ) -> int:
        """Make `[K]` items over slices of what was appended, for a table whose pattern has period 0.

        The service keeps the last block, of one larger than a message the last piece, and as many steps before
        it as an item may have: make items of steps soon. Collected steps are sent before.

        Args:
          lanes: of each item.
          starts: first step of each, counted as `position` counts.
          lengths: steps of each.
          priorities: of each; None takes the table's running maximum.
          behaviour_version: the policy that acted; None: as of the step before.
          timeout_s: for how long it waits for a credit.

        Returns:
          The sequence number of the message.

        Raises:
          InvalidArgumentError: a slice that was not appended, or priorities that cannot be.
          DeadlineExceededError: no credit for `timeout_s`; says what the service waits for.
        """
        version = self._flow.buffer.version if behaviour_version is None else behaviour_version
        check_version("behaviour_version", version)
        positions = np.array([self.position(lane) for lane in range(self._num_lanes)], np.uint64)
        items = checked_slices(lanes, starts, lengths, priorities, version, positions)
        await self._credit(timeout_s)
        sequence = self._outbox.append_items(items)
        self._stream.send_soon()
        return sequence

    async def flush(self, *, timeout_s: float = APPEND_TIMEOUT_S) -> None:
        """Wait until every block is accepted.

        Raises:
          DeadlineExceededError: some are not after `timeout_s`; says what the service waits for.
        """
        await self._flow.drain(timeout_s)
        await self._stream.until(lambda: not self._outbox, "flush", timeout_s)

    async def close(self, *, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Flush, then end the writer's lanes; a step that some lanes lack is dropped."""
        try:
            await self.flush(timeout_s=timeout_s)
            await self._stream.end(timeout_s)
        finally:
            await self.abort()

    async def abort(self) -> None:
        """Close the stream at once; blocks that were not accepted are dropped."""
        self._flow.stop()
        await self._stream.abort()

    async def __aenter__(self) -> Self:
        await self._stream.open()
        self._flow.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await (self.close() if kind is None else self.abort())

    async def _put(self, block: Block, timeout_s: float) -> int:
        """Hand over a block for which there is a credit, piece by piece; return the last one's number."""
        pieces = deque(pieces_of(block))
        sequence = self._outbox.append(pieces.popleft())
        self._stream.send_soon()
        try:
            # Who waited in vain for the whole could not know which half to append again.
            with suppress(DeadlineExceededError):
                while pieces:
                    await self._stream.until(lambda: self._outbox.has_credit, "append", timeout_s)
                    sequence = self._outbox.append(pieces.popleft())
                    self._stream.send_soon()
        finally:
            while pieces:
                sequence = self._outbox.append(pieces.popleft())
            self._stream.send_soon()
        return sequence

    async def _credit(self, timeout_s: float) -> None:
        """Send what was collected, and wait for a credit."""
        self._flow.buffer.check_lanes_level()
        await self._flow.drain(timeout_s)
        await self._stream.until(lambda: self._outbox.has_credit, "append", timeout_s)
        # Credits outlast the stream.
        self._stream.check_running()
