"""A table with the thread that owns it, and with what keeps its folder in step."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import structlog

from heronry.replay.core.reserved import CopySpace
from heronry.replay.core.table import Table
from heronry.replay.core.windows import Pages
from heronry.replay.durability.durable_table import DurableTable
from heronry.replay.durability.group_commit import GroupCommit
from heronry.replay.durability.saved_table import TableSaver, remove_saved
from heronry.replay.durability.snapshot_file import Snapshot
from heronry.replay.settling import Settling
from heronry.runtime.owner import Owner
from heronry.types.blocking import Changed, Waiting
from heronry.types.errors import FailedPreconditionError, HeronryError, TableNotFoundError, UnavailableError
from heronry.types.tables import TableDefinition, TableInfo

T = TypeVar("T")

_PERIOD_S: Final = 0.05
_RETRY_S: Final = 1.0
_COPIED_PAGES: Final = 256

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Saved:
    """A snapshot that was written, and how long callers of the table stood still for it."""

    path: Path
    num_items: int
    num_bytes: int
    stall_s: float


@dataclass(frozen=True)
class _Copy:
    """A state whose steps are still to be copied."""

    snapshot: Snapshot
    pages: Pages
    stall_s: float


class TableHost:
    """One table and its owner: callers of one table do not wait for those of another.

    What is acknowledged goes through two calls: the change itself, which hands it to the operating system,
    and `settled`, which waits for what else the table's level promises.
    """

    def __init__(
        self,
        definition: TableDefinition,
        table: Table,
        durable: DurableTable | None = None,
        group: GroupCommit | None = None,
        saved: Path | None = None,
    ) -> None:
        """Take a table over.

        Args:
          definition: as it was declared.
          table: the table.
          durable: of a table with a journal.
          group: the service's group commit, where there is a journal.
          saved: where a table without a journal is saved on request.
        """
        self.declared = definition
        self.table = table
        self._owner = Owner(f"table {definition.table!r}")
        self._durable = durable
        self._saved = saved
        self._saving = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._settling: Settling | None = None
        if durable is not None and group is not None:
            loop = asyncio.get_running_loop()
            self._settling = Settling(durable.journal, group, loop, self._note_durable)
            self._start(self._keep_up(durable))

    @property
    def is_durable(self) -> bool:
        """Whether the table outlives the process."""
        return self._durable is not None

    @property
    def is_suspended(self) -> bool:
        """Whether nothing is let in because the disk is full or failed."""
        return self._durable is not None and not self._durable.journal.has_room

    @property
    def is_settled(self) -> bool:
        """Whether all changes made so far have the table's level."""
        return self._settling is None or self._settling.is_done

    async def call(self, function: Callable[..., T], *args: object) -> T:
        """Run a core call that changes nothing others wait for, in the owner's thread."""
        return await self._owner.call(function, *args)

    async def change(self, function: Callable[..., Changed[T]], *args: object) -> T:
        """Run a core call in the owner's thread; it waits as long as it must, and wakes others."""
        changed: T = await self._owner.call(function, *args)
        return changed

    def attempt(self, function: Callable[..., Changed[T]], *args: object) -> Changed[T] | None:
        """Run a short core call at once; None when others are at the table, or the call must wait: `change` it then."""
        return self._owner.attempt(function, *args)

    async def settled(self) -> None:
        """Return when all changes made before survive what the table's level promises; then they may be acknowledged.

        MEMORY and PROCESS need no wait: the core call has handed the change to the operating system.

        Raises:
          ResourceExhaustedError: the disk failed.
        """
        if self._settling is not None:
            await self._settling.wait()

    async def finish(self, function: Callable[..., object], *args: object) -> None:
        """Run a session's last call, also for a stream that is being cancelled, or of a table that is gone."""
        with contextlib.suppress(UnavailableError, TableNotFoundError):
            await asyncio.shield(self._owner.call(function, *args))

    async def info(self) -> TableInfo:
        """Describe the table and those who wait."""
        info = await self._owner.call(self.table.info)
        return replace(info, waiting=tuple(self._owner.waiting()))

    def waiting(self) -> list[Waiting]:
        """Return who waits for what, the longest waiting first; callable from any thread."""
        return self._owner.waiting()

    @property
    def num_unsettled(self) -> int:
        """Log positions that do not have the table's level yet; callable from any thread."""
        if self._durable is None:
            return 0
        return self._durable.journal.committed - self._durable.journal.settled

    def longest_waiting(self, side: str) -> Waiting | None:
        """Return why the caller of a side waits that has waited longest."""
        return next((w for w in self._owner.waiting() if w.side == side), None)

    async def save_snapshot(self) -> Saved:
        """Write the table's state while it is served.

        Raises:
          FailedPreconditionError: the table has no place for it.
          ResourceExhaustedError: there is no room on the disk.
        """
        async with self._saving:
            if self._durable is not None:
                return await self._save(self._durable, self._durable.take)
            if self._saved is None:
                raise FailedPreconditionError(f"table {self.declared.table!r} has no place to be saved at")
            return await self._save_copy(self._saved)

    async def close(self, *, remove: bool = False, reason: HeronryError | None = None) -> None:
        """Let go of the table, and of its folder when asked for.

        Those who use it are told `reason`; without one they are told to come back.
        """
        upkeep = list(self._tasks)
        for task in upkeep:
            task.cancel()
        await asyncio.gather(*upkeep, return_exceptions=True)
        if self._durable is None:
            await self._owner.retire(self.table.close, reason)
            if remove and self._saved is not None:
                await asyncio.to_thread(remove_saved, self._saved)
        elif remove:
            await self._owner.retire(self._durable.remove, reason)
        else:
            await self._save_last(self._durable)
            await self._owner.retire(self._durable.close, reason)

    async def _keep_up(self, durable: DurableTable) -> None:
        """Hand over what rides along with the next commit, and write snapshots when they are due."""
        while True:
            await asyncio.sleep(_PERIOD_S)
            try:
                await self._catch_up(durable)
            except HeronryError as error:
                _log.warning("table_log_failing", table=self.declared.table, error=str(error))
                await asyncio.sleep(_RETRY_S)

    async def _catch_up(self, durable: DurableTable) -> None:
        journal = durable.journal
        if journal.needs_snapshot:
            async with self._saving:
                await self._save(durable, durable.resume)
            _log.info("table_log_resumed", table=self.declared.table, position=journal.committed)
        if journal.has_noted:
            await self._owner.call(self.table.commit)
        if self._settling is not None and journal.settled < journal.committed:
            self._settling.request()
        if durable.is_snapshot_due and not self._saving.locked():
            self._start(self._save_due())

    async def _save_due(self) -> None:
        try:
            saved = await self.save_snapshot()
        except HeronryError as error:
            _log.warning("table_snapshot_failed", table=self.declared.table, error=str(error))
        else:
            _log.info("table_snapshot", table=self.declared.table, items=saved.num_items, bytes=saved.num_bytes)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._note_end)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        """Tell what upkeep has failed by: nobody waits for it."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("table_upkeep_failed", table=self.declared.table, exc_info=error)

    async def _save(self, durable: DurableTable, take: Callable[[CopySpace], Snapshot]) -> Saved:
        def timed() -> tuple[Snapshot, float]:
            begun_s = time.perf_counter()
            return take(space), time.perf_counter() - begun_s

        space = await self._copy_space()
        snapshot, stall_s = await self._owner.call(timed)
        written = await asyncio.to_thread(durable.write, snapshot)
        return Saved(written.path, written.num_items, written.num_bytes, stall_s)

    async def _copy_space(self) -> CopySpace:
        """Return memory for a copy of the state: touched elsewhere, while the table is served."""
        return await asyncio.to_thread(CopySpace, await self._owner.call(self.table.state_bytes))

    async def _save_copy(self, path: Path) -> Saved:
        """Save state and steps; pages that become free meanwhile are kept until they are copied."""
        begun = await self._owner.call(self._begin_copy, await self._copy_space())
        saver: TableSaver | None = None
        try:
            saver = await asyncio.to_thread(TableSaver, path)
            for first in range(0, len(begun.pages), _COPIED_PAGES):
                chosen = begun.pages[first : first + _COPIED_PAGES]
                parts = await self._owner.call(lambda pages: list(self.table.store.parts(pages)), chosen)
                await asyncio.to_thread(saver.add, parts)
            written = await asyncio.to_thread(saver.finish, self.declared, begun.snapshot)
        finally:
            if saver is not None:
                await asyncio.to_thread(saver.close)
            if len(begun.pages):
                await self.finish(self.table.store.release_pages, begun.pages)
        return Saved(written.path, written.num_items, written.num_bytes, begun.stall_s)

    def _begin_copy(self, space: CopySpace) -> "_Copy":
        begun_s = time.perf_counter()
        table = self.table
        pages = table.store.hold_pages() if table.specs else np.zeros(0, np.int64)
        snapshot = Snapshot(0, {"num_items": table.num_items}, table.state(space))
        return _Copy(snapshot, pages, time.perf_counter() - begun_s)

    async def _save_last(self, durable: DurableTable) -> None:
        """Write a snapshot, so that the next start has nothing to apply; the log has it all if that fails."""
        try:
            if durable.has_changed:
                await self.save_snapshot()
        except HeronryError as error:
            _log.warning("table_snapshot_failed", table=self.declared.table, error=str(error))

    def _note_durable(self, position: int) -> None:
        self._start(self.finish(self.table.note_durable, position))
