"""What one shard has drawn for a pool's reader, and the stream it comes by."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing

from heronry.client.shard import LOST_ERRORS, Shard
from heronry.types.errors import HeronryError
from heronry.types.experience import Batch
from heronry.types.tables import RateLimiter, SelectorKind, TableInfo


class ShardFeed:
    """Holds at most one batch of independent draws of a shard, of which rows are taken; for one event loop.

    Draws of a shard that was lost are void: the keys of a service that starts again may name other items.
    A shard's batch is given back when all its rows were taken and the next one is asked for.
    """

    def __init__(
        self,
        shard: Shard,
        table: str,
        batch_size: int,
        columns: Sequence[str],
        num_credits: int,
        changed: Callable[[], None],
    ) -> None:
        self.shard = shard
        self.failure: HeronryError | None = None
        self._table = table
        self._batch_size = batch_size
        self._columns = columns
        self._num_credits = num_credits
        self._changed = changed
        self.batch: Batch | None = None
        self._num_taken = 0
        self._is_wanted = asyncio.Event()
        self._task = asyncio.create_task(self._receive())

    @property
    def info(self) -> TableInfo | None:
        """What was last heard of the table; None while the shard is lost or does not hold it."""
        return None if self.shard.is_lost else self.shard.infos.get(self._table)

    @property
    def mass(self) -> float:
        """Sum of the weights of the shard's items; 0 while it can give none."""
        info = self.info
        if info is None:
            return 0.0
        if self.num_rows:
            return max(self._known_mass(info), 1e-300)
        return self._known_mass(info) if can_sample(info) else 0.0

    @property
    def num_rows(self) -> int:
        """Rows that can be taken at once."""
        return 0 if self.batch is None else self.batch.batch_size - self._num_taken

    def take(self, num_rows: int) -> tuple[Batch, int, int]:
        """Return the batch at hand and which rows of it, at most `num_rows`, were taken.

        The rows may be used until the caller awaits something.
        """
        if self.batch is None:
            raise IndexError("no rows at hand")
        start = self._num_taken
        self._num_taken = min(start + num_rows, self.batch.batch_size)
        return self.batch, start, self._num_taken

    def give_back(self) -> None:
        """Ask for the next batch, when all rows of the one at hand were taken."""
        if self.batch is not None and not self.num_rows:
            self.batch = None
            self._is_wanted.set()

    async def close(self) -> None:
        """End the stream."""
        self._task.cancel()
        await asyncio.wait([self._task])

    def _known_mass(self, info: TableInfo) -> float:
        if self.batch is not None and info.definition.sampler.kind is SelectorKind.UNIFORM:
            # Newer than the last look, and all that counts for a uniform sampler.
            return float(self.batch.table_size)
        return info.mass

    async def _receive(self) -> None:
        try:
            while True:
                if self.info is None:
                    self.shard.look_soon()
                    await asyncio.sleep(0.05)
                    continue
                try:
                    await self._receive_until(self.shard.loss)
                except LOST_ERRORS:
                    await self.shard.look()
                self._drop()
        except HeronryError as error:
            self.failure = error
            self._changed()

    async def _receive_until(self, loss: asyncio.Event) -> None:
        session, lost = asyncio.ensure_future(self._hold_batches()), asyncio.ensure_future(loss.wait())
        try:
            await asyncio.wait((session, lost), return_when=asyncio.FIRST_COMPLETED)
            if session.done():
                session.result()
        finally:
            lost.cancel()
            session.cancel()
            await asyncio.wait([session])

    async def _hold_batches(self) -> None:
        batches = self.shard.client.sample(
            self._table,
            batch_size=self._batch_size,
            columns=self._columns,
            credits=self._num_credits,
            independent=True,
        )
        async with aclosing(batches):
            async for batch in batches:
                self._hold(batch)
                await self._is_wanted.wait()

    def _hold(self, batch: Batch) -> None:
        self.batch, self._num_taken = batch, 0
        self._is_wanted.clear()
        info = self.info
        if info is not None and not can_sample(info):
            self.shard.look_soon()
        self._changed()

    def _drop(self) -> None:
        self.batch = None
        self._changed()


def can_sample(info: TableInfo) -> bool:
    """Tell whether the limiter allowed one more sample when the table was last looked at."""
    limiter: RateLimiter = info.definition.rate_limiter
    is_filled = info.num_inserts - info.num_deletes >= limiter.min_size
    return is_filled and info.num_inserts * limiter.samples_per_insert - info.num_samples - 1 >= limiter.min_diff
