"""A table of memory as it was saved on request: its state, and the bytes of its steps beside it.

The folder holds `definition`, `<position>.snapshot` and `steps/<region>`, an image of each region of the
memory with holes where nothing was in use. The snapshot has the checksums of what is. The folder is made under
another name and gets its own when all of it is on disk; nothing in it is changed after that.
"""

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, cast

import google_crc32c
import numpy as np

from heronry.replay.core.state import State, array_of, part_of
from heronry.replay.core.step_memory import CopyOnWriteMemory, StoredPart
from heronry.replay.core.table import Table
from heronry.replay.durability.definition_file import read_definition, write_definition
from heronry.replay.durability.durable_table import Written
from heronry.replay.durability.files import cannot_write, sync_folder, write_all
from heronry.replay.durability.snapshot_file import Snapshot
from heronry.replay.durability.snapshots import SnapshotFolder
from heronry.types.errors import DataLossError, FailedPreconditionError
from heronry.types.tables import TableDefinition

_STEPS: Final = "steps"
_DEFINITION: Final = "definition"
_PARTIAL: Final = ".partial"
_FORMER: Final = ".former"


class _Saved(NamedTuple):
    """Bytes of a region that were saved."""

    region: str
    offset: int
    num_bytes: int
    checksum: int


class TableSaver:
    """Writes one saved table: parts, then `finish`; used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Begin to save at a path; what is there stays until the end.

        Raises:
          ResourceExhaustedError: there is no room on the disk.
        """
        self._path = path
        self._partial = path.with_name(f"{path.name}{_PARTIAL}")
        self._saved: list[_Saved] = []
        self._files: dict[str, int] = {}
        shutil.rmtree(self._partial, ignore_errors=True)
        try:
            (self._partial / _STEPS).mkdir(parents=True)
        except OSError as error:
            raise cannot_write(f"table saved at {self._path}", error) from error

    def add(self, parts: Sequence[StoredPart]) -> None:
        """Write bytes of steps.

        Raises:
          ResourceExhaustedError: there is no room on the disk.
        """
        begun = len(self._saved)
        try:
            for part in parts:
                # What is written and what its checksum is of must be the same bytes.
                content = part.content.copy() if part.is_growing else part.content
                self._saved.append(_Saved(part.name, part.offset, len(content), google_crc32c.value(content)))
                write_all(self._file(part.name), [content], part.offset)
            self._send_off(self._saved[begun:])
        except OSError as error:
            raise cannot_write(f"table saved at {self._path}", error) from error

    def finish(self, definition: TableDefinition, snapshot: Snapshot) -> Written:
        """Write the state that the parts belong to, and put all of it in its place.

        Raises:
          ResourceExhaustedError: there is no room on the disk.
        """
        state: State = {"table": snapshot.state, "steps": _state_of(self._saved)}
        try:
            for descriptor in self._files.values():
                os.fsync(descriptor)
            sync_folder(self._partial / _STEPS)
            num_bytes = SnapshotFolder(self._partial).write(Snapshot(snapshot.position, snapshot.told, state))
            write_definition(self._partial / _DEFINITION, definition)
            former = self._path.with_name(f"{self._path.name}{_FORMER}")
            shutil.rmtree(former, ignore_errors=True)
            if self._path.exists():
                self._path.rename(former)
            self._partial.rename(self._path)
            sync_folder(self._path.parent)
            shutil.rmtree(former, ignore_errors=True)
        except OSError as error:
            raise cannot_write(f"table saved at {self._path}", error) from error
        num_bytes += sum(saved.num_bytes for saved in self._saved)
        return Written(self._path, int(str(snapshot.told["num_items"])), num_bytes)

    def close(self) -> None:
        """Let go; what was not finished is removed."""
        while self._files:
            with contextlib.suppress(OSError):
                os.close(self._files.popitem()[1])
        shutil.rmtree(self._partial, ignore_errors=True)

    def _send_off(self, written: Sequence[_Saved]) -> None:
        """Let the system write to the disk what it was just given, while more is copied."""
        if not hasattr(os, "posix_fadvise"):
            return
        for region in {saved.region for saved in written}:
            begin = min(s.offset for s in written if s.region == region)
            end = max(s.offset + s.num_bytes for s in written if s.region == region)
            # What is not on the disk yet is written, and stays in memory for who loads it.
            os.posix_fadvise(self._file(region), begin, end - begin, os.POSIX_FADV_DONTNEED)

    def _file(self, region: str) -> int:
        if region not in self._files:
            path = self._partial / _STEPS / region
            self._files[region] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._files[region]


def saved_tables(folder: Path) -> set[Path]:
    """Return where saved tables lie; one that was being replaced is put back."""
    for former in folder.glob(f"*{_FORMER}"):
        path = former.with_name(former.name.removesuffix(_FORMER))
        if path.exists():
            shutil.rmtree(former, ignore_errors=True)
        else:
            former.rename(path)
    return {p for p in folder.glob("*") if p.suffix != _PARTIAL}


def remove_saved(path: Path) -> None:
    """Remove what is saved at a path: first the name by which it is found."""
    if not path.exists():
        return
    partial = path.with_name(f"{path.name}{_PARTIAL}")
    shutil.rmtree(partial, ignore_errors=True)
    path.rename(partial)
    sync_folder(path.parent)
    shutil.rmtree(partial, ignore_errors=True)


def saved_steps(path: Path) -> Path:
    """Return the folder of a saved table's steps."""
    return path / _STEPS


def saved_memory(path: Path) -> CopyOnWriteMemory:
    """Return memory that begins with the steps of a saved table, which are brought in as they are wanted."""
    return CopyOnWriteMemory(saved_steps(path))


def load_saved(path: Path, declared: TableDefinition, table: Table, *, is_mapped: bool) -> None:
    """Make a fresh table what was saved at a path.

    All steps are read once and compared with their checksums before the table is served. With `is_mapped` the
    table has `saved_memory` of the path; otherwise they are copied into what it has.

    Raises:
      FailedPreconditionError: it was saved under another definition; names the fields that differ.
      DataLossError: what was saved is damaged; the table must not be used.
    """
    _check_same(path, read_definition(path / _DEFINITION), declared)
    problems: list[str] = []
    snapshot = SnapshotFolder(path).newest(problems)
    if snapshot is None:
        raise DataLossError(f"{path}: {problems[0] if problems else 'no state was saved'}")
    table.restore(part_of(snapshot.state, "table"))
    _read(path / _STEPS, _saved_of(part_of(snapshot.state, "steps")), None if is_mapped else table)
    table.finish_recovery()


def _check_same(path: Path, saved: TableDefinition, declared: TableDefinition) -> None:
    if saved != declared:
        message = (
            f"table {declared.table!r} is saved in {path} under another definition: "
            f"{'; '.join(saved.differences(declared))}"
        )
        raise FailedPreconditionError(message, details={"field": "definition", "value": declared.table})


def _read(folder: Path, all_saved: Sequence[_Saved], table: Table | None) -> None:
    """Compare what was saved with its checksums, and copy it into a table where one is named."""
    scratch = np.empty(max((saved.num_bytes for saved in all_saved), default=0), np.uint8)
    files: dict[str, int] = {}
    try:
        for region, offset, num_bytes, checksum in all_saved:
            if region not in files:
                files[region] = os.open(folder / region, os.O_RDONLY | os.O_CLOEXEC)
            content = scratch[:num_bytes]
            if (
                os.preadv(files[region], [content.data], offset) != num_bytes
                or google_crc32c.value(content) != checksum
            ):
                raise DataLossError(f"{folder / region}: {num_bytes} bytes at {offset} are damaged")
            if table is not None:
                table.store.fill(StoredPart(region, offset, content))
    except OSError as error:
        raise DataLossError(f"{folder}: the steps cannot be read: {error}") from error
    finally:
        for descriptor in files.values():
            os.close(descriptor)


def _state_of(all_saved: Sequence[_Saved]) -> State:
    regions = sorted({saved.region for saved in all_saved})
    numbers = [(regions.index(s.region), s.offset, s.num_bytes, s.checksum) for s in all_saved]
    return {"regions": list(regions), "parts": np.array(numbers, np.uint64).reshape(-1, 4)}


def _saved_of(state: State) -> list[_Saved]:
    regions = cast("list[str]", state["regions"])
    return [_Saved(regions[region], *rest) for region, *rest in array_of(state, "parts").tolist()]
