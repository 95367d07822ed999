"""Copies of checkpoints at an fsspec URL: a service whose disk is gone starts from there."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import structlog

from heronry.params.core.durability.checkpoint import read_checkpoint
from heronry.params.core.durability.files import sync_folder
from heronry.types.errors import (
    ConfigurationError,
    DataLossError,
    FailedPreconditionError,
    HeronryError,
    SchemaMismatchError,
    UnavailableError,
)

_log = structlog.get_logger(__name__)
_NAME = re.compile(r"checkpoint-(\d+)")
# Sent last, taken away first: a checkpoint without it is not there.
_MARK = "state.json"
_COPY_BYTES = 1 << 20

# A start that could not upload anything had an epoch too. After a restore that many are skipped, so that no
# version of such a start is taken for one of ours.
EPOCHS_SKIPPED = 1000


class FileSystem(Protocol):
    """What is used of fsspec."""

    def open(self, path: str, mode: str) -> BinaryIO: ...

    def ls(self, path: str, detail: bool) -> Sequence[Mapping[str, object]]: ...

    def exists(self, path: str) -> bool: ...

    def makedirs(self, path: str, exist_ok: bool) -> None: ...

    def rm(self, path: str, recursive: bool) -> None: ...

    def mv(self, path1: str, path2: str) -> None: ...

    def invalidate_cache(self, path: str | None = None) -> None: ...


@dataclass(frozen=True)
class Restored:
    """What was brought back: the checkpoint, and those newer ones that were damaged."""

    path: Path
    problems: tuple[HeronryError, ...]


class RemoteCheckpoints:
    """The checkpoints of one service below a URL; calls block, one thread at a time.

    A checkpoint is a folder of the local one's name. Its files are copied first and `state.json` last.
    """

    def __init__(self, url: str, num_kept: int) -> None:
        """Find the URL's file system.

        Raises:
          ConfigurationError: fsspec knows no such file system, or its package is not installed.
        """
        import fsspec.core  # only those who ask pay for the import

        try:
            found, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            allowed = f"a URL that fsspec opens: file:///..., memory://..., s3://... ({error})"
            raise ConfigurationError.of("checkpoint_url", url, allowed) from error
        self._files = cast(FileSystem, found)
        self._root = str(root).rstrip("/")
        self._num_kept = num_kept
        self.num_uploaded = 0
        self.num_failed = 0
        self.last_failure = ""

    def restore_into(self, folder: Path) -> Restored | None:
        """Bring the newest whole checkpoint into a folder that holds none; None when there is nothing to bring.

        A damaged one is told in the log and set aside, and the one before is taken.

        Raises:
          UnavailableError: the URL cannot be read. To begin with nothing would cut its models off.
          DataLossError: there are checkpoints, but none is whole.
        """
        if any(folder.glob("checkpoint-*")) or any(folder.glob("journal-*.log")):
            return None
        folder.mkdir(parents=True, exist_ok=True)
        problems: list[HeronryError] = []
        try:
            for sequence in reversed(self._committed()):
                path = self._fetched(sequence, folder, problems)
                if path is not None:
                    _log.info("remote_checkpoint_restored", path=str(path))
                    return Restored(path, tuple(problems))
        except HeronryError:
            raise
        except Exception as error:
            raise UnavailableError(f"checkpoint_url: cannot be read: {_described(error)}") from error
        if problems:
            reasons = "; ".join(str(problem) for problem in problems)
            raise DataLossError(f"checkpoint_url: none of {len(problems)} checkpoints is whole: {reasons}")
        return None

    def upload(self, path: Path) -> bool:
        """Copy a checkpoint there and drop the oldest beyond `num_kept`; tell whether it is there.

        A failure is logged and counted, never raised: the service goes on, and the next checkpoint is the next try.
        """
        try:
            self._send(path)
            self._prune()
        except Exception as error:  # noqa: BLE001 - file systems raise what they like; none of it may end the service
            self.num_failed += 1
            self.last_failure = _described(error)
            _log.error("remote_checkpoint_failed", path=str(path), reason=self.last_failure)
            return False
        self.num_uploaded += 1
        self.last_failure = ""
        _log.info("remote_checkpoint_saved", path=str(path))
        return True

    def _send(self, path: Path) -> None:
        self._files.makedirs(self._root, exist_ok=True)
        newest = max(self._committed(), default=-1)
        if newest >= _sequence_of(path.name):
            text = f"holds checkpoint {newest} of another service, or of a later state than {path.name}"
            raise FailedPreconditionError(f"checkpoint_url: {text}; give each service a URL of its own")
        target = f"{self._root}/{path.name}"
        self._remove(target)
        self._files.makedirs(target, exist_ok=True)
        for file in sorted(path.iterdir(), key=lambda file: file.name == _MARK):
            with file.open("rb") as source, self._files.open(f"{target}/{file.name}", "wb") as sink:
                shutil.copyfileobj(source, sink, _COPY_BYTES)

    def _fetched(self, sequence: int, folder: Path, problems: list[HeronryError]) -> Path | None:
        name = _name_of(sequence)
        partial = folder / f".{name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        for file in self._names_in(f"{self._root}/{name}"):
            with self._files.open(f"{self._root}/{name}/{file}", "rb") as source, (partial / file).open("wb") as sink:
                shutil.copyfileobj(source, sink, _COPY_BYTES)
        try:
            read_checkpoint(partial)
        except (DataLossError, SchemaMismatchError) as error:
            shutil.rmtree(partial)
            problems.append(error)
            _log.warning("remote_checkpoint_damaged", checkpoint=name, reason=str(error))
            # Its number will be used again by a checkpoint that is whole.
            self._files.mv(f"{self._root}/{name}/{_MARK}", f"{self._root}/{name}/{_MARK}.damaged")
            return None
        sync_folder(partial)
        path = partial.rename(folder / name)
        sync_folder(folder)
        return path

    def _prune(self) -> None:
        kept = self._committed()[-self._num_kept :]
        for name in self._names_in(self._root):
            if _NAME.fullmatch(name) and _sequence_of(name) < kept[0]:
                self._remove(f"{self._root}/{name}")

    def _remove(self, target: str) -> None:
        if self._files.exists(f"{target}/{_MARK}"):
            self._files.rm(f"{target}/{_MARK}", recursive=False)
        if self._files.exists(target):
            self._files.rm(target, recursive=True)

    def _committed(self) -> list[int]:
        """Return the numbers of the checkpoints that are there, ascending."""
        names = [name for name in self._names_in(self._root) if _NAME.fullmatch(name)]
        return sorted(_sequence_of(name) for name in names if self._files.exists(f"{self._root}/{name}/{_MARK}"))

    def _names_in(self, path: str) -> list[str]:
        self._files.invalidate_cache()
        try:
            entries = self._files.ls(path, detail=True)
        except FileNotFoundError:
            return []
        # Object stores list a folder's own placeholder beside what is in it.
        names = [str(entry["name"]).rstrip("/").rsplit("/", 1)[-1] for entry in entries]
        return [name for name in names if name and name != path.rsplit("/", 1)[-1]]


def _name_of(sequence: int) -> str:
    return f"checkpoint-{sequence:08d}"


def _sequence_of(name: str) -> int:
    return int(name.removeprefix("checkpoint-"))


def _described(error: Exception) -> str:
    return str(error) if isinstance(error, HeronryError) else f"{type(error).__name__}: {error}"
