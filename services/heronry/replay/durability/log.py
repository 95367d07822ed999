"""The writing end of a log: segments filled one after the other, and a spare one."""

import contextlib
import os
import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from heronry.replay.durability.files import cannot_write, sync_folder, write_all
from heronry.replay.durability.records import encoded

SEGMENT_BYTES: Final = 64 << 20
_SUFFIX: Final = ".log"
_RESERVE: Final = "reserve"


def segments(folder: Path) -> list[tuple[int, Path]]:
    """Return the segments of a log with the position each begins at, oldest first."""
    found = [p for p in folder.glob(f"*{_SUFFIX}") if p.stem.isdecimal()]
    return sorted((int(p.stem), p) for p in found)


class Log:
    """Appends records to segment files, each named by the position of its first record.

    A segment's blocks on disk are taken before it is used, and so are those of one spare segment: while
    `has_spare` there is room for what must still be said when the disk is full. A segment that could not
    be written or forced to the disk is never tried again: the log is `broken` until `begin` starts a new
    segment, which is sound only with a snapshot of everything before it, at `last_tried` or later.

    Attributes:
      committed: position of the last record that the operating system has.
      durable: position of the last record that was forced to the disk.
      last_tried: last position that may stand in a segment.
      num_bytes: appended since the log was opened.
      broken: why nothing more is appended.

    Task-safety: `append`, `begin` and `refill` belong to the table's owner; `sync` runs beside them in one
    other thread.
    """

    def __init__(self, folder: Path, position: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        """Go on after `position` in a new segment.

        Raises:
          ResourceExhaustedError: there is no room for it.
        """
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._gate = threading.Lock()
        self._synced = threading.Lock()
        self._segment = -1
        self._room = 0
        self._used = 0
        self._retired: list[int] = []
        self._is_entry_new = False
        self._has_spare = False
        self.broken: OSError | None = None
        self.committed = position
        self.durable = position
        self.last_tried = position
        self.num_bytes = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.begin(position)

    @property
    def has_spare(self) -> bool:
        """Whether there is a spare segment."""
        return self._has_spare

    def begin(self, position: int) -> None:
        """Start a new segment after `position`, which is never below the last one.

        Raises:
          ResourceExhaustedError: there is no room for it.
        """
        try:
            self._start(position + 1, self._segment_bytes)
        except OSError as error:
            raise cannot_write("a segment of the log", error) from error
        with self._gate:
            self.committed = self.last_tried = position
            self.durable = max(self.durable, position)
            self.broken = None
            self._drop_retired()
        self.refill()

    def refill(self) -> bool:
        """Make sure that there is a spare segment; False when the disk has no room for it."""
        if self._has_spare:
            return True
        partial = self._reserve.with_suffix(".partial")
        try:
            os.close(_allocated(partial, self._segment_bytes))
            partial.rename(self._reserve)
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink()
            return False
        self._has_spare = True
        return True

    def append(self, changes: Sequence[tuple[int, bytes]]) -> int:
        """Write records of these kinds and payloads, and return the position of the last.

        When this returns the operating system has them: they survive the end of the process.

        Raises:
          ResourceExhaustedError: they could not be written; the log is broken.
        """
        if self.broken is not None:
            raise cannot_write("the log", self.broken)
        first = self.committed + 1
        records = [encoded(first + i, kind, payload) for i, (kind, payload) in enumerate(changes)]
        self.last_tried += len(records)
        try:
            self._write(records, first)
        except OSError as error:
            self.broken = error
            raise cannot_write("the log", error) from error
        with self._gate:
            self.committed += len(records)
        return self.committed

    def sync(self) -> int:
        """Force all that was appended before to the disk and return the position up to which it is.

        Raises:
          ResourceExhaustedError: that failed; the log is broken, what is after `durable` may be lost.
        """
        with self._synced:
            return self._sync()

    def drop_through(self, position: int) -> int:
        """Remove segments none of whose records comes after `position`; return how many."""
        found = segments(self._folder)
        passed = [path for (_, path), (next_first, _) in pairwise(found) if next_first <= position + 1]
        for path in passed:
            path.unlink()
        return len(passed)

    def close(self) -> None:
        """Give back what was taken ahead; records stay. Closing again does nothing."""
        with self._synced, self._gate:
            if self._segment < 0:
                return
            with contextlib.suppress(OSError):
                os.ftruncate(self._segment, self._used)
            os.close(self._segment)
            self._segment = -1
            self._drop_retired()
            self._has_spare = False
            self._reserve.unlink(missing_ok=True)

    @property
    def _reserve(self) -> Path:
        return self._folder / _RESERVE

    def _write(self, records: Sequence[bytes], first: int) -> None:
        begin = 0
        while begin < len(records):
            end = self._fitting(records, begin)
            if end == begin:
                self._roll(first + begin, len(records[begin]))
                continue
            content = records[begin] if end == begin + 1 else b"".join(records[begin:end])
            count = len(content)
            if os.pwrite(self._segment, content, self._used) != count:
                # A call moves 2 GiB at most, and less when it is interrupted: all of it again is the same.
                write_all(self._segment, [content], self._used)
            self._used += count
            self.num_bytes += count
            begin = end

    def _fitting(self, records: Sequence[bytes], begin: int) -> int:
        """Return the first record that the segment takes no more."""
        room = self._room - self._used
        for index in range(begin, len(records)):
            room -= len(records[index])
            if room < 0:
                return index
        return len(records)

    def _roll(self, first: int, least_bytes: int) -> None:
        self._start(first, max(self._segment_bytes, least_bytes))
        self.refill()

    def _start(self, first: int, num_bytes: int) -> None:
        path = self._folder / f"{first:020d}{_SUFFIX}"
        if num_bytes == self._segment_bytes and self._has_spare:
            self._has_spare = False
            self._reserve.rename(path)
            descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        else:
            descriptor = _allocated(path, num_bytes)
        with self._gate:
            if self._segment >= 0:
                self._retired.append(self._segment)
            self._segment, self._room, self._used = descriptor, num_bytes, 0
            self._is_entry_new = True

    def _sync(self) -> int:
        with self._gate:
            if self._segment < 0 or self.broken is not None:
                return self._refused()
            retired, current, position = list(self._retired), self._segment, self.committed
            is_entry_new, self._is_entry_new = self._is_entry_new, False
        try:
            for descriptor in (*retired, current):
                os.fdatasync(descriptor)
            if is_entry_new:
                sync_folder(self._folder)
        except OSError as error:
            self.broken = error
            raise cannot_write("the log", error) from error
        with self._gate:
            for descriptor in retired:
                self._retired.remove(descriptor)
                os.close(descriptor)
            self.durable = max(self.durable, position)
        return self.durable

    def _refused(self) -> int:
        if self.broken is not None:
            raise cannot_write("the log", self.broken)
        return self.durable

    def _drop_retired(self) -> None:
        for descriptor in self._retired:
            os.close(descriptor)
        self._retired.clear()


def _allocated(path: Path, num_bytes: int) -> int:
    """Return a descriptor of a new file whose blocks are taken, all zeros."""
    # An empty segment of a start that came to nothing may be there: it holds no record.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, num_bytes)
    except OSError:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        raise
    return descriptor
