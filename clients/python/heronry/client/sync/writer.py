"""Blocking writer of a table."""

from types import TracebackType
from typing import Self

import numpy.typing as npt

from heronry.client.step_buffer import Step
from heronry.client.sync.loop import LoopThread
from heronry.client.writer import APPEND_TIMEOUT_S, CLOSE_TIMEOUT_S
from heronry.client.writer import Writer as AsyncWriter
from heronry.types.blocking import Waiting
from heronry.types.columns import Columns
from heronry.types.version import ParameterVersion


class Writer:
    """Appends steps, blocks and episodes; see the asynchronous writer. Use as `with`; for one thread.

    Steps are collected in the caller's thread; only whole blocks, ready to be sent, cross over to the loop's.
    """

    def __init__(self, writer: AsyncWriter, loop: LoopThread) -> None:
        self._writer = writer
        self._loop = loop
        self._flow = writer.flow
        self._flow.hand_over(loop.call_soon)

    @property
    def table(self) -> str:
        """The table it writes to."""
        return self._writer.table

    @property
    def writer_id(self) -> str:
        """The writer's name, which survives reconnects."""
        return self._writer.writer_id

    @property
    def waiting(self) -> Waiting | None:
        """Why credits do not come back; None while they do."""
        return self._writer.waiting

    @property
    def num_unaccepted(self) -> int:
        """Messages appended that the service has not accepted yet, a block that is being collected included."""
        return self._writer.num_unaccepted

    @property
    def accepted_sequence(self) -> int:
        """The number up to which everything is accepted."""
        return self._writer.accepted_sequence

    @property
    def appended_sequence(self) -> int:
        """The number of the last message that was appended."""
        return self._writer.appended_sequence

    @property
    def num_lost_items(self) -> int:
        """Explicit items dropped because the connection broke between their steps and them."""
        return self._writer.num_lost_items

    @property
    def block_steps(self) -> int:
        """Most steps of a block that is collected."""
        return self._writer.block_steps

    def position(self, lane: int = 0) -> int:
        """Return how many steps of a lane were appended: the index of its next one, as `create_items` counts."""
        with self._flow.guard:
            return self._writer.position(lane)

    def append(
        self,
        columns: Columns,
        behaviour_version: ParameterVersion,
        priority: float | None = None,
        *,
        priorities: npt.ArrayLike | None = None,
        lane_ends: npt.ArrayLike | None = None,
        timeout_s: float = APPEND_TIMEOUT_S,
    ) -> int:
        """Hand over the next block, after waiting for a credit; return its sequence number."""
        return self._loop.run(
            self._writer.append(
                columns, behaviour_version, priority, priorities=priorities, lane_ends=lane_ends, timeout_s=timeout_s
            )
        )

    def append_step(
        self,
        step: Step,
        *,
        lane: int | None = None,
        behaviour_version: ParameterVersion | None = None,
        priority: float | None = None,
        end: bool = False,
        timeout_s: float = APPEND_TIMEOUT_S,
    ) -> None:
        """Append one step of one lane; returns at once unless the service holds back."""
        lane = self._flow.checked_step(lane, behaviour_version, priority)
        flow = self._flow
        while True:
            with flow.guard:
                if flow.try_step(step, lane, behaviour_version, priority, end):
                    return
            self._loop.run(flow.room(timeout_s))

    def append_batch(
        self,
        steps: Step,
        *,
        behaviour_version: ParameterVersion | None = None,
        priorities: npt.ArrayLike | None = None,
        ends: npt.ArrayLike | None = None,
        timeout_s: float = APPEND_TIMEOUT_S,
    ) -> None:
        """Append one step of all lanes, `[N, ...]` each; returns at once unless the service holds back."""
        by_lane, lane_ends = self._flow.checked_batch(behaviour_version, priorities, ends)
        flow = self._flow
        while True:
            with flow.guard:
                if flow.try_batch(steps, behaviour_version, by_lane, lane_ends):
                    return
            self._loop.run(flow.room(timeout_s))

    def append_trajectory(
        self,
        columns: Columns,
        behaviour_version: ParameterVersion,
        priority: float | None = None,
        *,
        priorities: npt.ArrayLike | None = None,
        timeout_s: float = APPEND_TIMEOUT_S,
    ) -> int:
        """Append a whole episode, `[T, ...]` each, of the only lane, and end it; return its last block's number."""
        return self._loop.run(
            self._writer.append_trajectory(
                columns, behaviour_version, priority, priorities=priorities, timeout_s=timeout_s
            )
        )

    def create_items(
        self,
        lanes: npt.ArrayLike,
        starts: npt.ArrayLike,
        lengths: npt.ArrayLike,
        priorities: npt.ArrayLike | None = None,
        *,
        behaviour_version: ParameterVersion | None = None,
        timeout_s: float = APPEND_TIMEOUT_S,
    ) -> int:
        """Make `[K]` items over slices of what was appended, for a table whose pattern has period 0."""
        return self._loop.run(
            self._writer.create_items(
                lanes, starts, lengths, priorities, behaviour_version=behaviour_version, timeout_s=timeout_s
            )
        )

    def flush(self, *, timeout_s: float = APPEND_TIMEOUT_S) -> None:
        """Wait until every block is accepted."""
        self._loop.run(self._writer.flush(timeout_s=timeout_s))

    def close(self, *, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Flush, then end the writer's lanes; a step that some lanes lack is dropped."""
        self._loop.run(self._writer.close(timeout_s=timeout_s))

    def abort(self) -> None:
        """Close the stream at once; blocks that were not accepted are dropped."""
        self._loop.run(self._writer.abort())

    def __enter__(self) -> Self:
        self._loop.run(self._writer.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self._writer.__aexit__(kind, error, trace))
