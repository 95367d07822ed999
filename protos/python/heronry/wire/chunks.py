"""Large buffers as streams of chunks: cut once, checked and assembled without extra copies.

The wrappers (`PullResponse`, `WatchResponse`, `PushRequest`, `RegisterModelRequest`) carry a chunk
in a `oneof`. A frame is one serialised wrapper; it is made once per buffer and sent to every
reader as it is, by a method without serializer. Frames of wrappers whose chunk has the same field
number are the same bytes: those of a pull serve a watch.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import google_crc32c
import numpy as np
import numpy.typing as npt
from google.protobuf.message import Message

from heronry.api.common.v1 import chunk_pb2
from heronry.types.errors import DataLossError, MessageTooLargeError
from heronry.types.tensors import Array, content_hash
from heronry.wire.varints import LENGTH_DELIMITED, to_varint, varint

CHUNK_BYTES: Final = 1 << 20
"""Of an upload: a service holds some of them for every stream that is open."""
DOWNLOAD_CHUNK_BYTES: Final = 2 << 20
"""Of a version on its way to readers: a message costs both sides some 0.1 ms beside its bytes."""
_OFFSET_TAG: Final = 0x08
_CRC_TAG: Final = 0x15
_DATA_TAG: Final = 0x1A
_NO_CRC: Final = bytes(4)
# With its tag.
_CRC_BYTES: Final = 5

Buffer = bytes | bytearray | memoryview | Array
# Puts bytes where they belong, from an offset on.
Place = Callable[[int, npt.NDArray[np.uint8]], None]
# Puts the chunk of a frame where it belongs, from an offset on; returns where it ends, -1 when it cannot.
PlaceFrame = Callable[[bytes, int], int]
# Returns a frame: what comes before the checksum, the checksum of the parts, what comes after it, the parts.
Cut = Callable[[bytes, bytes, Sequence[npt.NDArray[np.uint8]]], bytes]


@dataclass(frozen=True, slots=True)
class ChunkView:
    """A chunk whose bytes are a view into the frame it came in."""

    offset: int
    crc32c: int
    data: npt.NDArray[np.uint8]


def _cut(before: bytes, after: bytes, parts: Sequence[npt.NDArray[np.uint8]]) -> bytes:
    crc = 0
    for part in parts:
        crc = google_crc32c.extend(crc, part)
    return b"".join((before, struct.pack("<I", crc), after, *(part.data for part in parts)))


def cut_frames(
    buffer: Buffer,
    wrapper: type[Message],
    *,
    chunk_bytes: int = CHUNK_BYTES,
    begin: int = 0,
    end: int | None = None,
    cut: Cut = _cut,
) -> list[bytes]:
    """Return the serialised wrappers that carry a buffer, in order of their offsets.

    Copies every byte once. The frames equal `wrapper(chunk=...).SerializeToString()`. With `begin` and `end`,
    multiples of `chunk_bytes`, only those of that part of the buffer. A `cut` of the caller is a quicker one.
    """
    flat = _as_bytes(buffer)
    tag = chunk_tag(wrapper)
    part = range(begin, flat.size if end is None else min(end, flat.size), chunk_bytes)
    return [frame_of(tag, start, [flat[start : start + chunk_bytes]], cut) for start in part]


def frame_of(tag: bytes, offset: int, parts: Sequence[npt.NDArray[np.uint8]], cut: Cut = _cut) -> bytes:
    """Return the serialised wrapper that carries the bytes of `parts` as one chunk."""
    size = sum(part.size for part in parts)
    # Zero is the default and therefore not written, as protobuf's own serialiser does.
    head = (bytes([_OFFSET_TAG]) + to_varint(offset)) if offset else b""
    data = bytes([_DATA_TAG]) + to_varint(size)
    before = tag + to_varint(len(head) + _CRC_BYTES + len(data) + size) + head + bytes([_CRC_TAG])
    frame = cut(before, data, parts)
    if not frame.startswith(_NO_CRC, len(before)):
        return frame
    return b"".join((tag, to_varint(len(head) + len(data) + size), head, frame[len(before) + len(_NO_CRC) :]))


def chunk_tag(wrapper: type[Message]) -> bytes:
    """Return what a frame of these wrappers begins with when it carries a chunk."""
    field = wrapper.DESCRIPTOR.fields_by_name["chunk"]
    return to_varint(field.number << 3 | LENGTH_DELIMITED)


def num_chunks(num_bytes: int, chunk_bytes: int = CHUNK_BYTES) -> int:
    """Return how many chunks a buffer of `num_bytes` is cut into."""
    return -(-num_bytes // chunk_bytes)


def upload_end(buffer: Buffer, *, chunk_bytes: int = CHUNK_BYTES, hash_of_buffer: bytes = b"") -> chunk_pb2.UploadEnd:
    """Return the message that closes the upload of a buffer.

    Without a content hash the chunks' checksums vouch for it: a hash of the whole costs another pass.
    """
    num_bytes = _as_bytes(buffer).size
    return chunk_pb2.UploadEnd(
        num_chunks=num_chunks(num_bytes, chunk_bytes), num_bytes=num_bytes, content_hash=hash_of_buffer
    )


def parse_frame(frame: bytes, wrapper: type[Message]) -> ChunkView | None:
    """Return the chunk in a serialised wrapper without copying its bytes.

    None when the frame carries another part, or a chunk whose fields are not in the usual order:
    parse it with `wrapper.FromString` then.
    """
    tag = chunk_tag(wrapper)
    if not frame.startswith(tag):
        return None
    try:
        length, position = varint(frame, len(tag))
        return _parse_chunk(frame, position) if position + length == len(frame) else None
    except (IndexError, struct.error):
        return None


class ChunkAssembler:
    """Puts the chunks of one buffer together and checks them; not thread-safe.

    Chunks must follow each other without gap or overlap, as a stream delivers them. Nothing may be
    used of the buffer before `finish`, which compares count, length and, where there is one, content
    hash with what the sender says: a stream that merely ended is not an upload.
    """

    def __init__(
        self,
        num_bytes: int,
        *,
        max_bytes: int | None = None,
        field: str = "num_bytes",
        chunk_bytes: int = CHUNK_BYTES,
        buffer: npt.NDArray[np.uint8] | None = None,
        place: Place | None = None,
        place_frame: PlaceFrame | None = None,
    ) -> None:
        """Take the memory to fill: `buffer`, of `num_bytes` bytes, or its own. A chunk has at most `chunk_bytes`.

        A `place` of the caller puts the bytes of a chunk that was found right into the buffer. A `place_frame` of the
        caller checks and places a frame's chunk at once; what it refuses is looked at here.

        Raises:
          MessageTooLargeError: `num_bytes` is above `max_bytes`; `field` names it.
        """
        if max_bytes is not None and num_bytes > max_bytes:
            raise MessageTooLargeError.of(field, num_bytes, f"at most {max_bytes} bytes")
        if buffer is not None and buffer.size != num_bytes:
            raise ValueError(f"a buffer of {buffer.size} bytes for {num_bytes}")
        self._buffer = np.empty(num_bytes, np.uint8) if buffer is None else buffer
        self._chunk_bytes = chunk_bytes
        # Never a method of this object: a cycle would keep the buffer until the collector runs.
        self._place = place
        self._place_frame = place_frame
        self._num_received = 0
        self._num_chunks = 0

    @property
    def num_received(self) -> int:
        """Bytes placed so far."""
        return self._num_received

    @property
    def is_complete(self) -> bool:
        """Whether every byte has arrived; `finish` still has to verify them."""
        return self._num_received == self._buffer.size

    def add_frame(self, frame: bytes, wrapper: type[Message]) -> bool:
        """Place the chunk of a serialised wrapper; False when the frame is no chunk in usual order.

        Raises:
          MessageTooLargeError, DataLossError: as `add`.
        """
        if self._place_frame is not None and (end := self._place_frame(frame, self._num_received)) >= 0:
            self._num_received = end
            self._num_chunks += 1
            return True
        chunk = parse_frame(frame, wrapper)
        if chunk is None:
            return False
        self.add(chunk)
        return True

    def add(self, chunk: ChunkView | chunk_pb2.Chunk) -> None:
        """Check a chunk and place it.

        Raises:
          MessageTooLargeError: the chunk is above `chunk_bytes` or reaches beyond the declared length.
          DataLossError: it does not follow the one before, or its checksum differs.
        """
        # Every access to `data` of a protobuf message copies it: read it once.
        data = chunk.data if isinstance(chunk, ChunkView) else np.frombuffer(chunk.data, np.uint8)
        end = chunk.offset + data.size
        if data.size > self._chunk_bytes:
            raise MessageTooLargeError.of("chunk.data", f"{data.size} bytes", f"at most {self._chunk_bytes} bytes")
        if end > self._buffer.size:
            raise MessageTooLargeError.of("chunk.offset", f"bytes up to {end}", f"up to {self._buffer.size}")
        if chunk.offset != self._num_received:
            raise _loss("chunk.offset", chunk.offset, self._num_received)
        checksum = int(google_crc32c.value(data))
        if checksum != chunk.crc32c:
            raise _loss("chunk.crc32c", f"{checksum:#010x}", f"{chunk.crc32c:#010x}")
        if self._place is None:
            self._buffer[chunk.offset : end] = data
        else:
            self._place(chunk.offset, data)
        self._num_received = end
        self._num_chunks += 1

    def finish(self, end: chunk_pb2.UploadEnd | None) -> npt.NDArray[np.uint8]:
        """Return the buffer, read-only, after comparing it with the sender's closing message.

        Hashes the whole buffer when the sender did: run it in a thread then, when it is large.

        Raises:
          DataLossError: there was no closing message, or count, length or hash differ.
        """
        if end is None:
            raise self.missing_end()
        if end.num_chunks != self._num_chunks:
            raise _loss("end.num_chunks", end.num_chunks, self._num_chunks)
        if end.num_bytes != self._num_received:
            raise _loss("end.num_bytes", end.num_bytes, self._num_received)
        return self.finish_with_hash(end.content_hash) if end.content_hash else self.completed()

    def completed(self) -> npt.NDArray[np.uint8]:
        """Return the buffer, read-only, once every byte has come; each chunk was checked by itself.

        Raises:
          DataLossError: bytes are missing.
        """
        if not self.is_complete:
            raise _loss("num_bytes", self._num_received, self._buffer.size)
        view = self._buffer.view()
        view.flags.writeable = False
        return view

    def finish_with_hash(self, expected: bytes) -> npt.NDArray[np.uint8]:
        """Return the buffer, read-only, after comparing its length and content hash.

        Raises:
          DataLossError: bytes are missing, or the hash differs.
        """
        whole = self.completed()
        actual = content_hash(whole)
        if actual != expected:
            raise _loss("content_hash", actual.hex(), expected.hex())
        return whole

    def missing_end(self) -> DataLossError:
        """Return the error of an upload whose stream ended early; nothing of it was used."""
        return _loss("end", f"a stream that ended after {self._num_received} bytes", "an explicit end message")


def _as_bytes(buffer: Buffer) -> npt.NDArray[np.uint8]:
    if isinstance(buffer, np.ndarray):
        return np.ascontiguousarray(buffer).reshape(-1).view(np.uint8)
    return np.frombuffer(buffer, np.uint8)


def _parse_chunk(frame: bytes, position: int) -> ChunkView | None:
    offset = crc = 0
    if frame[position] == _OFFSET_TAG:
        offset, position = varint(frame, position + 1)
    if frame[position] == _CRC_TAG:
        (crc,) = struct.unpack_from("<I", frame, position + 1)
        position += 5
    if frame[position] != _DATA_TAG:
        return None
    length, position = varint(frame, position + 1)
    if position + length != len(frame) or offset >= 1 << 64:
        return None
    return ChunkView(offset, crc, np.frombuffer(frame, np.uint8, length, position))


def _loss(field: str, value: object, allowed: object) -> DataLossError:
    details = {"field": field, "value": str(value), "allowed": str(allowed)}
    return DataLossError(f"{field}: got {value}, allowed: {allowed}", details=details)
