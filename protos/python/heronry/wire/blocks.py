"""Blocks and batches as messages; large batches in parts."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.api.replay.v1 import replay_pb2
from heronry.types.errors import DataLossError, MessageTooLargeError, SchemaMismatchError
from heronry.types.experience import Batch, Block
from heronry.types.tensors import Array
from heronry.wire.columns import columns_from_proto, columns_to_proto, split_columns
from heronry.wire.versions import version_from_proto, version_to_proto

MAX_WHOLE_BYTES: Final = 2 << 20
PART_BYTES: Final = 1 << 20
MAX_BATCH_BYTES: Final = 4 << 30
_FACT_PREFIX: Final = "@"
_FACTS: Final[dict[str, type[np.generic]]] = {
    "@key": np.uint64,
    "@probability": np.float64,
    "@priority": np.float64,
    "@times_sampled": np.uint32,
    "@epoch": np.uint64,
    "@version": np.uint64,
}


def block_to_proto(block: Block) -> replay_pb2.AppendBlock:
    """Return the message of a block."""
    headers, data = columns_to_proto(block.columns)
    return replay_pb2.AppendBlock(
        sequence=block.sequence,
        num_steps=block.num_steps,
        behaviour_version=version_to_proto(block.behaviour_version),
        columns=headers,
        data=data,
        priority=block.priority,
    )


def block_from_proto(message: replay_pb2.AppendBlock) -> Block:
    """Return the block of a message; its columns are read-only views.

    Raises:
      SchemaMismatchError: no columns, or a column whose leading axes are not `[num_steps, N]`.
      DataLossError, UnimplementedError: as `columns_from_proto`.
    """
    columns = columns_from_proto(message.columns, message.data)
    if not columns:
        raise SchemaMismatchError.of("block.columns", 0, "at least one column")
    num_lanes = next(iter(columns.values())).shape[1:2]
    for path, array in columns.items():
        if array.shape[:2] != (message.num_steps, *num_lanes) or array.ndim < 2:
            raise SchemaMismatchError.of(
                f"columns.{path}.shape", array.shape, f"[{message.num_steps}, N, ...], N alike"
            )
    return Block(
        message.sequence,
        columns,
        version_from_proto(message.behaviour_version),
        message.priority if message.HasField("priority") else None,
    )


def batch_to_proto(batch: Batch) -> Iterator[replay_pb2.SampleResponse]:
    """Yield the message of a batch or, above 2 MiB, its header and its parts."""
    headers, data = columns_to_proto({**batch.columns, **_facts_of(batch)})
    num_bytes = sum(map(len, data))
    is_whole = num_bytes <= MAX_WHOLE_BYTES
    message = replay_pb2.Batch(
        batch_id=batch.batch_id,
        batch_size=batch.batch_size,
        table_size=batch.table_size,
        columns=headers,
        data=data if is_whole else (),
        num_parts=0 if is_whole else -(-num_bytes // PART_BYTES),
        num_bytes=num_bytes,
    )
    yield replay_pb2.SampleResponse(batch=message)
    if not is_whole:
        yield from _parts(data, num_bytes)


class BatchAssembler:
    """Makes batches of the messages of one sample stream; not thread-safe.

    Parts follow their header in order of their offsets. Waiting messages between them are ignored.
    """

    def __init__(self, *, max_bytes: int = MAX_BATCH_BYTES) -> None:
        self._max_bytes = max_bytes
        self._header: replay_pb2.Batch | None = None
        self._buffer: npt.NDArray[np.uint8] = np.empty(0, np.uint8)
        self._num_received = 0

    def add(self, message: replay_pb2.SampleResponse) -> Batch | None:
        """Take the next message; return the batch that it completes.

        Raises:
          DataLossError: a part that does not follow the one before it, or a batch cut short.
          MessageTooLargeError: a batch above `max_bytes`, or bytes beyond its declared length.
          SchemaMismatchError, UnimplementedError: headers that cannot be read.
        """
        part = message.WhichOneof("part")
        if part == "batch":
            return self._open(message.batch)
        if part == "batch_part":
            return self._place(message.batch_part)
        return None

    def _open(self, header: replay_pb2.Batch) -> Batch | None:
        if self._header is not None:
            raise _part_error(f"a new batch after {self._num_received} bytes", f"{self._header.num_bytes} bytes")
        if header.num_bytes > self._max_bytes:
            raise MessageTooLargeError.of("batch.num_bytes", header.num_bytes, f"at most {self._max_bytes}")
        if header.num_parts == 0:
            return _batch(header, columns_from_proto(header.columns, header.data))
        self._header, self._num_received = header, 0
        self._buffer = np.empty(header.num_bytes, np.uint8)
        return None

    def _place(self, part: replay_pb2.BatchPart) -> Batch | None:
        header = self._header
        if header is None:
            raise _part_error("a part", "a batch header before its parts")
        data = np.frombuffer(part.data, np.uint8)
        end = part.offset + data.size
        if part.offset != self._num_received:
            raise _part_error(part.offset, self._num_received)
        if end > self._buffer.size:
            raise MessageTooLargeError.of("batch_part.data", f"bytes up to {end}", f"up to {self._buffer.size}")
        self._buffer[part.offset : end] = data
        self._num_received = end
        if end < self._buffer.size:
            return None
        self._header = None
        self._buffer.setflags(write=False)
        return _batch(header, columns_from_proto(header.columns, split_columns(header.columns, self._buffer.data)))


def _facts_of(batch: Batch) -> dict[str, Array]:
    values: tuple[Array, ...] = (
        batch.keys,
        batch.probabilities,
        batch.priorities,
        batch.times_sampled,
        batch.behaviour_epochs,
        batch.behaviour_numbers,
    )
    return {name: np.asarray(v, dtype=dtype) for (name, dtype), v in zip(_FACTS.items(), values, strict=True)}


def _parts(data: list[bytes], num_bytes: int) -> Iterator[replay_pb2.SampleResponse]:
    whole = np.empty(num_bytes, np.uint8)
    start = 0
    for packed in data:
        whole[start : start + len(packed)] = np.frombuffer(packed, np.uint8)
        start += len(packed)
    for offset in range(0, num_bytes, PART_BYTES):
        part = replay_pb2.BatchPart(offset=offset, data=whole[offset : offset + PART_BYTES].tobytes())
        yield replay_pb2.SampleResponse(batch_part=part)


def _batch(header: replay_pb2.Batch, columns: Mapping[str, Array]) -> Batch:
    facts = {name: _fact(columns, name, header.batch_size) for name in _FACTS}
    return Batch(
        columns={path: a for path, a in columns.items() if not path.startswith(_FACT_PREFIX)},
        keys=facts["@key"].astype(np.uint64, copy=False),
        probabilities=facts["@probability"].astype(np.float64, copy=False),
        priorities=facts["@priority"].astype(np.float64, copy=False),
        times_sampled=facts["@times_sampled"].astype(np.uint32, copy=False),
        behaviour_epochs=facts["@epoch"].astype(np.uint64, copy=False),
        behaviour_numbers=facts["@version"].astype(np.uint64, copy=False),
        table_size=header.table_size,
        batch_id=header.batch_id,
    )


def _fact(columns: Mapping[str, Array], name: str, batch_size: int) -> Array:
    array = columns.get(name)
    if array is None or array.shape != (batch_size,) or array.dtype != _FACTS[name]:
        found = "nothing" if array is None else f"{array.dtype}{list(array.shape)}"
        raise SchemaMismatchError.of(f"columns.{name}", found, f"{np.dtype(_FACTS[name])}[{batch_size}]")
    return array


def _part_error(value: object, allowed: object) -> DataLossError:
    details = {"field": "batch_part.offset", "value": str(value), "allowed": str(allowed)}
    return DataLossError(f"batch_part.offset: got {value}, allowed: {allowed}", details=details)
