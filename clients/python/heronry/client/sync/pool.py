"""Blocking clients of several replay services that hold one table together."""

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from heronry.client.options import ConnectionOptions
from heronry.client.pool import ReplayBufferPool as AsyncReplayBufferPool
from heronry.client.pool_updates import PoolPriorityUpdates as AsyncPoolPriorityUpdates
from heronry.client.pool_writer import PoolWriter as AsyncPoolWriter
from heronry.client.priority_updates import CLOSE_TIMEOUT_S as UPDATES_CLOSE_TIMEOUT_S
from heronry.client.priority_updates import FLUSH_TIMEOUT_S
from heronry.client.step_buffer import Step
from heronry.client.sync.loop import LoopThread
from heronry.client.writer import APPEND_TIMEOUT_S, CLOSE_TIMEOUT_S
from heronry.types.blocking import Waiting
from heronry.types.columns import Columns, ColumnSpec
from heronry.types.experience import Batch
from heronry.types.tables import RateLimiter, TableDefinition, TableInfo
from heronry.types.version import ParameterVersion


class PoolWriter:
    """Appends to a table of a pool; see the asynchronous writer. Use as `with`."""

    def __init__(self, writer: AsyncPoolWriter, loop: LoopThread) -> None:
        self._writer = writer
        self._loop = loop

    @property
    def table(self) -> str:
        """The table it writes to."""
        return self._writer.table

    @property
    def writer_id(self) -> str:
        """The writer's name, which survives reconnects."""
        return self._writer.writer_id

    @property
    def address(self) -> str:
        """Where its lanes are now."""
        return self._writer.address

    @property
    def waiting(self) -> Waiting | None:
        """Why credits do not come back; None while they do."""
        return self._writer.waiting

    @property
    def num_unaccepted(self) -> int:
        """Blocks appended that no service has accepted yet."""
        return self._writer.num_unaccepted

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
        """Hand over the next block, after waiting for a credit; return its number."""
        return self._loop.run(
            self._writer.append(
                columns,
                behaviour_version,
                priority,
                priorities=priorities,
                lane_ends=lane_ends,
                timeout_s=timeout_s,
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
        """Append one step of one lane."""
        self._loop.run(
            self._writer.append_step(
                step,
                lane=lane,
                behaviour_version=behaviour_version,
                priority=priority,
                end=end,
                timeout_s=timeout_s,
            )
        )

    def append_batch(
        self,
        steps: Step,
        *,
        behaviour_version: ParameterVersion | None = None,
        priorities: npt.ArrayLike | None = None,
        ends: npt.ArrayLike | None = None,
        timeout_s: float = APPEND_TIMEOUT_S,
    ) -> None:
        """Append one step of all lanes, `[N, ...]` each."""
        self._loop.run(
            self._writer.append_batch(
                steps, behaviour_version=behaviour_version, priorities=priorities, ends=ends, timeout_s=timeout_s
            )
        )

    def flush(self, *, timeout_s: float = APPEND_TIMEOUT_S) -> None:
        """Wait until every step is accepted."""
        self._loop.run(self._writer.flush(timeout_s=timeout_s))

    def close(self, *, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Flush, then end the writer's lanes."""
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


class PoolPriorityUpdates:
    """Queues updates where their keys say; see the asynchronous class. Use as `with`."""

    def __init__(self, updates: AsyncPoolPriorityUpdates, loop: LoopThread) -> None:
        self._updates = updates
        self._loop = loop

    @property
    def table(self) -> str:
        """The table whose priorities it changes."""
        return self._updates.table

    @property
    def num_pending(self) -> int:
        """Updates that no shard has acknowledged yet."""
        return self._updates.num_pending

    def update(
        self,
        keys: npt.NDArray[np.uint64],
        priorities: npt.NDArray[np.floating],
        *,
        timeout_s: float = FLUSH_TIMEOUT_S,
    ) -> None:
        """Queue updates; returns at once unless too many are under way."""
        self._loop.run(self._updates.update(keys, priorities, timeout_s=timeout_s))

    def flush(self, *, timeout_s: float = FLUSH_TIMEOUT_S) -> tuple[int, int]:
        """Wait until all is acknowledged; return how many were changed and how many were not, in all."""
        return self._loop.run(self._updates.flush(timeout_s=timeout_s))

    def close(self, *, timeout_s: float = UPDATES_CLOSE_TIMEOUT_S) -> None:
        """Flush and end the streams."""
        self._loop.run(self._updates.close(timeout_s=timeout_s))

    def abort(self) -> None:
        """Close the streams at once; what was not acknowledged may be lost."""
        self._loop.run(self._updates.abort())

    def __enter__(self) -> Self:
        self._loop.run(self._updates.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self._updates.__aexit__(kind, error, trace))


class ReplayBufferPool:
    """Tables spread over replay services; see the asynchronous class of the same name.

    Opens at once; use it as `with`, or call `close` at the end. Thread-safe.
    """

    def __init__(
        self, addresses: Sequence[str], options: ConnectionOptions | None = None, *, seed: int | None = None
    ) -> None:
        """Look at all shards for the first time.

        Raises:
          UnavailableError: none answers.
          ConfigurationError: two have the same number.
        """
        self._loop = LoopThread("pool")

        async def opened() -> AsyncReplayBufferPool:
            return await AsyncReplayBufferPool(addresses, options, seed=seed).__aenter__()

        try:
            self._pool = self._loop.run(opened())
        except BaseException:
            self._loop.close()
            raise

    @property
    def num_shards(self) -> int:
        """Shards, lost ones included."""
        return self._pool.num_shards

    @property
    def lost(self) -> Mapping[str, str]:
        """The addresses that do not answer now, and why."""
        return self._pool.lost

    def close(self) -> None:
        """Close every connection and the loop."""
        try:
            self._loop.run(self._pool.close())
        finally:
            self._loop.close()

    def create_table(self, definition: TableDefinition) -> bool:
        """Make the table's share on each shard; False when equal ones were there."""
        return self._loop.run(self._pool.create_table(definition))

    def get_table(self, table: str) -> TableInfo:
        """Describe the table of all shards that answer."""
        return self._loop.run(self._pool.get_table(table))

    def shard_tables(self, table: str) -> Mapping[str, TableInfo]:
        """Describe the table of each shard that answers, by address."""
        return self._loop.run(self._pool.shard_tables(table))

    def set_rate_limiter(self, table: str, rate_limiter: RateLimiter) -> None:
        """Give each shard its share of another limiter; the counters stay."""
        self._loop.run(self._pool.set_rate_limiter(table, rate_limiter))

    def reset(self, table: str) -> int:
        """Drop all items of the shards that answer and zero their counters; return how many were dropped."""
        return self._loop.run(self._pool.reset(table))

    def save_snapshot(self, table: str) -> Mapping[str, str]:
        """Save a snapshot on each shard; return where, by address."""
        return self._loop.run(self._pool.save_snapshot(table))

    def writer(
        self,
        table: str,
        *,
        columns: Sequence[ColumnSpec],
        num_lanes: int,
        writer_id: str | None = None,
        writer_epoch: int | None = None,
        block_steps: int | None = None,
    ) -> PoolWriter:
        """Return a writer of `num_lanes` lanes on one shard, to be used as `with`."""
        writer = self._pool.writer(
            table,
            columns=columns,
            num_lanes=num_lanes,
            writer_id=writer_id,
            writer_epoch=writer_epoch,
            block_steps=block_steps,
        )
        return PoolWriter(writer, self._loop)

    def sample(
        self,
        table: str,
        *,
        batch_size: int,
        columns: Sequence[str] = (),
        credits: int = 2,  # noqa: A002 # the protocol's word
        timeout_s: float | None = None,
    ) -> Iterator[Batch]:
        """Yield batches of independent draws over all shards."""
        return self._loop.iterate(
            self._pool.sample(table, batch_size=batch_size, columns=columns, credits=credits, timeout_s=timeout_s)
        )

    def update_priorities(
        self, table: str, keys: npt.NDArray[np.uint64], priorities: npt.NDArray[np.floating]
    ) -> tuple[int, int]:
        """Change priorities, each where its key says; return how many were changed and how many were not."""
        return self._loop.run(self._pool.update_priorities(table, keys, priorities))

    def priority_updates(self, table: str) -> PoolPriorityUpdates:
        """Return what changes priorities over streams, to be used as `with`."""
        return PoolPriorityUpdates(self._pool.priority_updates(table), self._loop)

    def delete(self, table: str, keys: npt.NDArray[np.uint64]) -> tuple[int, int]:
        """Delete items, each where its key says; return how many were deleted and how many were not."""
        return self._loop.run(self._pool.delete(table, keys))

    def balance_buffers(self, table: str, tolerance: float = 0.10) -> int:
        """Move items until the shards' numbers differ by at most `tolerance` of the mean; return how many."""
        return self._loop.run(self._pool.balance_buffers(table, tolerance))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
