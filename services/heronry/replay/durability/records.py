"""Records of a log as bytes, and how they are found again.

A record is a head `{u32 length, u32 crc32c, u64 position, u8 kind, 7 zeros}` and its payload, filled up
with zeros to a multiple of 8; all numbers little-endian. The checksum covers length, position, kind and
payload. Positions rise by one from record to record, through all segments; the first is 1.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import google_crc32c
import numpy as np
import numpy.typing as npt

_HEAD = struct.Struct("<IIQB7x")
_COVERED = struct.Struct("<IQB")
HEAD_BYTES = _HEAD.size
ALIGNMENT = 8
MAX_KIND = 63
_ZEROS = bytes(ALIGNMENT)


class Record(NamedTuple):
    """One change as the log holds it."""

    position: int
    kind: int
    payload: bytes


def encoded(position: int, kind: int, payload: bytes) -> bytes:
    """Return a record's bytes."""
    length = len(payload)
    checksum = google_crc32c.extend(google_crc32c.value(_COVERED.pack(length, position, kind)), payload)
    return _HEAD.pack(length, checksum, position, kind) + payload + _ZEROS[: -length % ALIGNMENT]


def num_encoded_bytes(payload: bytes) -> int:
    """Return how many bytes a record with that payload takes."""
    return HEAD_BYTES + len(payload) + -len(payload) % ALIGNMENT


def record_at(content: memoryview, offset: int) -> Record | None:
    """Return the record that begins at an offset, or None where none does, or a damaged one."""
    body = offset + HEAD_BYTES
    if body > len(content):
        return None
    length, checksum, position, kind = _HEAD.unpack_from(content, offset)
    if position == 0 or body + length > len(content) or not 0 < kind <= MAX_KIND:
        return None
    payload = bytes(content[body : body + length])
    if checksum != google_crc32c.extend(google_crc32c.value(_COVERED.pack(length, position, kind)), payload):
        return None
    return Record(position, kind, payload)


def whole_records(content: memoryview, offset: int, after: int) -> Iterator[tuple[int, Record]]:
    """Yield where whole records lie at or behind an offset whose positions are above `after`, and the records.

    The length of a damaged record cannot be trusted, so every aligned offset that looks like a head is tried.
    """
    start = -(-offset // ALIGNMENT) * ALIGNMENT
    rest = content[start:]
    words = np.frombuffer(rest[: len(rest) // ALIGNMENT * ALIGNMENT], "<u8")
    behind = start
    for index in _candidates(words, after).tolist():
        at = start + index * ALIGNMENT
        record = record_at(content, at) if at >= behind else None
        if record is not None:
            behind = at + num_encoded_bytes(record.payload)
            yield at, record


def _candidates(words: npt.NDArray[np.uint64], after: int) -> npt.NDArray[np.intp]:
    """Return where words look like a head: a position above `after` and a kind with zeros behind it."""
    positions, kinds = words[1:-1], words[2:]
    return np.flatnonzero((positions > np.uint64(after)) & (kinds > np.uint64(0)) & (kinds <= np.uint64(MAX_KIND)))
