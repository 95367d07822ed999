"""The folder in which one service's tables lie."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.durability.definition_file import read_definition, write_definition
from heronry.replay.durability.durable_table import DurableTable
from heronry.replay.durability.files import cannot_write
from heronry.replay.durability.folder import FolderLock, TableFolder
from heronry.replay.durability.recovery import DurabilitySettings, RecoveryReport, open_table
from heronry.types.errors import FailedPreconditionError, HeronryError
from heronry.types.tables import TableDefinition

_DEFINITION: Final = "definition"


@dataclass(frozen=True)
class Recovered:
    """A table that was found, as it was declared, or why it could not be opened; its folder stays as it is then."""

    name: str
    declared: TableDefinition | None
    table: DurableTable | None
    report: RecoveryReport
    error: HeronryError | None = None


class StorageRoot:
    """Tables' folders under one path, which no other server may use meanwhile."""

    def __init__(self, path: Path, budget: ByteBudget, settings: DurabilitySettings) -> None:
        """Lock the path, making it where it is missing.

        Raises:
          FencedError: another server uses it; names its process.
        """
        self._path = path
        self._budget = budget
        self._settings = settings
        self._unopened: dict[Path, HeronryError] = {}
        self._lock = FolderLock(path)

    def recover(self) -> Iterator[Recovered]:
        """Open all tables that lie here; folders without a definition are the rest of one that was not finished."""
        for path in sorted(p for p in self._path.iterdir() if p.is_dir()):
            if (path / _DEFINITION).exists():
                yield self._recovered(TableFolder.at(path))
            elif (path / "columns").exists():
                shutil.rmtree(path, ignore_errors=True)

    def create(self, definition: TableDefinition) -> DurableTable:
        """Make a new table; when this returns it is found again after any end of the process.

        Raises:
          FailedPreconditionError: one of that name lies here that could not be opened; it is left as it is.
          ResourceExhaustedError: there is no room on the disk.
          InvalidArgumentError, SchemaMismatchError: the definition could never work.
        """
        self.check_free(definition.table)
        folder = TableFolder(self._path, definition.table)
        folder.remove()
        table: DurableTable | None = None
        try:
            table, _ = open_table(folder, definition, self._budget, self._settings)
            write_definition(folder.definition, definition)
        except OSError as error:
            _give_up(folder, table)
            raise cannot_write(f"table {definition.table!r}", error) from error
        except BaseException:
            _give_up(folder, table)
            raise
        return table

    def check_free(self, table: str) -> None:
        """Check that no table of that name lies here which could not be opened.

        Raises:
          FailedPreconditionError: one does; says where and why.
        """
        folder = TableFolder(self._path, table)
        if folder.definition.exists():
            raise _left_alone(table, folder, self._unopened.get(folder.path))

    def discard(self, table: str) -> bool:
        """Remove a table that could not be opened; False when none lies here."""
        folder = TableFolder(self._path, table)
        is_here = folder.definition.exists()
        if is_here:
            folder.remove()
            self._unopened.pop(folder.path, None)
        return is_here

    def discard_unopened(self) -> None:
        """Remove all tables that could not be opened."""
        for path in list(self._unopened):
            TableFolder.at(path).remove()
        self._unopened.clear()

    def close(self) -> None:
        """Let others in; the tables must be closed."""
        self._lock.close()

    def remove(self) -> None:
        """Remove all that lies here and let others in."""
        shutil.rmtree(self._path, ignore_errors=True)
        self._lock.close()

    def _recovered(self, folder: TableFolder) -> Recovered:
        try:
            definition = read_definition(folder.definition)
            table, report = open_table(folder, definition, self._budget, self._settings)
        except (HeronryError, OSError) as caught:
            error = caught if isinstance(caught, HeronryError) else _cannot_read(folder, caught)
            self._unopened[folder.path] = error
            return Recovered(folder.path.name, None, None, RecoveryReport(), error)
        return Recovered(definition.table, definition, table, report)


def _cannot_read(folder: TableFolder, error: OSError) -> FailedPreconditionError:
    return FailedPreconditionError(f"{error.filename or folder.path}: {error.strerror or error}")


def _left_alone(table: str, folder: TableFolder, reason: HeronryError | None) -> FailedPreconditionError:
    why = "" if reason is None else f": {reason.message}"
    message = (
        f"table {table!r} lies in {folder.path} and could not be opened when the service started{why}; "
        "mend that and start the service again, or delete the table with all it holds"
    )
    details = {"field": "definition.table", "value": table, "folder": str(folder.path)}
    return FailedPreconditionError(message, details=details)


def _give_up(folder: TableFolder, table: DurableTable | None) -> None:
    if table is not None:
        table.close()
    folder.remove()
