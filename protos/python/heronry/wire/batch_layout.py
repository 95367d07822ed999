"""Where the values stand in the serialised batches of one stream."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from heronry.api.common.v1 import column_pb2
from heronry.types.tensors import Array
from heronry.wire.batch_frame import BATCH, BATCH_ID, BATCH_PART, BATCH_SIZE, DATA, OFFSET, PART_DATA, TABLE_SIZE
from heronry.wire.schema import element_type_from_proto
from heronry.wire.slots import slot_places
from heronry.wire.varints import LENGTH_DELIMITED, Field, fields_of

_NUMBER: Final = struct.Struct("<Q")


class _Column(NamedTuple):
    path: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    start: int


@dataclass(frozen=True)
class WholeLayout:
    """Reads batches that are like one that was read before, but for their values.

    A message of the same length with the same bytes between the values has the values in the same places: each
    tag and each length follows from those before it.
    """

    _num_bytes: int
    _fixed: tuple[tuple[int, int, bytes], ...]
    _columns: tuple[_Column, ...]
    _batch_id_at: int
    _table_size_at: int

    @classmethod
    def of(cls, message: bytes, headers: Sequence[column_pb2.ColumnHeader]) -> Self | None:
        """Return the layout of a message that is a whole batch and was read; None for one that is unusual."""
        outer = list(fields_of(message, 0, len(message)))
        if [f.number for f in outer] != [BATCH]:
            return None
        fields = list(fields_of(message, outer[0].start, len(message)))
        data = [f for f in fields if f.number == DATA]
        numbers = {n: [f for f in fields if f.number == n] for n in (BATCH_ID, BATCH_SIZE, TABLE_SIZE)}
        if len(data) != len(headers) or any(len(found) != 1 for found in numbers.values()):
            return None
        batch_id, table_size = numbers[BATCH_ID][0], numbers[TABLE_SIZE][0]
        columns = tuple(_column(h, f.start) for h, f in zip(headers, data, strict=True))
        fixed = tuple(_between(message, [batch_id, table_size, *data]))
        return cls(len(message), fixed, columns, batch_id.start, table_size.start)

    def fits(self, message: bytes) -> bool:
        """Tell whether a message has this layout."""
        return len(message) == self._num_bytes and all(message[a:b] == same for a, b, same in self._fixed)

    def arrays(self, message: bytes) -> dict[str, Array]:
        """Return the columns and facts of a message as read-only views."""
        return {path: np.ndarray(shape, dtype, message, at) for path, shape, dtype, at in self._columns}

    def numbers(self, message: bytes) -> tuple[int, int]:
        """Return the id of a message's batch and the size of the table."""
        (batch_id,) = _NUMBER.unpack_from(message, self._batch_id_at)
        (table_size,) = _NUMBER.unpack_from(message, self._table_size_at)
        return batch_id, table_size


@dataclass(frozen=True)
class SlotLayout:
    """Where the values of one stream's batches lie in a slot of shared memory; `num_bytes` of it are used."""

    num_bytes: int
    _places: tuple[tuple[int, int], ...]
    _columns: tuple[_Column, ...]

    @classmethod
    def of(cls, headers: Sequence[column_pb2.ColumnHeader]) -> Self:
        """Return the layout of a stream's columns; whether lengths and shapes agree is not checked."""
        places = tuple(slot_places(header.byte_length for header in headers))
        columns = tuple(_column(header, begin) for header, (begin, _) in zip(headers, places, strict=True))
        return cls(places[-1][1] if places else 0, places, columns)

    def pieces(self, memory: npt.NDArray[np.uint8]) -> list[memoryview]:
        """Return each column's bytes."""
        return [memory.data[begin:end] for begin, end in self._places]

    def arrays(self, memory: npt.NDArray[np.uint8]) -> dict[str, Array]:
        """Return the columns and facts as views that keep `memory`."""
        return {path: np.ndarray(shape, dtype, memory, at) for path, shape, dtype, at in self._columns}


def part_of(message: bytes) -> tuple[int, npt.NDArray[np.uint8]] | None:
    """Return offset and bytes of a message that is a part of a batch, as a view; None for another one."""
    if not message or message[0] != BATCH_PART << 3 | LENGTH_DELIMITED:
        return None
    try:
        outer = list(fields_of(message, 0, len(message)))
        fields = {f.number: f for f in fields_of(message, outer[0].start, outer[0].end)}
    except (IndexError, struct.error):
        return None
    data = fields.get(PART_DATA)
    if len(outer) != 1 or data is None:
        return None
    offset = fields[OFFSET].value if OFFSET in fields else 0
    return offset, np.frombuffer(message, np.uint8, data.end - data.start, data.start)


def _between(message: bytes, values: Sequence[Field]) -> Iterator[tuple[int, int, bytes]]:
    position = 0
    for field in sorted(values, key=lambda f: f.start):
        if field.start > position:
            yield position, field.start, message[position : field.start]
        position = field.end
    if position < len(message):
        yield position, len(message), message[position:]


def _column(header: column_pb2.ColumnHeader, start: int) -> _Column:
    dtype = element_type_from_proto(header.element_type, f"columns.{header.path}.element_type").dtype
    return _Column(header.path, tuple(header.shape), dtype, start)
