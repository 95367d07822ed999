"""Frames of chunks, read and written field by field."""

import struct
from collections.abc import Sequence

import google_crc32c
import numpy as np

from heronry.native.arrays import Bytes, Vector
from heronry.native.twins.arguments import require, require_vectors
from heronry.native.twins.vector_sums import copy_measured

_OFFSET_TAG = 0x08
_CRC_TAG = 0x15
_DATA_TAG = 0x1A
_BITS = 64


def cut_chunk(before: bytes, after: bytes, parts: Sequence[Bytes]) -> bytes:
    """Go over the parts twice."""
    crc = 0
    for part in parts:
        require(part=(part, np.uint8))
        crc = google_crc32c.extend(crc, part)
    return b"".join((before, struct.pack("<I", crc), after, *(part.data for part in parts)))


def place_chunk(frame: bytes, tag: bytes, out: Bytes, begin: int, max_bytes: int) -> int:
    """Check, then copy."""
    require(out=(out, np.uint8))
    data = _checked(frame, tag, out.nbytes, begin, max_bytes)
    if data is None:
        return -1
    out[begin : begin + data.size] = data
    return begin + data.size


def place_measured(
    frame: bytes, tag: bytes, out: Vector, begin: int, max_bytes: int, squares: float
) -> tuple[int, float, float]:
    """Check, copy, then measure."""
    require_vectors(like=out, out_vector=out)
    data = _checked(frame, tag, out.nbytes, begin, max_bytes)
    if data is None or begin % out.itemsize or data.size % out.itemsize:
        return -1, 0.0, squares
    end = begin + data.size
    return end, *copy_measured(data, out[begin // out.itemsize : end // out.itemsize], squares)


def _checked(frame: bytes, tag: bytes, num_bytes: int, begin: int, max_bytes: int) -> Bytes | None:
    """Return the data of a chunk that belongs at `begin` and is what was sent."""
    try:
        found = _parsed(frame, tag)
    except (IndexError, struct.error):
        return None
    if found is None:
        return None
    offset, crc, position = found
    data = np.frombuffer(frame, np.uint8, offset=position) if position < len(frame) else np.empty(0, np.uint8)
    if offset != begin or data.size > max_bytes or begin + data.size > num_bytes:
        return None
    return data if google_crc32c.value(data) == crc else None


def _parsed(frame: bytes, tag: bytes) -> tuple[int, int, int] | None:
    """Return offset and checksum, and where the data begins, which end the frame."""
    if not frame.startswith(tag):
        return None
    length, position = _varint(frame, len(tag))
    if position + length != len(frame):
        return None
    offset = crc = 0
    if frame[position] == _OFFSET_TAG:
        offset, position = _varint(frame, position + 1)
    if frame[position] == _CRC_TAG:
        (crc,) = struct.unpack_from("<I", frame, position + 1)
        position += 5
    if frame[position] != _DATA_TAG:
        return None
    length, position = _varint(frame, position + 1)
    return (offset, crc, position) if position + length == len(frame) else None


def _varint(frame: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, _BITS, 7):
        byte = frame[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> _BITS:
                raise IndexError
            return value, position
    raise IndexError
