"""Uploads cut from the pieces that they consist of: no flat buffer is put together before."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from google.protobuf.message import Message

from heronry.native.chunk_frames import cut_chunk
from heronry.wire.chunks import CHUNK_BYTES, chunk_tag, frame_of

Bytes = npt.NDArray[np.uint8]


def frames_of_pieces(
    pieces: Sequence[Bytes], wrapper: type[Message], *, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[bytes]:
    """Yield the serialised wrappers that carry the bytes of `pieces`, one after another.

    Copies every byte once. The frames equal those that `cut_frames` makes of the joined pieces.
    """
    tag = chunk_tag(wrapper)
    offset = 0
    for parts in _chunks(pieces, chunk_bytes):
        yield frame_of(tag, offset, parts, cut_chunk)
        offset += sum(part.size for part in parts)


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
