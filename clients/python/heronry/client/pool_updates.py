"""Priorities of a pool's table, changed over one stream to each shard."""

import contextlib
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from heronry.client.priority_updates import CLOSE_TIMEOUT_S, FLUSH_TIMEOUT_S, PriorityUpdates
from heronry.client.shard import Shard, ShardLostError, rows_by_shard
from heronry.types.errors import InvalidArgumentError


class PoolPriorityUpdates:
    """Queues updates where their keys say, as `PriorityUpdates` of each shard; use as `async with`.

    Updates for a lost shard are dropped and count as ignored: its items may be gone. For one task at a time.
    """

    def __init__(self, table: str, shards: Sequence[Shard], open_on: Callable[[Shard], PriorityUpdates]) -> None:
        self.table = table
        self._shards = shards
        self._open_on = open_on
        self._streams: dict[Shard, PriorityUpdates] = {}
        self._num_updates = 0

    @property
    def num_pending(self) -> int:
        """Updates that no shard has acknowledged yet."""
        return sum(stream.num_pending for stream in self._streams.values())

    async def update(
        self,
        keys: npt.NDArray[np.uint64],
        priorities: npt.NDArray[np.floating],
        *,
        timeout_s: float = FLUSH_TIMEOUT_S,
    ) -> None:
        """Queue updates; returns at once unless too many are under way.

        Raises:
          InvalidArgumentError: a priority that is negative, infinite or not a number, or not one for each key.
          DeadlineExceededError: a shard had no room for `timeout_s`.
        """
        if len(keys) != len(priorities):
            raise InvalidArgumentError.of("priorities", f"{len(priorities)} values", f"{len(keys)}, one for each key")
        self._num_updates += len(keys)
        for shard, rows in rows_by_shard(self._shards, keys):
            try:
                stream = self._streams.get(shard) or await self._open(shard)
                await shard.unless_lost(stream.update(keys[rows], priorities[rows], timeout_s=timeout_s))
            except ShardLostError:
                await self._drop(shard)

    async def flush(self, *, timeout_s: float = FLUSH_TIMEOUT_S) -> tuple[int, int]:
        """Wait until all is acknowledged; return how many were changed and how many were not, in all.

        What a shard had changed before it was lost counts with what was not.
        """
        num_applied = 0
        for shard, stream in list(self._streams.items()):
            try:
                num_applied += (await shard.unless_lost(stream.flush(timeout_s=timeout_s)))[0]
            except ShardLostError:
                await self._drop(shard)
        return num_applied, self._num_updates - num_applied

    async def close(self, *, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Flush and end the streams."""
        try:
            await self.flush(timeout_s=timeout_s)
            for shard, stream in self._streams.items():
                with contextlib.suppress(ShardLostError):
                    await shard.unless_lost(stream.close(timeout_s=timeout_s))
        finally:
            await self.abort()

    async def abort(self) -> None:
        """Close the streams at once; what was not acknowledged may be lost."""
        for shard in list(self._streams):
            await self._drop(shard)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await (self.close() if kind is None else self.abort())

    async def _open(self, shard: Shard) -> PriorityUpdates:
        stream = await self._open_on(shard).__aenter__()
        self._streams[shard] = stream
        return stream

    async def _drop(self, shard: Shard) -> None:
        stream = self._streams.pop(shard, None)
        if stream is not None:
            await stream.abort()
