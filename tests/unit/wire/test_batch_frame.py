"""Batches serialised in place: what any protobuf parser reads of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.api.common.v1 import column_pb2
from heronry.api.replay.v1 import replay_pb2
from heronry.types.columns import ColumnSpec
from heronry.types.tensors import Array, ElementType
from heronry.wire.batch_frame import MAX_WHOLE_BYTES, BatchFrame
from heronry.wire.schema import element_type_to_proto

kinds = st.sampled_from(list(ElementType))
extents = st.lists(st.integers(0, 5), min_size=0, max_size=3).map(tuple)
columns = st.lists(st.tuples(kinds, extents), min_size=0, max_size=6)


def specs_of(prefix: str, described: list[tuple[ElementType, tuple[int, ...]]]) -> tuple[ColumnSpec, ...]:
    return tuple(ColumnSpec(f"{prefix}{i}", kind, shape) for i, (kind, shape) in enumerate(described))


def filled(arrays: dict[str, Array], rng: np.random.Generator) -> dict[str, bytes]:
    """Write random bytes into all arrays and return them."""
    out = {}
    for path, array in arrays.items():
        data = rng.integers(0, 256, array.nbytes, dtype=np.uint8)
        array[...] = data.view(array.dtype).reshape(array.shape)
        out[path] = data.tobytes()
    return out


def headers_of(specs: tuple[ColumnSpec, ...]) -> list[column_pb2.ColumnHeader]:
    return [
        column_pb2.ColumnHeader(
            path=s.path,
            element_type=element_type_to_proto(s.element_type),
            shape=s.shape,
            codec=column_pb2.COLUMN_CODEC_NONE,
            byte_length=s.num_bytes,
        )
        for s in specs
    ]


@given(columns, columns, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.booleans(), st.integers(0, 2**32 - 1))
def test_any_batch_reads_as_the_message_that_it_stands_for(
    described, facts, batch_id: int, table_size: int, with_headers: bool, seed: int
) -> None:
    column_specs, fact_specs = specs_of("c", described), specs_of("@", facts)
    frame = BatchFrame(column_specs, fact_specs, 7)
    values = filled({**frame.columns, **frame.facts}, np.random.default_rng(seed))

    frame.seal(batch_id, table_size)
    (message,) = frame.messages(with_headers=with_headers)

    specs = (*column_specs, *fact_specs)
    assert replay_pb2.SampleResponse.FromString(message).batch == replay_pb2.Batch(
        batch_id=batch_id,
        batch_size=7,
        table_size=table_size,
        columns=headers_of(specs) if with_headers else [],
        data=[values[s.path] for s in specs],
        num_bytes=sum(s.num_bytes for s in specs),
    )


@given(columns, st.booleans())
def test_every_column_begins_at_a_multiple_of_eight_bytes(described, with_headers: bool) -> None:
    frame = BatchFrame(specs_of("c", described), (), 3)
    marks = {}
    for number, (path, array) in enumerate(frame.columns.items()):
        if array.nbytes >= 8:
            mark = f"<mark {number}>".encode()[:8].ljust(8, b"!")
            array.reshape(-1).view(np.uint8)[:8] = np.frombuffer(mark, np.uint8)
            marks[path] = mark

    frame.seal(1, 1)
    (message,) = frame.messages(with_headers=with_headers)

    assert all(message.index(mark) % 8 == 0 for mark in marks.values())


def test_a_frame_is_filled_and_sent_again_and_again() -> None:
    frame = BatchFrame((ColumnSpec("a", ElementType.INT32, (1, 4)),), (), 4)
    for number in range(3):
        frame.columns["a"][...] = number
        frame.seal(number, 5)
        (message,) = frame.messages(with_headers=number == 0)
        batch = replay_pb2.SampleResponse.FromString(message).batch
        assert batch.batch_id == number
        assert np.frombuffer(batch.data[0], "<i4").tolist() == [number] * 4


@pytest.mark.parametrize("num_bytes", [MAX_WHOLE_BYTES, MAX_WHOLE_BYTES + 1, 5_000_000])
def test_a_batch_above_two_mebibytes_comes_in_parts(num_bytes: int) -> None:
    spec = ColumnSpec("a", ElementType.UINT8, (1, num_bytes))
    frame = BatchFrame((spec,), (), 1)
    frame.columns["a"][...] = np.arange(num_bytes, dtype=np.uint64).astype(np.uint8)
    frame.seal(4, 9)

    header, *parts = [replay_pb2.SampleResponse.FromString(m) for m in frame.messages(with_headers=True)]

    assert list(header.batch.columns) == headers_of((spec,))
    assert (header.batch.batch_id, header.batch.table_size, header.batch.num_bytes) == (4, 9, num_bytes)
    data = list(header.batch.data) or [p.batch_part.data for p in parts]
    assert header.batch.num_parts == len(parts) == (0 if num_bytes <= MAX_WHOLE_BYTES else -(-num_bytes // (1 << 20)))
    assert b"".join(data) == frame.columns["a"].tobytes()
    assert [p.batch_part.offset for p in parts] == [i << 20 for i in range(len(parts))]


def test_a_batch_in_other_memory_names_its_slot_and_carries_no_bytes() -> None:
    spec = ColumnSpec("a", ElementType.FLOAT32, (1, 2))
    memory = bytearray(64 + 8)
    frame = BatchFrame((spec,), (ColumnSpec("@key", ElementType.UINT64, (1,)),), 1, memory)
    frame.columns["a"][...] = 1.5
    frame.facts["@key"][...] = 3
    frame.seal(1, 2)

    (message,) = frame.messages(with_headers=False, slot=6)

    batch = replay_pb2.SampleResponse.FromString(message).batch
    assert (batch.slot, batch.num_bytes, len(batch.data)) == (6, 16, 0)
    # Every column begins at a multiple of 64 bytes.
    assert bytes(memory) == np.float32([1.5, 1.5]).tobytes() + bytes(56) + np.uint64([3]).tobytes()
