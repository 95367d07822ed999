"""A directory of checkpoints, each a folder that appears whole or not at all."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from heronry.learner.core.checkpoint import ARRAYS_FILE, VALUES_FILE, Checkpoint, check_fits, decode, encode
from heronry.types.errors import DataLossError, HeronryError

_PREFIX = "update-"
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True)
class Found:
    """The newest checkpoint that can be used, and why newer ones cannot."""

    checkpoint: Checkpoint | None
    refused: tuple[str, ...] = ()


class CheckpointStore:
    """Keeps the newest checkpoints of one run; for one writer."""

    def __init__(self, directory: Path, num_kept: int) -> None:
        self._directory = directory
        self._num_kept = num_kept

    def save(self, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint so that it survives the loss of power; drop the oldest ones.

        One of the same number of updates is left as it is: it holds the same.
        """
        path = self._directory / f"{_PREFIX}{checkpoint.counters.num_updates:012d}"
        if not path.exists():
            self._write(path, encode(checkpoint))
        for old in self._paths()[self._num_kept :]:
            shutil.rmtree(old)
        return path

    def newest(self, fingerprint: str) -> Found:
        """Return the newest checkpoint; damaged ones are passed over while an older one is left.

        Raises:
          DataLossError: there are checkpoints, but all are damaged.
          SchemaMismatchError: the newest whole one is of another algorithm, network or environment.
        """
        refused: list[HeronryError] = []
        for path in self._paths():
            try:
                checkpoint = self.load(path)
            except DataLossError as error:
                refused.append(error)
                continue
            check_fits(checkpoint, fingerprint, path.name)
            return Found(checkpoint, tuple(str(e) for e in refused))
        if refused:
            raise refused[0]
        return Found(None)

    def load(self, path: Path) -> Checkpoint:
        """Read one checkpoint.

        Raises:
          DataLossError, SchemaMismatchError: it is damaged, or another program's.
        """
        try:
            files = {name: (path / name).read_bytes() for name in (ARRAYS_FILE, VALUES_FILE)}
        except OSError as error:
            raise DataLossError(f"{path.name}: {error.strerror}", details={"path": str(path)}) from error
        return decode(files, path.name)

    def _paths(self) -> list[Path]:
        """Return the checkpoints' folders, newest first."""
        if not self._directory.is_dir():
            return []
        return sorted((p for p in self._directory.iterdir() if p.name.startswith(_PREFIX)), reverse=True)

    def _write(self, path: Path, files: dict[str, bytes]) -> None:
        unfinished = path.with_name(f"{_UNFINISHED}{path.name}")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for name, data in files.items():
            with (unfinished / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        _sync_directory(unfinished)
        unfinished.rename(path)
        _sync_directory(self._directory)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
