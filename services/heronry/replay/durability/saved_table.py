"""A table of memory as it was saved on request: its state, and the bytes of its steps beside it.

The folder holds `definition`, `<position>.snapshot` and `steps`, records of parts of the memory's regions.
It is made under another name and gets its own when all of it is on disk.
"""

import contextlib
import mmap
import os
import shutil
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from heronry.replay.core.step_memory import StoredPart
from heronry.replay.core.table import Table
from heronry.replay.durability.definition_file import read_definition, write_definition
from heronry.replay.durability.durable_table import Written
from heronry.replay.durability.files import Buffer, cannot_write, sync_folder, write_all
from heronry.replay.durability.records import encoded_parts, num_encoded_bytes, record_at
from heronry.replay.durability.snapshot_file import Snapshot
from heronry.replay.durability.snapshots import SnapshotFolder
from heronry.types.errors import DataLossError
from heronry.types.tables import TableDefinition

_PART: Final = 1
_HEAD: Final = struct.Struct("<QH")
_STEPS: Final = "steps"
_DEFINITION: Final = "definition"
_PARTIAL: Final = ".partial"
_FORMER: Final = ".former"


class TableSaver:
    """Writes one saved table: parts, then `finish`; used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Begin to save at a path; what is there stays until the end.

        Raises:
          ResourceExhaustedError: there is no room on the disk.
        """
        self._path = path
        self._partial = path.with_name(f"{path.name}{_PARTIAL}")
        self._num_parts = 0
        self._num_bytes = 0
        shutil.rmtree(self._partial, ignore_errors=True)
        try:
            self._partial.mkdir(parents=True)
            self._steps = os.open(self._partial / _STEPS, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise cannot_write("a saved table", error) from error

    def add(self, parts: Sequence[StoredPart]) -> None:
        """Write bytes of steps.

        Raises:
          ResourceExhaustedError: there is no room on the disk.
        """
        records: list[Buffer] = []
        for part in parts:
            self._num_parts += 1
            name = part.name.encode()
            payload = (_HEAD.pack(part.offset, len(name)), name, part.content)
            records += encoded_parts(self._num_parts, _PART, payload)
        try:
            self._num_bytes += write_all(self._steps, records)
        except OSError as error:
            raise cannot_write("a saved table", error) from error

    def finish(self, definition: TableDefinition, snapshot: Snapshot) -> Written:
        """Write the state that the parts belong to, and put all of it in its place.

        Raises:
          ResourceExhaustedError: there is no room on the disk.
        """
        told = {**snapshot.told, "num_parts": self._num_parts}
        try:
            os.fsync(self._steps)
            num_bytes = SnapshotFolder(self._partial).write(Snapshot(snapshot.position, told, snapshot.state))
            write_definition(self._partial / _DEFINITION, definition)
            former = self._path.with_name(f"{self._path.name}{_FORMER}")
            shutil.rmtree(former, ignore_errors=True)
            if self._path.exists():
                self._path.rename(former)
            self._partial.rename(self._path)
            sync_folder(self._path.parent)
            shutil.rmtree(former, ignore_errors=True)
        except OSError as error:
            raise cannot_write("a saved table", error) from error
        return Written(self._path, int(str(told["num_items"])), self._num_bytes + num_bytes)

    def close(self) -> None:
        """Let go; what was not finished is removed."""
        with contextlib.suppress(OSError):
            os.close(self._steps)
        shutil.rmtree(self._partial, ignore_errors=True)


def saved_tables(folder: Path) -> set[Path]:
    """Return where saved tables lie; one that was being replaced is put back."""
    for former in folder.glob(f"*{_FORMER}"):
        path = former.with_name(former.name.removesuffix(_FORMER))
        if path.exists():
            shutil.rmtree(former, ignore_errors=True)
        else:
            former.rename(path)
    return {p for p in folder.glob("*") if p.suffix != _PARTIAL}


def load_saved(path: Path, declared: TableDefinition, table: Table) -> bool:
    """Make a fresh table what was saved at a path; False when another definition was.

    Raises:
      DataLossError: what was saved is damaged; the table must not be used.
    """
    if read_definition(path / _DEFINITION) != declared:
        return False
    problems: list[str] = []
    snapshot = SnapshotFolder(path).newest(problems)
    if snapshot is None:
        raise DataLossError(f"{path}: {problems[0] if problems else 'no state was saved'}")
    table.restore(snapshot.state)
    if table.specs:
        _fill(path / _STEPS, table, int(str(snapshot.told["num_parts"])))
    table.finish_recovery()
    return True


def _fill(path: Path, table: Table, num_parts: int) -> None:
    content = memoryview(b"")
    if num_parts and path.stat().st_size:
        with path.open("rb") as file:
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    offset = 0
    for number in range(1, num_parts + 1):
        record = record_at(content, offset)
        if record is None or record.position != number:
            raise DataLossError(f"{path}: part {number} of {num_parts} is damaged")
        offset += num_encoded_bytes(record.payload)
        at, length = _HEAD.unpack_from(record.payload)
        name = record.payload[_HEAD.size : _HEAD.size + length].decode()
        content_of = np.frombuffer(record.payload, np.uint8, offset=_HEAD.size + length)
        table.store.fill(StoredPart(name, at, content_of))
