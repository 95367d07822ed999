"""Blocking client of the replay service."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from heronry.client.batches import BatchReader
from heronry.client.replay import SNAPSHOT_TIMEOUT_S
from heronry.client.replay import ReplayClient as AsyncReplayClient
from heronry.client.sample_header import Tables
from heronry.client.sync.blocking_client import BlockingClient
from heronry.client.sync.priority_updates import PriorityUpdates
from heronry.client.sync.writer import Writer
from heronry.client.transfers import Runs
from heronry.client.writer import Writer as AsyncWriter
from heronry.types.columns import ColumnSpec
from heronry.types.experience import Batch, Imported, Run, SavedSnapshot
from heronry.types.tables import RateLimiter, TableDefinition, TableInfo


class ReplayClient(BlockingClient[AsyncReplayClient]):
    """Declares tables, appends steps and samples batches; see the asynchronous client of the same name."""

    _asynchronous = AsyncReplayClient

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

    def set_priority_exponent(self, table: str, priority_exponent: float) -> TableInfo:
        """Change alpha of a live prioritised table; all weights are made anew."""
        return self._loop.run(self._client.set_priority_exponent(table, priority_exponent))

    def reset(self, table: str) -> int:
        """Drop all items and zero the counters; return how many were dropped."""
        return self._loop.run(self._client.reset(table))

    def delete_table(self, table: str) -> int:
        """Drop a table with all it holds, on disk too; return how many items were dropped."""
        return self._loop.run(self._client.delete_table(table))

    def save_snapshot(self, table: str, *, timeout_s: float = SNAPSHOT_TIMEOUT_S) -> SavedSnapshot:
        """Write a table's state while it is served; recovery starts from the newest one."""
        return self._loop.run(self._client.save_snapshot(table, timeout_s=timeout_s))

    def writer(
        self,
        table: str,
        *,
        columns: Sequence[ColumnSpec],
        num_lanes: int,
        writer_id: str | None = None,
        writer_epoch: int | None = None,
        block_steps: int | None = None,
    ) -> Writer:
        """Return a writer of `num_lanes` lanes, to be used as `with`."""

        async def make() -> AsyncWriter:
            return self._client.writer(
                table,
                columns=columns,
                num_lanes=num_lanes,
                writer_id=writer_id,
                writer_epoch=writer_epoch,
                block_steps=block_steps,
            )

        return Writer(self._loop.run(make()), self._loop)

    def sample(
        self,
        table: Tables,
        *,
        batch_size: int,
        columns: Sequence[str] = (),
        credits: int = 4,  # noqa: A002 # the protocol's word
        independent: bool = False,
        without_replacement: bool = False,
        shared_memory: bool = True,
        timeout_s: float | None = None,
    ) -> Iterator[Batch]:
        """Yield batches; asking for the next one gives back the one before.

        Batches that have come already are taken without a word to the loop's thread.
        """
        reader = self.reader(
            table,
            batch_size=batch_size,
            columns=columns,
            credits=credits,
            independent=independent,
            without_replacement=without_replacement,
            shared_memory=shared_memory,
        )
        try:
            while True:
                batch = reader.take_ready()
                if batch is not None:
                    yield batch
                else:
                    self._loop.run(reader.wait(timeout_s))
        finally:
            self._loop.finish(reader.close())

    def reader(
        self,
        table: Tables,
        *,
        batch_size: int,
        columns: Sequence[str] = (),
        credits: int = 4,  # noqa: A002 # the protocol's word
        independent: bool = False,
        without_replacement: bool = False,
        shared_memory: bool = True,
    ) -> BatchReader:
        """Return what `sample` reads from; whoever asks closes it, on the loop."""
        reader = self._client.reader(
            table,
            batch_size=batch_size,
            columns=columns,
            credits=credits,
            independent=independent,
            without_replacement=without_replacement,
            shared_memory=shared_memory,
        )
        reader.in_loop = self._loop.call_soon
        return reader

    def update_priorities(
        self, table: str, keys: npt.NDArray[np.uint64], priorities: npt.NDArray[np.floating]
    ) -> tuple[int, int]:
        """Change priorities; return how many were changed and how many keys are gone."""
        return self._loop.run(self._client.update_priorities(table, keys, priorities))

    def priority_updates(self, table: str) -> PriorityUpdates:
        """Return a stream of updates, to be used as `with`: many calls travel together."""
        return PriorityUpdates(self._client.priority_updates(table), self._loop)

    def delete(self, table: str, keys: npt.NDArray[np.uint64]) -> tuple[int, int]:
        """Delete items; return how many were deleted and how many keys are gone."""
        return self._loop.run(self._client.delete(table, keys))

    def export(self, table: str, *, max_items: int = 0) -> Iterator[Run]:
        """Yield a table's items as runs of steps, oldest items first; nothing is taken out."""
        return self._loop.iterate(self._client.export(table, max_items=max_items))

    def import_runs(self, table: str, runs: Runs) -> Imported:
        """Insert runs, as an export yields them, with their items' facts but under new keys; return how many."""
        coming = runs if isinstance(runs, AsyncIterable) else _in_threads(runs)
        return self._loop.run(self._client.import_runs(table, coming))


async def _in_threads(runs: Iterable[Run]) -> AsyncIterator[Run]:
    """Yield what a blocking iterator yields, which may itself wait for the loop."""
    done = object()
    items = iter(runs)
    while (item := await asyncio.to_thread(next, items, done)) is not done:
        yield item  # type: ignore[misc]  # everything but `done` is a run
