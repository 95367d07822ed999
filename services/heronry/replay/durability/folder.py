"""The folder of a table: where its definition, columns, log and snapshots lie, and who may use it."""

import fcntl
import hashlib
import os
import shutil
import urllib.parse
from pathlib import Path
from typing import Final, Self

from heronry.replay.durability.files import sync_folder
from heronry.types.errors import FencedError

_LOCK: Final = "lock"
_MAX_NAME: Final = 200
"""Characters of a folder's name: with what is added to it, within what file systems take."""


class FolderLock:
    """Keeps other servers out of a folder until it is closed, or the process ends however it does."""

    def __init__(self, path: Path) -> None:
        """Lock the folder, making it where it is missing.

        Raises:
          FencedError: another server uses it; names its process.
        """
        path.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._file, 64, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            details = {"folder": str(path), "holder": holder}
            raise FencedError(f"{path}: in use by another replay server, process {holder}", details=details) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let others in; closing again does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class TableFolder:
    """`<root>/<table>/{definition, columns/, log/, snapshots/}`; a name's special characters are escaped."""

    def __init__(self, root: Path, table: str) -> None:
        self.path = root / _folder_name(table)

    @classmethod
    def at(cls, path: Path) -> Self:
        """Return the folder that lies at a path."""
        folder = cls(path.parent, "")
        folder.path = path
        return folder

    @property
    def definition(self) -> Path:
        """The declared definition; a folder without it holds no table."""
        return self.path / "definition"

    @property
    def columns(self) -> Path:
        """Folder of the step columns."""
        return self.path / "columns"

    @property
    def log(self) -> Path:
        """Folder of the log's segments."""
        return self.path / "log"

    @property
    def snapshots(self) -> Path:
        """Folder of the snapshots."""
        return self.path / "snapshots"

    def remove(self) -> None:
        """Remove all of it: first the name by which it is found, so that no half of it is ever taken for a table."""
        if not self.path.exists():
            return
        self.definition.unlink(missing_ok=True)
        sync_folder(self.path)
        shutil.rmtree(self.path, ignore_errors=True)


def _folder_name(table: str) -> str:
    # A dot at the beginning could name the folder itself or the one above.
    name = urllib.parse.quote(table, safe="").replace(".", "%2E")
    if len(name) <= _MAX_NAME:
        return name
    # No other name has an @: it would be escaped.
    digest = hashlib.sha256(table.encode()).hexdigest()
    return f"{name[: _MAX_NAME - len(digest) - 1]}@{digest}"
