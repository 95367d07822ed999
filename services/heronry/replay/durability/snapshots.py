"""The snapshots of a table's folder: the newest valid one, and how many are kept."""

from pathlib import Path
from typing import Final

from heronry.replay.durability.snapshot_file import Snapshot, read_snapshot, write_snapshot
from heronry.types.errors import DataLossError

_SUFFIX: Final = ".snapshot"
NUM_KEPT: Final = 2


class SnapshotFolder:
    """Files `<position>.snapshot`; a damaged one costs nothing while the one before it and the log are there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def positions(self) -> list[int]:
        """Return the positions of all snapshots, oldest first."""
        return sorted(int(p.stem) for p in self._path.glob(f"*{_SUFFIX}") if p.stem.isdecimal())

    def newest(self, problems: list[str]) -> Snapshot | None:
        """Return the newest whole snapshot; what is wrong with newer ones is added to `problems`."""
        for position in reversed(self.positions()):
            try:
                return read_snapshot(self.file_of(position))
            except DataLossError as error:
                problems.append(error.message)
        return None

    def write(self, snapshot: Snapshot) -> int:
        """Write a snapshot and return its bytes.

        Raises:
          OSError: it could not be written; the others stay as they are.
        """
        self._path.mkdir(parents=True, exist_ok=True)
        return write_snapshot(self.file_of(snapshot.position), snapshot)

    def prune(self) -> int:
        """Drop all but the newest ones; return the position from which on the log is still needed."""
        positions = self.positions()
        for position in positions[:-NUM_KEPT]:
            self.file_of(position).unlink()
        for partial in self._path.glob("*.partial"):
            partial.unlink()
        # With a single snapshot the log's beginning is the only other way to the same state.
        return positions[-NUM_KEPT] if len(positions) >= NUM_KEPT else 0

    def file_of(self, position: int) -> Path:
        """Return the path of a snapshot."""
        return self._path / f"{position:020d}{_SUFFIX}"
