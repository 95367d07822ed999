"""The tables of a service by name, and where those lie that outlive it."""

import asyncio
from pathlib import Path
from typing import Final

import numpy as np
import structlog

from heronry.replay.config import ReplaySettings
from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.step_memory import SpillMemory, StepMemory
from heronry.replay.core.table import Table
from heronry.replay.durability.folder import TableFolder
from heronry.replay.durability.group_commit import GroupCommit
from heronry.replay.durability.recovery import DurabilitySettings
from heronry.replay.durability.saved_table import load_saved, remove_saved, saved_memory, saved_tables
from heronry.replay.durability.storage_root import Recovered, StorageRoot
from heronry.replay.table_host import TableHost
from heronry.types.errors import AlreadyExistsError, FailedPreconditionError, HeronryError, TableNotFoundError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.tables import TableDefinition

# No table's folder has this name: it would be escaped.
_SAVED: Final = "@saved"

_log = structlog.get_logger(__name__)


class TableHosts:
    """All tables, within one byte budget; used on one event loop."""

    def __init__(self, settings: ReplaySettings) -> None:
        self._settings = settings
        self._budget = ByteBudget(settings.max_bytes)
        self._hosts: dict[str, TableHost] = {}
        self._roots: dict[Path, StorageRoot] = {}
        self._group = GroupCommit()
        self._saved = saved_tables(self._path("") / _SAVED)
        self._making = asyncio.Lock()

    async def create(self, definition: TableDefinition, run_id: str = "") -> bool:
        """Make a table, of a run or of nobody's; False when an equal one is there.

        Raises:
          AlreadyExistsError: another one of that name is there.
          InvalidArgumentError, SchemaMismatchError: a definition that cannot work.
          FencedError: another server uses the folder of such tables.
          FailedPreconditionError: one of that name could not be opened when the service started.
          ResourceExhaustedError: there is no room on the disk.
        """
        # A caller that leaves meanwhile leaves a table behind, not half of one.
        return await asyncio.shield(self._created(definition, run_id))

    async def _created(self, definition: TableDefinition, run_id: str) -> bool:
        async with self._making:
            known = self._hosts.get(definition.table)
            if known is None:
                self._hosts[definition.table] = await self._new_host(definition, run_id)
                return True
        if known.declared != definition:
            differences = "; ".join(known.declared.differences(definition))
            message = f"table {definition.table!r} is there with another definition: {differences}"
            raise AlreadyExistsError(message, details={"field": "definition.table", "value": definition.table})
        return False

    def get(self, table: str) -> TableHost:
        """Return a table.

        Raises:
          TableNotFoundError: no such table; names those there are.
        """
        if table not in self._hosts:
            raise TableNotFoundError.of("table", table, sorted(self._hosts))
        return self._hosts[table]

    def find(self, table: str) -> TableHost | None:
        """Return a table, or None."""
        return self._hosts.get(table)

    def all(self) -> list[TableHost]:
        """Return all tables, sorted by name."""
        return [self._hosts[name] for name in sorted(self._hosts)]

    async def recover(self, run_id: str = "") -> tuple[str, ...]:
        """Serve the tables that a former process left, of a run or of nobody's; return their names.

        A table that cannot be opened is told and left as it lies.

        Raises:
          FencedError: another server uses their folder.
        """
        path = self._path(run_id)
        if path in self._roots or not path.exists():
            return ()
        found = await asyncio.to_thread(lambda: list(self._root(run_id).recover()))
        for one in found:
            _tell(one)
            if one.table is not None and one.declared is not None:
                host = TableHost(one.declared, one.table.table, one.table, self._group)
                self._hosts[one.declared.table] = host
        return tuple(one.name for one in found if one.table is not None)

    async def drop(self, table: str, *, is_for_good: bool = False) -> None:
        """Drop a table with its folder, or with what is saved of it.

        Its streams are told to come back, for a run makes its tables anew; of one that is dropped for good
        they are told so.
        """
        host = self._hosts.pop(table, None)
        if host is not None:
            reason = TableNotFoundError(f"table {table!r} was deleted", details={"field": "table", "value": table})
            await host.close(remove=True, reason=reason if is_for_good else None)

    async def discard(self, table: str) -> None:
        """Remove what lies on disk of a table that is not served: it could not be opened, or is saved and not loaded.

        Raises:
          TableNotFoundError: no such table; names those there are.
        """
        async with self._making:
            # One that was made meanwhile is there to be dropped, and not by its name on disk.
            if table in self._hosts or not await asyncio.to_thread(self._discarded, table):
                raise TableNotFoundError.of("table", table, sorted(self._hosts))

    async def discard_unopened(self, run_id: str) -> None:
        """Remove what lies on disk of a run's tables that could not be opened."""
        root = self._roots.get(self._path(run_id))
        if root is not None:
            await asyncio.to_thread(root.discard_unopened)

    async def leave(self, run_id: str) -> None:
        """Drop all that lies on disk of a run; its tables must be dropped."""
        path = self._path(run_id)
        root = self._roots.pop(path, None)
        if root is not None:
            await asyncio.to_thread(root.remove)

    async def close(self) -> None:
        """Let go of all tables; those with a folder are found again by the next start."""
        async with self._making:
            while self._hosts:
                _, host = self._hosts.popitem()
                await host.close()
        await asyncio.to_thread(self._group.close)
        while self._roots:
            self._roots.popitem()[1].close()

    async def _new_host(self, definition: TableDefinition, run_id: str) -> TableHost:
        """Make a table in another thread: files are written, and a saved table may be large."""
        for root in self._roots.values():
            root.check_free(definition.table)
        if definition.acknowledgement is not AcknowledgementLevel.MEMORY:
            durable = await asyncio.to_thread(lambda: self._root(run_id).create(definition))
            return TableHost(definition, durable.table, durable, self._group)
        if run_id:
            return TableHost(definition, self._fresh(definition))
        path = self._saved_path(definition.table)
        return TableHost(definition, await asyncio.to_thread(self._in_memory, definition, path), saved=path)

    def _in_memory(self, definition: TableDefinition, path: Path) -> Table:
        """Make a table without a journal; one that was saved before the service's start begins with that."""
        if path not in self._saved:
            return self._fresh(definition)
        table = self._loaded(definition, path)
        self._saved.discard(path)
        return table

    def _loaded(self, definition: TableDefinition, path: Path) -> Table:
        """Return a table as it was saved; its steps are mapped, unless it spills to a file of its own.

        Raises:
          FailedPreconditionError, DataLossError: it cannot be; what was saved stays.
        """
        table: Table | None = None
        try:
            table = self._fresh(definition, None if definition.spill else saved_memory(path))
            load_saved(path, definition, table, is_mapped=not definition.spill)
        except BaseException as error:
            if table is not None:
                table.close()
            if isinstance(error, HeronryError):
                _log.error("table_not_loaded", table=definition.table, error=error.message)
                message = f"{error.message}; mend that, or delete the table with all that is saved of it"
                raise type(error)(message, details=error.details) from error
            raise
        _log.info("table_loaded", table=definition.table, items=table.num_items, path=str(path))
        return table

    def _discarded(self, table: str) -> bool:
        is_found = [root.discard(table) for root in self._roots.values()]
        path = self._saved_path(table)
        if path in self._saved:
            remove_saved(path)
            self._saved.discard(path)
            return True
        return any(is_found)

    def _saved_path(self, table: str) -> Path:
        return TableFolder(self._path("") / _SAVED, table).path

    def _fresh(self, definition: TableDefinition, memory: StepMemory | None = None) -> Table:
        if definition.spill:
            memory = SpillMemory(self._path("") / "spill")
        return Table(
            definition,
            self._budget,
            np.random.default_rng(definition.seed),
            shard=self._settings.shard,
            memory=memory,
            max_resident_bytes=self._settings.max_resident_bytes if definition.spill else 0,
        )

    def _root(self, run_id: str) -> StorageRoot:
        path = self._path(run_id)
        if path not in self._roots:
            settings = self._settings
            durability = DurabilitySettings(settings.shard, settings.max_resident_bytes, settings.snapshot_log_bytes)
            try:
                self._roots[path] = StorageRoot(path, self._budget, durability)
            except OSError as error:
                message = f"tables cannot be kept in {path}: {error.strerror}"
                details = {"field": "data_dir", "value": str(path), "allowed": "a folder that can be written to"}
                raise FailedPreconditionError(message, details=details) from error
        return self._roots[path]

    def _path(self, run_id: str) -> Path:
        """Return where tables lie: a run's in the run's folder, others beside the runs'."""
        settings = self._settings
        instance = settings.instance or "replay-0"
        if settings.storage_dir is not None:
            return settings.storage_dir / (f"run-{run_id}" if run_id else "tables") / instance
        return settings.data_dir / run_id / "replay" / instance


def _tell(found: Recovered) -> None:
    report = found.report
    if found.error is not None:
        _log.error("table_not_recovered", table=found.name, error=str(found.error))
        return
    _log.info(
        "table_recovered",
        table=found.name,
        items=report.num_items,
        effects=report.num_effects,
        dropped_items=report.num_dropped,
        duration_s=round(report.duration_s, 3),
    )
    for problem in report.problems:
        _log.warning("table_recovery_dropped", table=found.name, problem=problem)


__all__ = ["TableHost", "TableHosts"]
