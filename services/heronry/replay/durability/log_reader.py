"""The reading end of a log: whole records in order, and what of it is damaged."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heronry.replay.durability.log import segments
from heronry.replay.durability.records import Record, num_encoded_bytes, record_at, whole_records


@dataclass(frozen=True)
class Damage:
    """What of a log was left out.

    Attributes:
      segment: name of the file.
      first: first position that is lost.
      last: last position that is lost: records behind the damage count too. 0: none is known, the tail
        of a write that never ended.
      num_bytes: bytes left out of the segment.
    """

    segment: str
    first: int
    last: int
    num_bytes: int

    @property
    def is_tail(self) -> bool:
        """Whether nothing whole lies behind: a write that the end of the process or of power cut off."""
        return self.last == 0

    def __str__(self) -> str:
        if self.is_tail:
            return f"{self.segment}: the last {self.num_bytes} bytes are no whole record, cut off"
        return f"{self.segment}: damaged; positions {self.first} to {self.last} are dropped"


class LogReader:
    """Reads the records after a position, once; changes nothing but by `cut_tail`.

    Reading ends at the first record that is not whole. An effect names slots and pages as the ones before
    it left them, so everything behind a damaged record depends on it: what is read is the log up to there,
    a state the table had. What is behind is dropped, and counted in `damage`.

    Attributes:
      position: of the last record that was read.
      damage: None until reading ended early.
    """

    def __init__(self, folder: Path, after: int) -> None:
        self._segments = segments(folder)
        self._end: tuple[Path, int] | None = None
        self.position = after
        self.damage: Damage | None = None

    @property
    def end(self) -> int:
        """Last position in use, damaged ones included: new ones must come after it."""
        return self.position if self.damage is None else max(self.position, self.damage.last)

    def __iter__(self) -> Iterator[Record]:
        begins = [first for first, _ in self._segments]
        for index, (first, path) in enumerate(self._segments):
            if index + 1 < len(begins) and begins[index + 1] <= self.position + 1:
                continue
            if first > self.position + 1:
                self.damage = Damage(path.name, self.position + 1, max(first - 1, self._last_from(index)), 0)
            else:
                yield from self._read(index)
            if self.damage is not None:
                return

    def cut_tail(self) -> None:
        """End the last segment behind its last whole record, on disk too; nothing where more was damaged."""
        if self._end is None or (self.damage is not None and not self.damage.is_tail):
            return
        path, num_bytes = self._end
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, num_bytes)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def _read(self, index: int) -> Iterator[Record]:
        expected, path = self._segments[index]
        content, offset = _content(path), 0
        while True:
            record = record_at(content, offset)
            if record is None or record.position != expected:
                offset, record = self._behind_what_is_known(content, offset)
                if record is None:
                    break
            offset += num_encoded_bytes(record.payload)
            expected = record.position + 1
            if record.position == self.position + 1:
                self.position = record.position
                yield record
        self._end = path, offset
        left = _used_bytes(content[offset:])
        if left:
            last = max(_last_position(content, offset, self.position), self._last_from(index + 1))
            self.damage = Damage(path.name, self.position + 1, last, left)

    def _behind_what_is_known(self, content: memoryview, offset: int) -> tuple[int, Record | None]:
        """Return the next record wanted where damage concerns only records that come before it."""
        for at, record in whole_records(content, offset, self.position):
            if record.position == self.position + 1 and at > offset:
                return at, record
            break
        return offset, None

    def _last_from(self, index: int) -> int:
        """Return the last position of a whole record in the segments from `index` on; 0 where there is none."""
        return max((_last_position(_content(p), 0, self.position) for _, p in self._segments[index:]), default=0)


def _last_position(content: memoryview, offset: int, after: int) -> int:
    return max((record.position for _, record in whole_records(content, offset, after)), default=0)


def _content(path: Path) -> memoryview:
    """Return a segment's bytes but for blocks at its end that were never written."""
    with path.open("rb") as file:
        return memoryview(file.read(_written_bytes(file.fileno())))


def _written_bytes(descriptor: int) -> int:
    end = 0
    try:
        while True:
            end = os.lseek(descriptor, os.lseek(descriptor, end, os.SEEK_DATA), os.SEEK_HOLE)
    except OSError as error:
        if error.errno != errno.ENXIO:
            end = os.fstat(descriptor).st_size
    os.lseek(descriptor, 0, os.SEEK_SET)
    return end


def _used_bytes(content: memoryview) -> int:
    """Return the bytes up to the last one that is not zero: a segment is zeros where nothing was written."""
    used = np.flatnonzero(np.frombuffer(content, np.uint8)) if len(content) else np.zeros(0, np.intp)
    return int(used[-1]) + 1 if len(used) else 0
