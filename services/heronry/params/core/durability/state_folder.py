"""The folder in which a service's state outlives it.

`checkpoint-<n>` directories hold everything at a moment but the open rounds; `journal-<n>.log` holds what was
acknowledged after checkpoint n and before n + 1. A checkpoint needs the journals from the record on with which
its oldest open round began: the contributions to open rounds are counted again from there. Where these are few
among much else, `carried-<n>.log` holds them, and a checkpoint needs the journals from n on. The journals that
the oldest checkpoint kept needs are kept too, so that a damaged checkpoint costs nothing: the one before and
the journals after it lead to the same state.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from heronry.params.core.durability.carried import LEAST_PINNED_BYTES, Needs, read_carried, write_carried
from heronry.params.core.durability.checkpoint import Checkpoint, read_checkpoint, read_needs, write_checkpoint
from heronry.params.core.durability.documents import as_int
from heronry.params.core.durability.files import sync_folder
from heronry.params.core.durability.journal import Journal, Record, read_journal
from heronry.params.core.durability.records import OPENED, opened
from heronry.params.core.rounds import Place
from heronry.types.errors import (
    DataLossError,
    FailedPreconditionError,
    HeronryError,
    ResourceExhaustedError,
    SchemaMismatchError,
)
from heronry.types.experience import AcknowledgementLevel

_NUM_CHECKPOINTS_KEPT = 3


class Recovered:
    """What a folder held.

    Attributes:
      checkpoint: the newest valid one.
      epoch: the highest one that was ever opened here; 0 for a new folder.
      problems: what was found damaged and left out; reading the records goes on adding to it.
    """

    def __init__(
        self,
        checkpoint: Checkpoint | None,
        epoch: int,
        journals: Mapping[int, Path],
        problems: list[HeronryError],
        carried: Path | None = None,
    ) -> None:
        """Take the journals by their sequence, and what goes before them."""
        self.checkpoint = checkpoint
        self.epoch = epoch
        self.problems = problems
        self._journals = dict(sorted(journals.items()))
        self._carried = carried

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to restore."""
        if self.checkpoint is not None:
            return False
        records = (record for path in self._journals.values() for record in read_journal(path, []))
        return all(record.kind == OPENED for record in records)

    def records(self) -> Iterator[tuple[Place, Record]]:
        """Yield the records of all journals in order, each with its place; one at a time in memory."""
        if self._carried is not None:
            yield from read_carried(self._carried, self.problems)
        yield from _records_of(self._journals, self.problems)


class StateFolder:
    """Journal and checkpoints of one service; one process at a time.

    Task-safety: `append` and `rotate` belong to the core's owner, `write` may run in another thread.
    """

    def __init__(self, path: Path, *, max_pinned_bytes: int = LEAST_PINNED_BYTES) -> None:
        """Lock the folder, making it when missing.

        Args:
          path: the folder.
          max_pinned_bytes: of old journals that open rounds may keep, beside twice what they need of them.

        Raises:
          FailedPreconditionError: another service uses it.
        """
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise FailedPreconditionError(f"{path}: another parameter service uses this folder") from error
        self._journal: Journal | None = None
        self._sequence = 0
        self._epoch = 0
        self._max_pinned_bytes = max_pinned_bytes
        self._carried: int | None = None
        self._needs: dict[int, Needs] = {}

    @property
    def journal_bytes(self) -> int:
        """Bytes that a restart would have to replay."""
        return self._journal.num_bytes if self._journal else 0

    def recover(self) -> Recovered:
        """Read the newest valid checkpoint and the journals after it.

        Raises:
          DataLossError: there are checkpoints, but none is valid.
        """
        for partial in self.path.glob(".checkpoint-*.partial"):
            shutil.rmtree(partial)
        for partial in self.path.glob(".carried-*.partial"):
            partial.unlink()
        problems: list[HeronryError] = []
        checkpoint = self._newest_valid(problems)
        needs = self._needs_of(checkpoint.sequence) if checkpoint else Needs(0)
        self._carried = needs.carried
        journals = {s: self._journal_path(s) for s in self._journal_sequences()}
        epochs = [self._epoch_of(path) for path in journals.values()]
        epoch = max([checkpoint.epoch if checkpoint else 0, *epochs])
        self._sequence = max([-1, *journals, *self._checkpoint_sequences()])
        needed = {sequence: path for sequence, path in journals.items() if sequence >= needs.first_journal}
        return Recovered(checkpoint, epoch, needed, problems, self._carried_file())

    def enter(self, epoch: int) -> None:
        """Set the epoch that journals are begun in."""
        self._epoch = epoch

    def rotate(self) -> int:
        """Begin the next journal; return the sequence of the checkpoint that it follows.

        The epoch is on the disk before anything is published in it: two starts never share one.

        Raises:
          ResourceExhaustedError: the disk is full. The journal before goes on, and this can be tried again.
        """
        journal = self._begun(self._sequence + 1)
        if self._journal is not None:
            self._journal.close()
        self._journal = journal
        self._sequence += 1
        return self._sequence

    def append(self, record: Record, level: AcknowledgementLevel) -> Place | None:
        """Make a change durable, as far as the level says, before it is acknowledged; return where it lies."""
        if self._journal is None:
            raise FailedPreconditionError(f"{self.path}: the folder is closed")
        index = self._journal.append(record, level)
        return None if index is None else Place(self._sequence, index)

    def write(self, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint and drop what it makes superfluous; return its directory.

        Raises:
          ResourceExhaustedError: the disk is full. Journals go on as before, nothing is lost.
        """
        path = self._checkpoint_path(checkpoint.sequence)
        try:
            needs = self._prepared(checkpoint)
            write_checkpoint(path, checkpoint, needs)
        except OSError as error:
            raise ResourceExhaustedError(f"checkpoint {path.name}: {error.strerror}") from error
        self._needs[checkpoint.sequence] = needs
        self._carried = needs.carried
        self._prune()
        return path

    def close(self) -> None:
        """Close the journal and let others use the folder."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _begun(self, sequence: int) -> Journal:
        """Return a journal that has its first record; one that cannot be begun leaves no file in the way."""
        journal = Journal(self._journal_path(sequence))
        try:
            journal.append(opened(self._epoch), AcknowledgementLevel.DISK)
            sync_folder(self.path)
        except OSError as error:
            journal.drop()
            raise ResourceExhaustedError(f"journal {journal.path.name}: {error.strerror}") from error
        except BaseException:
            journal.drop()
            raise
        return journal

    def _prepared(self, checkpoint: Checkpoint) -> Needs:
        """Return what a checkpoint needs beside itself, carried over when it would keep too many old journals."""
        sequence = checkpoint.sequence
        oldest = min([sequence, *(place.sequence for place in checkpoint.began.values())])
        carried = self._carried if self._carried is not None and oldest < self._carried else None
        first = oldest if carried is None else carried
        old = {s: self._journal_path(s) for s in self._journal_sequences() if first <= s < sequence}
        files = [*old.values(), *([] if carried is None else [self._carried_path(carried)])]
        if _size_of(files) <= self._max_pinned_bytes + 2 * checkpoint.num_open_bytes:
            return Needs(first, carried)
        recovered = Recovered(None, 0, old, [], self._carried_file() if carried is not None else None)
        records = recovered.records()
        write_carried(self._carried_path(sequence), records, checkpoint.began, Place(sequence, 0))
        return Needs(sequence, sequence)

    def _carried_file(self) -> Path | None:
        """Return the carried file that is in use; a checkpoint that was copied from elsewhere comes without."""
        path = None if self._carried is None else self._carried_path(self._carried)
        return path if path is not None and path.exists() else None

    def _newest_valid(self, problems: list[HeronryError]) -> Checkpoint | None:
        sequences = self._checkpoint_sequences()
        for sequence in reversed(sequences):
            try:
                return read_checkpoint(self._checkpoint_path(sequence))
            except (DataLossError, SchemaMismatchError) as error:
                problems.append(error)
        if sequences and 0 not in self._journal_sequences():
            reasons = "; ".join(str(problem) for problem in problems)
            raise DataLossError(f"{self.path}: none of {len(sequences)} checkpoints is valid: {reasons}")
        return None

    def _prune(self) -> None:
        sequences = self._checkpoint_sequences()
        if len(sequences) < _NUM_CHECKPOINTS_KEPT:
            return
        kept = sequences[-_NUM_CHECKPOINTS_KEPT:]
        for sequence in [s for s in sequences if s < kept[0]]:
            # The new checkpoint stands, whatever becomes of the old: what stays is tried again at the next one.
            shutil.rmtree(self._checkpoint_path(sequence), ignore_errors=True)
            self._needs.pop(sequence, None)
        needs = [self._needs_of(sequence) for sequence in kept]
        first = min(need.first_journal for need in needs)
        old = [self._journal_path(s) for s in self._journal_sequences() if s < first]
        if first:
            in_use = {need.carried for need in needs}
            old += [self._carried_path(s) for s in _sequences(self.path, "carried") if s not in in_use]
        for path in old:
            with contextlib.suppress(OSError):
                path.unlink()

    def _needs_of(self, sequence: int) -> Needs:
        """Return what a checkpoint needs beside itself; one that cannot be read, all."""
        if sequence not in self._needs:
            try:
                self._needs[sequence] = read_needs(self._checkpoint_path(sequence))
            except DataLossError:
                return Needs(0)
        return self._needs[sequence]

    @staticmethod
    def _epoch_of(journal: Path) -> int:
        """Return the epoch that a journal was begun in."""
        first = next(read_journal(journal, []), None)
        return as_int(first.fields["epoch"]) if first is not None and first.kind == OPENED else 0

    def _checkpoint_sequences(self) -> list[int]:
        return sorted(int(p.name.removeprefix("checkpoint-")) for p in self.path.glob("checkpoint-*"))

    def _journal_sequences(self) -> list[int]:
        return _sequences(self.path, "journal")

    def _checkpoint_path(self, sequence: int) -> Path:
        return self.path / f"checkpoint-{sequence:08d}"

    def _journal_path(self, sequence: int) -> Path:
        return self.path / f"journal-{sequence:08d}.log"

    def _carried_path(self, sequence: int) -> Path:
        return self.path / f"carried-{sequence:08d}.log"


def _sequences(folder: Path, kind: str) -> list[int]:
    return sorted(int(path.stem.removeprefix(f"{kind}-")) for path in folder.glob(f"{kind}-*.log"))


def _records_of(journals: Mapping[int, Path], problems: list[HeronryError]) -> Iterator[tuple[Place, Record]]:
    for sequence, path in journals.items():
        for index, record in enumerate(read_journal(path, problems)):
            yield Place(sequence, index), record


def _size_of(files: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in files if path.exists())
