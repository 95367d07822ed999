"""Blocking client of the replay service."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from heronry.client.replay import ReplayClient as AsyncReplayClient
from heronry.client.sync.blocking_client import BlockingClient
from heronry.client.sync.loop import LoopThread
from heronry.client.writer import APPEND_TIMEOUT_S, CLOSE_TIMEOUT_S
from heronry.client.writer import Writer as AsyncWriter
from heronry.types.blocking import Waiting
from heronry.types.columns import Columns, ColumnSpec
from heronry.types.experience import Batch
from heronry.types.tables import RateLimiter, TableDefinition, TableInfo
from heronry.types.version import ParameterVersion


class Writer:
    """Sends blocks of `[T, N, ...]` columns; see the asynchronous writer. Use as `with`."""

    def __init__(self, writer: AsyncWriter, loop: LoopThread) -> None:
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
    def waiting(self) -> Waiting | None:
        """Why credits do not come back; None while they do."""
        return self._writer.waiting

    @property
    def num_unaccepted(self) -> int:
        """Blocks appended that the service has not accepted yet."""
        return self._writer.num_unaccepted

    def append(
        self,
        columns: Columns,
        behaviour_version: ParameterVersion,
        priority: float | None = None,
        *,
        timeout_s: float = APPEND_TIMEOUT_S,
    ) -> int:
        """Hand over the next block, after waiting for a credit; return its sequence number."""
        return self._loop.run(self._writer.append(columns, behaviour_version, priority, timeout_s=timeout_s))

    def flush(self, *, timeout_s: float = APPEND_TIMEOUT_S) -> None:
        """Wait until every block is accepted."""
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


class ReplayClient(BlockingClient[AsyncReplayClient]):
    """Declares tables, appends blocks and samples batches; see the asynchronous client of the same name."""

    def create_table(self, definition: TableDefinition) -> bool:
        """Make a table; False when an equal one was there."""
        return self._loop.run(self._client.create_table(definition))

    def get_table(self, table: str) -> TableInfo:
        """Describe one table and say who waits for what."""
        return self._loop.run(self._client.get_table(table))

    def list_tables(self) -> tuple[TableInfo, ...]:
        """Describe all tables, sorted by name."""
        return self._loop.run(self._client.list_tables())

    def set_rate_limiter(self, table: str, rate_limiter: RateLimiter) -> TableInfo:
        """Change the limiter of a live table; its counters stay."""
        return self._loop.run(self._client.set_rate_limiter(table, rate_limiter))

    def reset(self, table: str) -> int:
        """Drop all items and zero the counters; return how many were dropped."""
        return self._loop.run(self._client.reset(table))

    def writer(
        self,
        table: str,
        *,
        columns: Sequence[ColumnSpec],
        num_lanes: int,
        writer_id: str | None = None,
        writer_epoch: int | None = None,
    ) -> Writer:
        """Return a writer of `num_lanes` lanes, to be used as `with`."""

        async def make() -> AsyncWriter:
            return self._client.writer(
                table, columns=columns, num_lanes=num_lanes, writer_id=writer_id, writer_epoch=writer_epoch
            )

        return Writer(self._loop.run(make()), self._loop)

    def sample(
        self,
        table: str,
        *,
        batch_size: int,
        columns: Sequence[str] = (),
        credits: int = 2,  # noqa: A002 # the protocol's word
        timeout_s: float | None = None,
    ) -> Iterator[Batch]:
        """Yield batches; asking for the next one acknowledges the one before."""
        return self._loop.iterate(
            self._client.sample(table, batch_size=batch_size, columns=columns, credits=credits, timeout_s=timeout_s)
        )

    def update_priorities(
        self, table: str, keys: npt.NDArray[np.uint64], priorities: npt.NDArray[np.floating]
    ) -> tuple[int, int]:
        """Change priorities; return how many were changed and how many keys are gone."""
        return self._loop.run(self._client.update_priorities(table, keys, priorities))

    def delete(self, table: str, keys: npt.NDArray[np.uint64]) -> tuple[int, int]:
        """Delete items; return how many were deleted and how many keys are gone."""
        return self._loop.run(self._client.delete(table, keys))
