"""Batches from the messages of a sample stream, without a copy of their bytes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from heronry.api.common.v1 import column_pb2
from heronry.api.replay.v1 import replay_pb2
from heronry.types.blocking import Waiting
from heronry.types.columns import column_specs
from heronry.types.errors import DataLossError, MessageTooLargeError, SchemaMismatchError
from heronry.types.experience import Batch
from heronry.types.tensors import Array
from heronry.wire.batch_frame import BatchFrame
from heronry.wire.batch_layout import SlotLayout, WholeLayout, part_of
from heronry.wire.columns import columns_from_proto, split_columns
from heronry.wire.slots import SlotSource
from heronry.wire.tables import waiting_from_proto

MAX_BATCH_BYTES: Final = 4 << 30

_FACT_PREFIX: Final = "@"
_NEEDED: Final[dict[str, type[np.generic]]] = {
    "@key": np.uint64,
    "@probability": np.float64,
    "@priority": np.float64,
    "@times_sampled": np.uint32,
    "@epoch": np.uint64,
    "@version": np.uint64,
}
_OPTIONAL: Final[dict[str, type[np.generic]]] = {"@age": np.uint64, "@length": np.uint32, "@table": np.uint32}

Headers = Sequence[column_pb2.ColumnHeader]


class BatchAssembler:
    """Makes batches of the messages of one sample stream; not thread-safe.

    Messages may come as the bytes that were received: most batches are then read without a protobuf object, as
    arrays over these bytes. Parts follow their header in order of their offsets.
    """

    def __init__(self, *, max_bytes: int = MAX_BATCH_BYTES, slots: SlotSource | None = None) -> None:
        """Begin.

        Args:
          max_bytes: of a batch.
          slots: maps what the service offers; None: offers are not heeded.
        """
        self._max_bytes = max_bytes
        self._slots = slots
        self._columns: Headers = ()
        self._layout: WholeLayout | None = None
        self._slot_layout: SlotLayout | None = None
        self._header: replay_pb2.Batch | None = None
        self._buffer: npt.NDArray[np.uint8] = np.empty(0, np.uint8)
        self._num_received = 0

    def add(self, message: bytes | replay_pb2.SampleResponse) -> Batch | Waiting | None:
        """Take the next message; return the batch that it completes, or why there is none for now.

        Raises:
          DataLossError: a part that does not follow the one before it, a batch cut short, or one in memory that
            is not mapped.
          MessageTooLargeError: a batch above `max_bytes`, or bytes beyond its declared length.
          SchemaMismatchError, UnimplementedError: headers that cannot be read.
        """
        if isinstance(message, bytes):
            return self._add_bytes(message)
        part = message.WhichOneof("part")
        if part == "batch":
            return self._open(message.batch)
        if part == "batch_part":
            return self._place(message.batch_part.offset, np.frombuffer(message.batch_part.data, np.uint8))
        if part == "waiting":
            return waiting_from_proto(message.waiting)
        if part == "shared_memory" and self._slots is not None:
            offer = message.shared_memory
            self._slots.offered(offer.socket_path, offer.token, offer.num_slots, offer.slot_bytes)
        return None

    def _add_bytes(self, message: bytes) -> Batch | Waiting | None:
        layout = self._layout
        if layout is not None and self._header is None and layout.fits(message):
            return _batch(layout.arrays(message), *layout.numbers(message))
        part = part_of(message)
        if part is not None:
            return self._place(*part)
        response = _parsed(message)
        result = self.add(response)
        if isinstance(result, Batch) and self._header is None and not response.batch.HasField("slot"):
            self._layout = WholeLayout.of(message, self._columns)
        return result

    def _open(self, header: replay_pb2.Batch) -> Batch | None:
        if self._header is not None:
            raise _part_error(f"a new batch after {self._num_received} bytes", f"{self._header.num_bytes} bytes")
        if header.num_bytes > self._max_bytes:
            raise MessageTooLargeError.of("batch.num_bytes", header.num_bytes, f"at most {self._max_bytes}")
        if header.columns:
            self._columns, self._slot_layout = tuple(header.columns), None
        if header.HasField("slot"):
            return self._in_slot(header)
        if header.num_parts == 0:
            return _checked_batch(header, columns_from_proto(self._columns, header.data))
        self._header, self._num_received = header, 0
        self._buffer = np.empty(header.num_bytes, np.uint8)
        return None

    def _in_slot(self, header: replay_pb2.Batch) -> Batch:
        layout = self._slot_layout or SlotLayout.of(self._columns)
        if self._slots is None:
            raise _data_error("batch.slot", header.slot, "nothing: no shared memory is mapped")
        try:
            memory = self._slots.bytes_of(header.slot, layout.num_bytes)
        except ValueError as error:
            raise _data_error("batch.slot", header.slot, f"a slot of the offer ({error})") from error
        if self._slot_layout is not None:
            return _batch(layout.arrays(memory), header.batch_id, header.table_size)
        # What the headers say is checked once: it is the same for every batch of a stream.
        batch = _checked_batch(header, columns_from_proto(self._columns, layout.pieces(memory)))
        self._slot_layout = layout
        return batch

    def _place(self, offset: int, data: npt.NDArray[np.uint8]) -> Batch | None:
        header = self._header
        if header is None:
            raise _part_error("a part", "a batch header before its parts")
        end = offset + data.size
        if offset != self._num_received:
            raise _part_error(offset, self._num_received)
        if end > self._buffer.size:
            raise MessageTooLargeError.of("batch_part.data", f"bytes up to {end}", f"up to {self._buffer.size}")
        self._buffer[offset:end] = data
        self._num_received = end
        if end < self._buffer.size:
            return None
        self._header = None
        self._buffer.setflags(write=False)
        return _checked_batch(
            header, columns_from_proto(self._columns, split_columns(self._columns, self._buffer.data))
        )


def _parsed(message: bytes) -> replay_pb2.SampleResponse:
    try:
        return replay_pb2.SampleResponse.FromString(message)
    except DecodeError:
        details = {"field": "response", "value": f"{len(message)} bytes", "allowed": "a serialised SampleResponse"}
        raise DataLossError(
            f"response: got {len(message)} bytes, no serialised SampleResponse", details=details
        ) from None


def batch_to_frames(batch: Batch) -> Iterator[bytes]:
    """Yield the serialised messages of a batch, as a stream's first."""
    columns = {path: np.asarray(a) for path, a in batch.columns.items()}
    facts = {name: np.asarray(a) for name, a in _facts_of(batch).items() if a is not None}
    frame = BatchFrame(column_specs(columns, 0), column_specs(facts, 0), batch.batch_size)
    for name, array in columns.items():
        frame.columns[name][...] = array
    for name, array in facts.items():
        frame.facts[name][...] = array
    frame.seal(batch.batch_id, batch.table_size)
    return frame.messages(with_headers=True)


def _facts_of(batch: Batch) -> dict[str, npt.ArrayLike | None]:
    return {
        "@key": batch.keys,
        "@probability": batch.probabilities,
        "@priority": batch.priorities,
        "@times_sampled": batch.times_sampled,
        "@epoch": batch.behaviour_epochs,
        "@version": batch.behaviour_numbers,
        "@age": batch.ages,
        "@length": batch.lengths,
        "@table": batch.tables,
    }


def _checked_batch(header: replay_pb2.Batch, columns: Mapping[str, Array]) -> Batch:
    for name, kind in _NEEDED.items():
        if name not in columns:
            raise _fact_error(name, "nothing", kind, header.batch_size)
    for name, kind in {**_NEEDED, **_OPTIONAL}.items():
        array = columns.get(name)
        if array is not None and (array.shape != (header.batch_size,) or array.dtype != kind):
            raise _fact_error(name, f"{array.dtype}{list(array.shape)}", kind, header.batch_size)
    return _batch(columns, header.batch_id, header.table_size)


def _batch(arrays: Mapping[str, Array], batch_id: int, table_size: int) -> Batch:
    """Return the batch of columns and facts whose types were checked."""
    # Typed as any array may be: what was checked is not checked again.
    facts: Mapping[str, Any] = arrays
    return Batch(
        columns={path: a for path, a in arrays.items() if not path.startswith(_FACT_PREFIX)},
        keys=facts["@key"],
        probabilities=facts["@probability"],
        priorities=facts["@priority"],
        times_sampled=facts["@times_sampled"],
        behaviour_epochs=facts["@epoch"],
        behaviour_numbers=facts["@version"],
        table_size=table_size,
        batch_id=batch_id,
        ages=facts.get("@age"),
        lengths=facts.get("@length"),
        tables=facts.get("@table"),
    )


def _fact_error(name: str, found: str, kind: type[np.generic], batch_size: int) -> SchemaMismatchError:
    return SchemaMismatchError.of(f"columns.{name}", found, f"{np.dtype(kind)}[{batch_size}]")


def _part_error(value: object, allowed: object) -> DataLossError:
    return _data_error("batch_part.offset", value, allowed)


def _data_error(field: str, value: object, allowed: object) -> DataLossError:
    details = {"field": field, "value": str(value), "allowed": str(allowed)}
    return DataLossError(f"{field}: got {value}, allowed: {allowed}", details=details)
