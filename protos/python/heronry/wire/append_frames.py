"""Blocks written and read as bytes: each value is copied once on the way out, and not at all on the way in."""

import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from heronry.api.common.v1 import column_pb2, version_pb2
from heronry.api.replay.v1 import replay_pb2
from heronry.types.columns import Columns, successors
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import Block
from heronry.types.tensors import Array, ElementType
from heronry.types.version import ParameterVersion
from heronry.wire.blocks import (
    block_from_proto,
    lane_ends,
    step_priorities,
    successors_from_proto,
    successors_to_proto,
    with_successors,
)
from heronry.wire.schema import element_type_from_proto, element_type_to_proto
from heronry.wire.varints import FIXED64, LENGTH_DELIMITED, VARINT, delimited, fields_of, tag, to_varint, varint
from heronry.wire.versions import version_from_proto, version_to_proto

# Fields of AppendRequest and of AppendBlock.
_BLOCK: Final = 2
_SEQUENCE, _NUM_STEPS, _VERSION, _COLUMNS, _DATA, _PRIORITY, _PRIORITIES, _LANE_ENDS, _SUCCESSORS = range(1, 10)

_BLOCK_TAG: Final = tag(_BLOCK, LENGTH_DELIMITED)
_SEQUENCE_TAG: Final = _SEQUENCE << 3 | VARINT
_NUM_STEPS_TAG: Final = _NUM_STEPS << 3 | VARINT
_VERSION_TAG: Final = _VERSION << 3 | LENGTH_DELIMITED
_DATA_TAG: Final = tag(_DATA, LENGTH_DELIMITED)
_DOUBLE: Final = struct.Struct("<d")
_MAX_HEADERS: Final = 64


class AppendFrameWriter:
    """Serialises the blocks of one writer as AppendRequest; every value is copied once."""

    def __init__(self) -> None:
        self._headers: dict[tuple[object, ...], bytes] = {}
        self._version: tuple[ParameterVersion, bytes] | None = None

    def frame(self, block: Block) -> bytes:
        """Return the message of a block."""
        columns, shared = block.columns, successors(block.columns)
        pieces: list[bytes | memoryview] = [
            tag(_SEQUENCE, VARINT) + to_varint(block.sequence),
            tag(_NUM_STEPS, VARINT) + to_varint(block.num_steps),
            self._version_of(block.behaviour_version),
            self._headers_of(columns, shared),
        ]
        last_steps = {of: columns[path][-1:] for path, of in shared.items()}
        for path, array in columns.items():
            if path not in shared:
                pieces += _data_of(array, last_steps.get(path))
        if block.priority is not None:
            pieces.append(tag(_PRIORITY, FIXED64) + _DOUBLE.pack(block.priority))
        if block.priorities is not None:
            pieces.append(delimited(_PRIORITIES, np.asarray(block.priorities, "<f8").tobytes()))
        if block.lane_ends is not None:
            pieces.append(delimited(_LANE_ENDS, np.asarray(block.lane_ends, np.bool_).tobytes()))
        pieces += [delimited(_SUCCESSORS, s.SerializeToString()) for s in successors_to_proto(shared)]
        length = sum(p.nbytes if isinstance(p, memoryview) else len(p) for p in pieces)
        return b"".join((_BLOCK_TAG, to_varint(length), *pieces))

    def _version_of(self, version: ParameterVersion) -> bytes:
        if self._version is None or self._version[0] != version:
            self._version = version, delimited(_VERSION, version_to_proto(version).SerializeToString())
        return self._version[1]

    def _headers_of(self, columns: Columns, shared: Mapping[str, str]) -> bytes:
        key = (tuple((path, a.dtype.str, a.shape) for path, a in columns.items()), tuple(shared.items()))
        headers = self._headers.get(key)
        if headers is None:
            # The last length of a block that is cut short by a flush: few of them are worth keeping.
            if len(self._headers) >= _MAX_HEADERS:
                self._headers.clear()
            longer = set(shared.values())
            sent = [_header(p, a, has_more=p in longer) for p, a in columns.items() if p not in shared]
            headers = b"".join(delimited(_COLUMNS, header.SerializeToString()) for header in sent)
            self._headers[key] = headers
        return headers


class AppendFrameReader:
    """Reads the messages of one writer; the columns of its blocks are views into what was received.

    A block whose headers are those of the one before, byte by byte, is read without a protobuf object.
    """

    def __init__(self) -> None:
        self._headers = b""
        self._columns: tuple[_Column, ...] = ()
        self._successors: dict[str, str] = {}
        self._successor_messages: tuple[bytes, ...] = ()
        self._num_steps = 0
        self._num_lanes = 0
        self._version: tuple[bytes, ParameterVersion] = (b"", ParameterVersion(0, 0))

    def read(self, frame: bytes) -> Block | replay_pb2.AppendRequest:
        """Return the block of a message, or a message that carries something else.

        Raises:
          InvalidArgumentError: these bytes are no message.
          SchemaMismatchError, DataLossError, UnimplementedError: as `block_from_proto`.
        """
        try:
            block = self._read_alike(frame)
        except (IndexError, struct.error):
            block = None
        if block is not None:
            return block
        request = _parsed(frame)
        if request.WhichOneof("part") != "block":
            return request
        block = block_from_proto(request.block)
        self._learn(frame, request.block, block)
        return block

    def _read_alike(self, frame: bytes) -> Block | None:
        """Return a block that has the headers of the one before and its fields in their usual order."""
        if not self._headers or not frame.startswith(_BLOCK_TAG):
            return None
        length, at = varint(frame, len(_BLOCK_TAG))
        if at + length != len(frame) or frame[at] != _SEQUENCE_TAG:
            return None
        sequence, at = varint(frame, at + 1)
        if frame[at] != _NUM_STEPS_TAG:
            return None
        num_steps, at = varint(frame, at + 1)
        if num_steps != self._num_steps or frame[at] != _VERSION_TAG:
            return None
        length, start = varint(frame, at + 1)
        version = self._version_of(frame[start : start + length])
        at = start + length
        if not frame.startswith(self._headers, at):
            return None
        columns, at = self._views(frame, at + len(self._headers))
        if columns is None:
            return None
        return self._with_rest(frame, at, sequence, version, columns)

    def _views(self, frame: bytes, at: int) -> tuple[dict[str, Array] | None, int]:
        columns: dict[str, Array] = {}
        for path, shape, dtype, opening, num_bytes in self._columns:
            if not frame.startswith(opening, at):
                return None, at
            at += len(opening)
            columns[path] = np.ndarray(shape, dtype, frame, at) if num_bytes else np.empty(shape, dtype)
            at += num_bytes
        return columns, at

    def _with_rest(
        self, frame: bytes, at: int, sequence: int, version: ParameterVersion, columns: Columns
    ) -> Block | None:
        """Return the block with what stands behind its columns."""
        priority, priorities, ends = None, b"", b""
        messages: list[bytes] = []
        for number, start, end, _ in fields_of(frame, at, len(frame)):
            if number == _PRIORITY:
                (priority,) = _DOUBLE.unpack(frame[start:end])
            elif number == _PRIORITIES:
                priorities = frame[start:end]
            elif number == _LANE_ENDS:
                ends = frame[start:end]
            elif number == _SUCCESSORS:
                messages.append(frame[start:end])
            else:
                return None
        if tuple(messages) != self._successor_messages:
            return None
        by_step = step_priorities(priorities, self._num_steps, self._num_lanes)
        all_columns = with_successors(columns, self._successors)
        return Block(sequence, all_columns, version, priority, by_step, lane_ends(ends, self._num_lanes))

    def _version_of(self, data: bytes) -> ParameterVersion:
        if self._version[0] != data:
            self._version = data, version_from_proto(_parsed_version(data))
        return self._version[1]

    def _learn(self, frame: bytes, message: replay_pb2.AppendBlock, block: Block) -> None:
        _, at = varint(frame, len(_BLOCK_TAG))
        begin = finish = 0
        position = at
        for field in fields_of(frame, at, len(frame)):
            if field.number == _COLUMNS:
                begin, finish = begin or position, field.end
            position = field.end
        self._headers = frame[begin:finish]
        self._columns = tuple(_column(h) for h in message.columns)
        self._successors = successors_from_proto(message.successors)
        self._successor_messages = tuple(s.SerializeToString() for s in message.successors)
        self._num_steps = message.num_steps
        self._num_lanes = next(iter(block.columns.values())).shape[1]


class _Column(NamedTuple):
    path: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    opening: bytes
    num_bytes: int


def _column(header: column_pb2.ColumnHeader) -> _Column:
    dtype = element_type_from_proto(header.element_type, f"columns.{header.path}.element_type").dtype
    opening = _DATA_TAG + to_varint(header.byte_length)
    return _Column(header.path, tuple(header.shape), dtype, opening, header.byte_length)


def _header(path: str, array: Array, *, has_more: bool) -> column_pb2.ColumnHeader:
    """Return the header of a column that may have one more step than the block."""
    num_steps, num_bytes = len(array), array.nbytes
    if has_more:
        num_steps, num_bytes = num_steps + 1, num_bytes + num_bytes // num_steps
    return column_pb2.ColumnHeader(
        path=path,
        element_type=element_type_to_proto(ElementType.of(array.dtype)),
        shape=(num_steps, *array.shape[1:]),
        codec=column_pb2.COLUMN_CODEC_NONE,
        byte_length=num_bytes,
    )


def _data_of(array: Array, last_step: Array | None) -> tuple[bytes | memoryview, ...]:
    """Return the field of a column's values, and those of one more step if there is one."""
    values = _bytes_of(array)
    if last_step is None:
        return _DATA_TAG + to_varint(values.nbytes), values
    more = _bytes_of(last_step)
    return _DATA_TAG + to_varint(values.nbytes + more.nbytes), values, more


def _bytes_of(array: Array) -> memoryview:
    packed = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return packed.reshape(-1).view(np.uint8).data


def _parsed(frame: bytes) -> replay_pb2.AppendRequest:
    try:
        return replay_pb2.AppendRequest.FromString(frame)
    except DecodeError:
        raise InvalidArgumentError.of("request", f"{len(frame)} bytes", "a serialised AppendRequest") from None


def _parsed_version(data: bytes) -> version_pb2.ParameterVersion:
    try:
        return version_pb2.ParameterVersion.FromString(data)
    except DecodeError:
        raise IndexError from None
