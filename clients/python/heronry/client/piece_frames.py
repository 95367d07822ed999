"""Uploads cut from the pieces that they consist of: no flat buffer is put together before."""

import struct
from collections.abc import Iterator, Sequence
from typing import Final

import google_crc32c
import numpy as np
import numpy.typing as npt
from google.protobuf.message import Message

from heronry.wire.chunks import CHUNK_BYTES
from heronry.wire.varints import LENGTH_DELIMITED, to_varint

Bytes = npt.NDArray[np.uint8]

_OFFSET_TAG: Final = b"\x08"
_CRC_TAG: Final = b"\x15"
_DATA_TAG: Final = b"\x1a"


def frames_of_pieces(
    pieces: Sequence[Bytes], wrapper: type[Message], *, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[bytes]:
    """Yield the serialised wrappers that carry the bytes of `pieces`, one after another.

    Copies every byte once. The frames equal those that `cut_frames` makes of the joined pieces.
    """
    tag = to_varint(wrapper.DESCRIPTOR.fields_by_name["chunk"].number << 3 | LENGTH_DELIMITED)
    offset = 0
    for parts in _chunks(pieces, chunk_bytes):
        size = sum(part.size for part in parts)
        yield _frame(tag, offset, size, parts)
        offset += size


def _chunks(pieces: Sequence[Bytes], chunk_bytes: int) -> Iterator[list[Bytes]]:
    parts: list[Bytes] = []
    room = chunk_bytes
    for piece in pieces:
        start = 0
        while start < piece.size:
            part = piece[start : start + room]
            parts.append(part)
            start += part.size
            room -= part.size
            if room == 0:
                yield parts
                parts, room = [], chunk_bytes
    if parts:
        yield parts


def _frame(tag: bytes, offset: int, size: int, parts: list[Bytes]) -> bytes:
    crc = 0
    for part in parts:
        crc = google_crc32c.extend(crc, part)
    # Zero is the default and therefore not written, as protobuf's own serialiser does.
    head = _OFFSET_TAG + to_varint(offset) if offset else b""
    head += _CRC_TAG + struct.pack("<I", crc) if crc else b""
    head += _DATA_TAG + to_varint(size)
    return b"".join((tag, to_varint(len(head) + size), head, *(part.data for part in parts)))
