"""Files of the coordinator: an append-only journal per run, and small documents replaced as a whole."""

import fcntl
import json
import os
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from heronry.coordinator.core import records
from heronry.types.errors import RunActiveError

JOURNAL = Path("coordinator") / "journal.jsonl"


class Journal:
    """The journal of one run; what `append` returned from survives kill -9. Has one owner.

    A line torn by the writer's death is cut when the file is opened again.

    Raises:
      RunActiveError: another process has the journal open.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._closing = threading.Lock()
        self._file: BinaryIO = path.open("ab", buffering=0)
        try:
            _lock(self._file, path)
            self.records, end = records.decode(path.read_bytes())
            self._file.truncate(end)
        except BaseException:
            self._file.close()
            raise
        self._last: records.Record | None = None

    def append(self, record: records.Record) -> None:
        """Write one record; one that equals the last is left out."""
        if record != self._last:
            self._file.write(records.encode(record))
            self._last = record

    def sync(self) -> None:
        """Have everything written survive a loss of power; takes milliseconds, may be called in a thread."""
        with self._closing:
            if not self._file.closed:
                os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Close the file, after a sync under way: until that is over, the file would stay locked."""
        with self._closing:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lock(file: BinaryIO, path: Path) -> None:
    # Held until the file is closed or the process is gone, however that happens.
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunActiveError(
            f"run {path.parent.parent.name!r} is under way in another mesh", details={"journal": str(path)}
        ) from None


def replace_text(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash, sees the old text or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fdatasync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def replace_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document as `replace_text` does."""
    replace_text(path, json.dumps(document, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON document, empty when there is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return document if isinstance(document, dict) else {}
