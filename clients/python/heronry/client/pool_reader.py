"""Batches of a table that several shards hold."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heronry.client.drawn_rows import DrawnRows, join_rows, split_draws
from heronry.client.shard import Shard
from heronry.client.shard_feed import ShardFeed
from heronry.types.errors import DeadlineExceededError
from heronry.types.experience import Batch


@dataclass
class _Demand:
    """Rows still to come of one shard, and the probability that an item was to come from it."""

    feed: ShardFeed
    num_rows: int
    share: float


class PoolReader:
    """Splits each batch by a multinomial draw over the shards' masses and joins what the shards have drawn.

    What a shard cannot give after all, because it was lost or its limiter holds it back, is drawn again over
    the others. For one task at a time.
    """

    def __init__(
        self,
        shards: Sequence[Shard],
        table: str,
        batch_size: int,
        columns: Sequence[str],
        num_credits: int,
        rng: np.random.Generator,
    ) -> None:
        self._table = table
        self._batch_size = batch_size
        self._rng = rng
        self._news = asyncio.Event()
        self._num_batches = 0
        # As many from each shard as a batch has rows: few batches then need two of one shard.
        self._feeds = [ShardFeed(s, table, batch_size, columns, num_credits, self._news.set) for s in shards]

    def note_change(self) -> None:
        """Look at the shards again: something was heard of one."""
        self._news.set()

    async def next(self, timeout_s: float | None) -> Batch:
        """Return the next batch.

        Raises:
          DeadlineExceededError: it was not complete after `timeout_s`; says which shards were waited for.
        """
        demands: list[_Demand] = []
        parts: list[DrawnRows] = []
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    self._check()
                    self._split(demands, self._batch_size - sum(map(len, parts)))
                    self._take(demands, parts)
                    if sum(map(len, parts)) == self._batch_size:
                        return self._join(parts)
                    # Rows of a batch that is given back may be overwritten.
                    used_up = {id(feed.batch) for feed in self._feeds if not feed.num_rows}
                    parts = [part.owned(self._squeezed) if id(part.batch) in used_up else part for part in parts]
                    self._give_back()
                    # Each look at a shard is news, so that what changed there is seen within half a second.
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise self._deadline_error(demands, timeout_s or 0.0) from None

    async def close(self) -> None:
        """End the streams."""
        await asyncio.gather(*(feed.close() for feed in self._feeds))

    def _check(self) -> None:
        for feed in self._feeds:
            if feed.failure is not None:
                raise feed.failure

    def _split(self, demands: list[_Demand], num_missing: int) -> None:
        """Draw the shards of all rows that no shard is to give, or one that cannot now while others can."""
        masses = np.array([feed.mass for feed in self._feeds])
        if not masses.sum() > 0:
            return
        able = {id(feed) for feed, mass in zip(self._feeds, masses, strict=True) if mass > 0}
        demands[:] = [d for d in demands if d.num_rows and id(d.feed) in able]
        num_open = num_missing - sum(d.num_rows for d in demands)
        if num_open == 0:
            return
        counts, shares = split_draws(self._rng, num_open, masses)
        drawn = zip(self._feeds, counts.tolist(), shares.tolist(), strict=True)
        demands += [_Demand(feed, count, share) for feed, count, share in drawn if count]

    def _take(self, demands: Sequence[_Demand], parts: list[DrawnRows]) -> None:
        for demand in demands:
            if demand.num_rows and demand.feed.num_rows:
                batch, start, stop = demand.feed.take(demand.num_rows)
                parts.append(DrawnRows(batch, start, stop, demand.share))
                demand.num_rows -= stop - start

    def _join(self, parts: Sequence[DrawnRows]) -> Batch:
        table_size = sum(feed.info.num_items for feed in self._feeds if feed.info is not None)
        self._num_batches += 1
        batch = join_rows(parts, self._squeezed, table_size, self._num_batches)
        self._give_back()
        return batch

    @property
    def _squeezed(self) -> set[str]:
        infos = (feed.info for feed in self._feeds)
        return {c.name for info in infos if info is not None for c in info.definition.pattern.columns if c.squeeze}

    def _give_back(self) -> None:
        for feed in self._feeds:
            feed.give_back()

    def _deadline_error(self, demands: Sequence[_Demand], timeout_s: float) -> DeadlineExceededError:
        waited = [d.feed for d in demands if d.num_rows] or self._feeds
        reasons = "; ".join(f"{feed.shard.address}: {_reason(feed)}" for feed in waited)
        message = f"Sample of table {self._table!r}: nothing came for {timeout_s:g} s ({reasons})"
        return DeadlineExceededError(message, details={"table": self._table})


def _reason(feed: ShardFeed) -> str:
    if feed.shard.lost_because is not None:
        return f"lost, {feed.shard.lost_because}"
    if feed.info is None:
        return "no such table"
    waits = [w for w in feed.info.waiting if w.side == "sample"]
    return str(waits[0]) if waits else "no answer yet"
