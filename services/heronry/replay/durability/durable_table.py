"""A table with what makes it outlive the process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from heronry.replay.core.reserved import CopySpace
from heronry.replay.core.step_memory import StepMemory
from heronry.replay.core.table import Table
from heronry.replay.durability.files import cannot_write
from heronry.replay.durability.folder import TableFolder
from heronry.replay.durability.snapshot_file import Snapshot
from heronry.replay.durability.snapshots import SnapshotFolder
from heronry.replay.durability.table_journal import TableJournal

_NUM_ITEMS: Final = "num_items"


@dataclass(frozen=True)
class Written:
    """A snapshot on disk."""

    path: Path
    num_items: int
    num_bytes: int


class DurableTable:
    """A table, its journal and its folder.

    A snapshot is two calls: `take` by the table's owner copies arrays, `write` in another thread does the
    rest; the steps' bytes lie in the mapped columns already. Task-safety: `write` one at a time.
    """

    def __init__(
        self,
        table: Table,
        journal: TableJournal,
        memory: StepMemory,
        folder: TableFolder,
        snapshot_log_bytes: int,
    ) -> None:
        self.table = table
        self.journal = journal
        self._memory = memory
        self._folder = folder
        self._snapshots = SnapshotFolder(folder.snapshots)
        self._snapshot_log_bytes = snapshot_log_bytes
        self._bytes_before = 0
        self._position_before = 0

    @property
    def has_changed(self) -> bool:
        """Whether something was noted since the last snapshot."""
        return self.journal.has_noted or self.journal.committed != self._position_before

    @property
    def is_snapshot_due(self) -> bool:
        """Whether the log since the last snapshot has become long."""
        return self.journal.num_bytes - self._bytes_before >= self._snapshot_log_bytes

    def take(self, space: CopySpace | None = None) -> Snapshot:
        """Return the table's state now, copied into a space, and the log's position that it is of.

        Raises:
          ResourceExhaustedError: the log is broken; `resume` is the way on.
        """
        position = self.table.commit()
        self._bytes_before, self._position_before = self.journal.num_bytes, position
        told = {"table": self.table.definition.table, _NUM_ITEMS: self.table.num_items}
        return Snapshot(position, told, self.table.state(space))

    def resume(self, space: CopySpace | None = None) -> Snapshot:
        """Go on after the log has failed, and return the snapshot that must be written before anything is let in.

        Raises:
          ResourceExhaustedError: there is still no room for a log.
        """
        self.journal.resume()
        return self.take(space)

    def write(self, snapshot: Snapshot) -> Written:
        """Write a snapshot and drop what it makes superfluous.

        Raises:
          ResourceExhaustedError: it could not be written; log and former snapshots stay.
        """
        try:
            num_bytes = self._snapshots.write(snapshot)
        except OSError as error:
            raise cannot_write("a snapshot", error) from error
        self.journal.resumed(snapshot.position)
        self.journal.drop_through(self._snapshots.prune())
        path = self._snapshots.file_of(snapshot.position)
        return Written(path, int(str(snapshot.told[_NUM_ITEMS])), num_bytes)

    def sync(self) -> None:
        """Force the columns to the disk."""
        self._memory.sync()

    def close(self) -> None:
        """Let go of the table and keep its folder."""
        self.journal.close()
        self.table.close()

    def remove(self) -> None:
        """Let go of the table and remove its folder."""
        self.journal.close()
        self.table.close(remove=True)
        self._folder.remove()
