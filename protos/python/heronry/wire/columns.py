"""Columns as headers and bytes, without a copy on the receiving side."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from heronry.api.common.v1 import column_pb2
from heronry.types.columns import Columns, ColumnSpec
from heronry.types.errors import DataLossError, SchemaMismatchError, UnimplementedError
from heronry.types.tensors import Array, ElementType
from heronry.wire.schema import element_type_from_proto, element_type_to_proto

_CODEC_NAMES: Final = {number: name.removeprefix("COLUMN_CODEC_") for name, number in column_pb2.ColumnCodec.items()}
_MAX_AXES: Final = 32

Buffer = bytes | bytearray | memoryview


def column_spec_to_proto(spec: ColumnSpec) -> column_pb2.ColumnSpec:
    """Return the message of a column's signature."""
    return column_pb2.ColumnSpec(
        path=spec.path, element_type=element_type_to_proto(spec.element_type), shape=spec.shape
    )


def column_spec_from_proto(message: column_pb2.ColumnSpec) -> ColumnSpec:
    """Return the signature that a message describes.

    Raises:
      SchemaMismatchError: an empty path or an element type without a known value.
    """
    if not message.path:
        raise SchemaMismatchError.of("columns.path", message.path, "a path, not empty")
    element_type = element_type_from_proto(message.element_type, f"columns.{message.path}.element_type")
    return ColumnSpec(message.path, element_type, tuple(message.shape))


def columns_to_proto(columns: Columns) -> tuple[list[column_pb2.ColumnHeader], list[bytes]]:
    """Return one header and the little-endian bytes of each column, in their order."""
    headers: list[column_pb2.ColumnHeader] = []
    data: list[bytes] = []
    for path, array in columns.items():
        element_type = ElementType.of(array.dtype)
        packed = np.ascontiguousarray(array, dtype=element_type.dtype).tobytes()
        headers.append(
            column_pb2.ColumnHeader(
                path=path,
                element_type=element_type_to_proto(element_type),
                shape=array.shape,
                codec=column_pb2.COLUMN_CODEC_NONE,
                byte_length=len(packed),
            )
        )
        data.append(packed)
    return headers, data


def columns_from_proto(headers: Sequence[column_pb2.ColumnHeader], data: Sequence[Buffer]) -> dict[str, Array]:
    """Return the columns as views into their bytes, read-only where those are.

    Raises:
      SchemaMismatchError: a header without known element type, an extent or length that does not
        fit, or a path used twice.
      DataLossError: there are fewer or more bytes than a header says.
      UnimplementedError: a codec this build does not decode.
    """
    if len(headers) != len(data):
        raise SchemaMismatchError.of("data", f"{len(data)} columns", f"one for each of {len(headers)} headers")
    columns: dict[str, Array] = {}
    for header, packed in zip(headers, data, strict=True):
        if header.path in columns:
            raise SchemaMismatchError.of("columns.path", header.path, "a path used once")
        columns[header.path] = _column(header, packed)
    return columns


def split_columns(headers: Iterable[column_pb2.ColumnHeader], buffer: Buffer) -> list[memoryview]:
    """Cut a buffer that holds all columns, one after the other, into each column's bytes.

    Raises:
      DataLossError: the buffer does not hold exactly the headers' bytes.
    """
    view = memoryview(buffer)
    pieces: list[memoryview] = []
    start = 0
    for header in headers:
        pieces.append(view[start : start + header.byte_length])
        start += header.byte_length
    if start != view.nbytes:
        raise _length_error("columns", view.nbytes, start)
    return pieces


def _column(header: column_pb2.ColumnHeader, packed: Buffer) -> Array:
    path = f"columns.{header.path}"
    if header.codec != column_pb2.COLUMN_CODEC_NONE:
        raise _codec_error(path, header.codec)
    dtype = element_type_from_proto(header.element_type, f"{path}.element_type").dtype
    shape = tuple(header.shape)
    if len(shape) > _MAX_AXES:
        raise SchemaMismatchError.of(f"{path}.shape", shape, f"at most {_MAX_AXES} axes")
    num_bytes = dtype.itemsize
    for extent in shape:
        num_bytes *= extent
    if num_bytes != header.byte_length:
        raise SchemaMismatchError.of(f"{path}.byte_length", header.byte_length, f"{num_bytes} for shape {shape}")
    if len(packed) != num_bytes:
        raise _length_error(path, len(packed), num_bytes)
    # A column without elements may have extents that no array could have beside a non-zero one.
    return np.frombuffer(packed, dtype).reshape(shape) if num_bytes else _empty(path, shape, dtype)


def _empty(path: str, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    try:
        return np.empty(shape, dtype)
    except (ValueError, MemoryError):
        raise SchemaMismatchError.of(f"{path}.shape", shape, "extents that an array can have") from None


def _codec_error(path: str, codec: int) -> UnimplementedError | SchemaMismatchError:
    name = _CODEC_NAMES.get(codec, str(codec))
    if codec == column_pb2.COLUMN_CODEC_LZ4:
        details = {"field": f"{path}.codec", "value": name, "allowed": "NONE"}
        return UnimplementedError(f"{path}.codec: got {name}, allowed: NONE", details=details)
    return SchemaMismatchError.of(f"{path}.codec", name, "NONE")


def _length_error(field: str, value: int, expected: int) -> DataLossError:
    details = {"field": f"{field}.data", "value": str(value), "allowed": str(expected)}
    return DataLossError(f"{field}.data: got {value} bytes, allowed: {expected}", details=details)
