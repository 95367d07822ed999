"""One service of a pool: its client, and what was last heard of it."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from heronry.client.options import ConnectionOptions
from heronry.client.replay import ReplayClient
from heronry.types.errors import (
    AbortedError,
    HeronryError,
    NotFoundError,
    UnavailableError,
)
from heronry.types.tables import TableDefinition, TableInfo

T = TypeVar("T")
LOOK_PERIOD_S: Final = 0.5
_LEAST_PERIOD_S: Final = 0.02
_ANSWER_TIMEOUT_S: Final = 2.0
_SHARD_SHIFT: Final = 52
# What a stream meets whose service goes away, or has come back without the table that it had.
LOST_ERRORS: Final = (UnavailableError, AbortedError, NotFoundError)


class ShardLostError(Exception):
    """The shard was lost while a call to it was under way."""


class Shard:
    """A replay service, looked at every half second; for one event loop.

    Tables that were declared through the pool are declared again when the service has come back without
    them. `changed` is called whenever something else was heard than before.
    """

    def __init__(self, address: str, options: ConnectionOptions, changed: Callable[[], None]) -> None:
        self.address = address
        self.client = ReplayClient(address, options)
        self.num_writers = 0
        self.declared: dict[str, TableDefinition] = {}
        self.infos: Mapping[str, TableInfo] = {}
        self.lost_because: str | None = "not reached yet"
        self._watcher = ReplayClient(address, replace(options, retry_s=0.0, timeout_s=_ANSWER_TIMEOUT_S))
        self._changed = changed
        self._is_wanted = asyncio.Event()
        self._loss: asyncio.Event = asyncio.Event()
        self._loss.set()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_lost(self) -> bool:
        """Whether it did not answer when it was last asked."""
        return self.lost_because is not None

    @property
    def number(self) -> int | None:
        """The number in the keys of its items; None before it holds a table."""
        return next((info.shard for info in self.infos.values()), None)

    @property
    def loss(self) -> asyncio.Event:
        """Set when the shard is lost, and never unset: another one comes with the shard's return."""
        return self._loss

    def start(self) -> None:
        """Begin to look."""
        if self._task is None:
            self._task = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """End looking and close the connections."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._watcher.close()
        await self.client.close()

    def look_soon(self) -> None:
        """Look again without waiting for the half second to be over."""
        self._is_wanted.set()

    async def look(self) -> None:
        """Ask for the tables, declare those that are gone, and take note of what it says."""
        try:
            infos = {info.definition.table: info for info in await self._watcher.list_tables()}
            missing = [d for name, d in self.declared.items() if name not in infos]
            if missing and not self.is_lost:
                # It was away for less than half a second and has forgotten them: all that is held of it is void.
                self._note_loss("came back without its tables")
            for definition in missing:
                await self._watcher.create_table(definition)
                infos[definition.table] = await self._watcher.get_table(definition.table)
        except HeronryError as error:
            self._note_loss(error.message)
            return
        self._note(infos)

    async def unless_lost(self, call: Coroutine[Any, Any, T]) -> T:
        """Return what a call returns.

        Raises:
          ShardLostError: the shard was lost before it had returned; whether it was carried out is not known.
        """
        loss = self._loss
        if loss.is_set():
            call.close()
            raise ShardLostError(self.address)
        task, lost = asyncio.ensure_future(call), asyncio.ensure_future(loss.wait())
        try:
            await asyncio.wait((task, lost), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise ShardLostError(self.address)
        except (UnavailableError, AbortedError) as error:
            await self.look()
            if loss.is_set():
                raise ShardLostError(self.address) from error
            raise
        finally:
            lost.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait([task])

    def _note(self, infos: Mapping[str, TableInfo]) -> None:
        self.infos = infos
        if self.is_lost:
            self.lost_because = None
            self._loss = asyncio.Event()
        self._changed()

    def _note_loss(self, reason: str) -> None:
        self.lost_because = reason
        self._loss.set()
        self._changed()

    async def _watch(self) -> None:
        while True:
            began_s = time.monotonic()
            self._is_wanted.clear()
            await self.look()
            left_s = _LEAST_PERIOD_S - (time.monotonic() - began_s)
            if left_s > 0:
                await asyncio.sleep(left_s)
            try:
                await asyncio.wait_for(self._is_wanted.wait(), LOOK_PERIOD_S)
            except TimeoutError:
                continue


def rows_by_shard(
    shards: Sequence[Shard], keys: npt.NDArray[np.uint64]
) -> Iterator[tuple[Shard, npt.NDArray[np.intp]]]:
    """Yield each shard that answers and is named by some of the keys, with the rows of these."""
    numbers = keys >> np.uint64(_SHARD_SHIFT)
    for shard in shards:
        if not shard.is_lost and shard.number is not None:
            rows = np.flatnonzero(numbers == shard.number)
            if len(rows):
                yield shard, rows
