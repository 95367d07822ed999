"""Batches written where they are sent from: the arrays to fill lie in the serialised message.

All lengths are constant in a stream, so that the message around the values is written once. Values begin at
multiples of 8 bytes: a receiver's arrays over the message are aligned, too.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from heronry.api.common.v1 import column_pb2
from heronry.types.columns import ColumnSpec
from heronry.types.tensors import Array
from heronry.wire.schema import element_type_to_proto
from heronry.wire.slots import slot_places
from heronry.wire.varints import FIXED64, LENGTH_DELIMITED, VARINT, delimited, padding, tag, to_long_varint, to_varint

MAX_WHOLE_BYTES: Final = 2 << 20
PART_BYTES: Final = 1 << 20

# Fields of SampleResponse, of Batch and of BatchPart.
BATCH, BATCH_PART = 1, 2
BATCH_ID, BATCH_SIZE, TABLE_SIZE, COLUMNS, DATA, NUM_PARTS, NUM_BYTES, SLOT = 1, 2, 3, 4, 5, 6, 7, 8
OFFSET, PART_DATA = 1, 2

_ALIGNMENT: Final = 8
_NUMBERS: Final = struct.Struct("<cQcQcQ")
_NUMBER_TAGS: Final = tuple(tag(n, FIXED64) for n in (BATCH_ID, BATCH_SIZE, TABLE_SIZE))
# 28 bits: any message that is allowed.
_LENGTH_BYTES: Final = 4
_NUMBERS_AT: Final = 1 + _LENGTH_BYTES

Memory = bytearray | memoryview


class BatchFrame:
    """The buffer of one batch and its messages; filled and sent again and again.

    Up to 2 MiB a batch is one message, and the arrays are views into it. A larger one has its bytes back to back
    and goes as a header with parts, cut from the buffer as they are sent. In memory that was given, a slot, columns
    lie as `slot_places` says.
    """

    def __init__(
        self,
        columns: Sequence[ColumnSpec],
        facts: Sequence[ColumnSpec],
        batch_size: int,
        memory: Memory | None = None,
    ) -> None:
        """Lay the message out.

        Args:
          columns: by output name, with whole shapes.
          facts: likewise, sent after the columns.
          batch_size: items of a batch.
          memory: takes the bytes instead of a buffer of its own; at least `slot_bytes` of the columns.
        """
        specs = (*columns, *facts)
        self.num_bytes = sum(s.num_bytes for s in specs)
        self._batch_size = batch_size
        self._headers = b"".join(delimited(COLUMNS, _header(s).SerializeToString()) for s in specs)
        self._numbers = b""
        self._is_whole = memory is None and self.num_bytes <= MAX_WHOLE_BYTES
        if self._is_whole:
            body, offsets = _body(specs)
            opening = self._opening(b"", b"", len(body))
            self._body_at = len(opening)
            self._buffer: Memory = bytearray(opening) + body
        else:
            offsets = _back_to_back(specs) if memory is None else _in_slot(specs)
            self._body_at = 0
            self._buffer = bytearray(self.num_bytes) if memory is None else memory
        places = [self._body_at + offset for offset in offsets]
        arrays = {s.path: _view(self._buffer, s, at) for s, at in zip(specs, places, strict=True)}
        self.columns: Mapping[str, Array] = {s.path: arrays[s.path] for s in columns}
        self.facts: Mapping[str, Array] = {s.path: arrays[s.path] for s in facts}

    def seal(self, batch_id: int, table_size: int) -> None:
        """Say that all is written: the batch's id, and the items in the table when its last one was drawn."""
        numbers = (batch_id, self._batch_size, table_size)
        pairs = zip(_NUMBER_TAGS, numbers, strict=True)
        self._numbers = _NUMBERS.pack(*(value for pair in pairs for value in pair))

    def messages(self, *, with_headers: bool, slot: int | None = None) -> Iterator[bytes]:
        """Yield the serialised messages of the batch, each a copy; fill the buffer again when all are taken.

        Args:
          with_headers: whether to describe the columns, as a stream's first batch must.
          slot: where in shared memory the bytes lie that were given as `memory`; None: they are sent.
        """
        headers = self._headers if with_headers else b""
        if slot is not None:
            yield self._opening(headers, to_field(SLOT, slot), 0)
        elif self._is_whole:
            yield self._whole(headers)
        else:
            yield self._opening(headers, to_field(NUM_PARTS, -(-self.num_bytes // PART_BYTES)), 0)
            yield from self._parts()

    def _whole(self, headers: bytes) -> bytes:
        body = memoryview(self._buffer)[self._body_at :]
        if headers:
            return b"".join((self._opening(headers, b"", body.nbytes), body))
        self._buffer[_NUMBERS_AT : _NUMBERS_AT + _NUMBERS.size] = self._numbers
        return bytes(self._buffer)

    def _opening(self, headers: bytes, field: bytes, num_following: int) -> bytes:
        """Return the message up to its columns' bytes, which begin at a multiple of 8 bytes."""
        fields = (self._numbers or bytes(_NUMBERS.size)) + headers + to_field(NUM_BYTES, self.num_bytes) + field
        if num_following:
            fields += _gap(NUM_PARTS, _NUMBERS_AT + len(fields))
        length = to_long_varint(len(fields) + num_following, _LENGTH_BYTES)
        return tag(BATCH, LENGTH_DELIMITED) + length + fields

    def _parts(self) -> Iterator[bytes]:
        whole = memoryview(self._buffer).cast("B")[: self.num_bytes]
        for offset in range(0, self.num_bytes, PART_BYTES):
            data = whole[offset : offset + PART_BYTES]
            # Zero is the default and therefore not written, as protobuf's own serialiser does.
            head = to_field(OFFSET, offset) if offset else b""
            head += tag(PART_DATA, LENGTH_DELIMITED) + to_varint(data.nbytes)
            opening = tag(BATCH_PART, LENGTH_DELIMITED) + to_varint(len(head) + data.nbytes)
            yield b"".join((opening, head, data))


def to_field(number: int, value: int) -> bytes:
    """Return a field whose value is a varint."""
    return tag(number, VARINT) + to_varint(value)


def _body(specs: Sequence[ColumnSpec]) -> tuple[bytes, list[int]]:
    """Return the fields of the columns' bytes, all zero, and where each column's first byte stands."""
    pieces: list[bytes] = []
    offsets: list[int] = []
    size = 0
    for spec in specs:
        opening = tag(DATA, LENGTH_DELIMITED) + to_varint(spec.num_bytes)
        gap = _gap(NUM_PARTS, size + len(opening))
        pieces += (gap, opening, bytes(spec.num_bytes))
        offsets.append(size + len(gap) + len(opening))
        size = offsets[-1] + spec.num_bytes
    return b"".join(pieces), offsets


def _back_to_back(specs: Sequence[ColumnSpec]) -> list[int]:
    offsets = [0]
    for spec in specs:
        offsets.append(offsets[-1] + spec.num_bytes)
    return offsets[:-1]


def _in_slot(specs: Sequence[ColumnSpec]) -> list[int]:
    return [begin for begin, _ in slot_places(s.num_bytes for s in specs)]


def _gap(number: int, position: int) -> bytes:
    """Return fields that end at a multiple of 8 bytes when they begin at `position`."""
    missing = -position % _ALIGNMENT
    # No field has a single byte.
    return padding(number, missing if missing != 1 else 1 + _ALIGNMENT)


def _view(memory: Memory, spec: ColumnSpec, offset: int) -> Array:
    return np.ndarray(spec.shape, spec.element_type.dtype, memory, offset)


def _header(spec: ColumnSpec) -> column_pb2.ColumnHeader:
    return column_pb2.ColumnHeader(
        path=spec.path,
        element_type=element_type_to_proto(spec.element_type),
        shape=spec.shape,
        codec=column_pb2.COLUMN_CODEC_NONE,
        byte_length=spec.num_bytes,
    )
