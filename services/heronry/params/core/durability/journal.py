"""The append-only file of what was acknowledged since a checkpoint."""

import errno
import json
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import google_crc32c
import numpy as np

from heronry.params.core.durability.documents import Document
from heronry.params.core.layout import Bytes
from heronry.types.errors import DataLossError, HeronryError, ResourceExhaustedError
from heronry.types.experience import AcknowledgementLevel

_MAGIC = b"heronry params journal 2\n"
_HEAD = struct.Struct("<IQI")
_NO_BYTES: Bytes = np.zeros(0, np.uint8)


@dataclass(frozen=True)
class Record:
    """One change: its kind, JSON fields and the bytes of its arrays."""

    kind: str
    fields: Document
    payload: tuple[Bytes, ...] = field(default=())

    @property
    def num_payload_bytes(self) -> int:
        """Bytes of all arrays."""
        return sum(part.nbytes for part in self.payload)


class Journal:
    """Appends records to one file. Task-safety: one thread.

    A record is a head (lengths, CRC-32C), JSON and raw bytes. It is whole or it is not there:
    a reader stops at the first one whose checksum differs, which after a crash is the last.
    """

    def __init__(self, path: Path) -> None:
        """Create the file, which must not exist, and begin it.

        Raises:
          ResourceExhaustedError: it cannot be made; nothing stays behind.
        """
        self.path = path
        self._num_records = 0
        self._is_torn = False
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except OSError as error:
            raise _cannot_grow(error) from error
        self.num_bytes = 0
        try:
            # An almost full disk takes a part of it, and is found full by what follows.
            while self.num_bytes < len(_MAGIC):
                self.num_bytes += os.write(self._file, _MAGIC[self.num_bytes :])
        except OSError as error:
            self.drop()
            raise _cannot_grow(error) from error

    def append(self, record: Record, level: AcknowledgementLevel) -> int | None:
        """Write a record and return its index; when this returns it survives what the level says.

        Returns:
          None with the level MEMORY, which writes nothing.

        Raises:
          ResourceExhaustedError: the file cannot grow; nothing of the record stays in it. Should that fail too,
            the file takes no record any more, as none behind a torn one would be read.
        """
        if level is AcknowledgementLevel.MEMORY:
            return None
        if self._is_torn:
            details = {"resource": "journal", "reason": "it ends in a torn record"}
            raise ResourceExhaustedError(f"{self.path.name} ends in a torn record: make a checkpoint", details=details)
        parts = _encoded(record)
        expected = sum(len(p) if isinstance(p, bytes) else p.nbytes for p in parts)
        try:
            self._write(parts, expected)
            if level is AcknowledgementLevel.DISK:
                os.fdatasync(self._file)
        except OSError as error:
            self._cut()
            raise _cannot_grow(error) from error
        self.num_bytes += expected
        self._num_records += 1
        return self._num_records - 1

    def sync(self) -> None:
        """Make everything written survive the loss of power."""
        os.fdatasync(self._file)

    def close(self) -> None:
        """Close the file; closing again does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def drop(self) -> None:
        """Close the file and delete it."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _cut(self) -> None:
        """Take a record that is not whole off the end."""
        try:
            os.ftruncate(self._file, self.num_bytes)
        except OSError:
            self._is_torn = True

    def _write(self, parts: list[bytes | Bytes], expected: int) -> None:
        rest = [memoryview(p if isinstance(p, bytes) else p.data) for p in parts]
        # One call moves 2 GiB at most, and less when the disk is nearly full.
        while expected:
            written = os.writev(self._file, rest)
            expected -= written
            rest = _from(rest, written)


def read_journal(path: Path, damage: list[HeronryError]) -> Iterator[Record]:
    """Yield the records of a journal, up to the first that is not whole.

    Args:
      path: the file.
      damage: gets an error that says what was left out, when something was.
    """
    if path.stat().st_size == 0:
        damage.append(DataLossError(f"{path.name}: empty"))
        return
    # Mapped: a journal may be larger than the memory, and its records are copied one at a time.
    content: Bytes = np.asarray(np.memmap(path, np.uint8, "r"))
    position = len(_MAGIC)
    if content[:position].tobytes() != _MAGIC:
        damage.append(DataLossError(f"{path.name}: not a journal of this format"))
        return
    while position < content.size:
        record, end = _decoded(content, position)
        if record is None:
            lost = content.size - position
            damage.append(DataLossError(f"{path.name}: the last {lost} bytes are no whole record, left out"))
            return
        yield record
        position = end


def _from(parts: list[memoryview], start: int) -> list[memoryview]:
    """Return what follows the first `start` bytes, without a copy."""
    rest: list[memoryview] = []
    for part in parts:
        if start < part.nbytes:
            rest.append(part[start:])
        start = max(0, start - part.nbytes)
    return rest


def _encoded(record: Record) -> list[bytes | Bytes]:
    text = json.dumps([record.kind, record.fields], separators=(",", ":")).encode()
    parts = [part for part in record.payload if part.nbytes]
    crc = google_crc32c.value(text)
    for part in parts:
        crc = google_crc32c.extend(crc, part)
    return [_HEAD.pack(len(text), record.num_payload_bytes, crc) + text, *parts]


def _decoded(content: Bytes, position: int) -> tuple[Record | None, int]:
    body = position + _HEAD.size
    if body > content.size:
        return None, position
    num_text, num_payload, crc = _HEAD.unpack_from(content[position:body].tobytes())
    end = body + num_text + num_payload
    if end > content.size or google_crc32c.value(content[body:end]) != crc:
        return None, position
    kind, fields = json.loads(content[body : body + num_text].tobytes())
    # A copy: the arrays become aligned, and the file's bytes can be freed.
    payload = (content[body + num_text : end].copy(),) if num_payload else ()
    return Record(kind, fields, payload), end


def payload_of(record: Record) -> Bytes:
    """Return the bytes of all arrays of a record, one after the other."""
    if len(record.payload) == 1:
        return record.payload[0]
    return np.concatenate(record.payload) if record.payload else _NO_BYTES


def _cannot_grow(error: OSError) -> ResourceExhaustedError:
    reason = "no space is left" if error.errno == errno.ENOSPC else str(error.strerror)
    details: Mapping[str, str] = {"resource": "journal", "reason": reason}
    return ResourceExhaustedError(f"the journal cannot grow: {reason}", details=details)
