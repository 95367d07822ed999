"""One suite over both twins of chunks in frames, beside protobuf's own serialiser and a copy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.api.params.v1 import params_pb2 as pb
from heronry.native import crc32c, cut_chunk, measure, place_chunk, place_measured
from heronry.native.arrays import Bytes
from heronry.native.backend import Loops
from heronry.native.large_buffers import large_buffer
from heronry.wire.chunks import chunk_tag, frame_of

TAG = chunk_tag(pb.PushRequest)
MOST = 1 << 20
LENGTHS = st.integers(1, 3000) | st.sampled_from([1 << 16, (1 << 16) + 4, MOST - 4, MOST])


def some_bytes(length: int, seed: int = 0) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, length, np.uint8)


def frame(data: Bytes, offset: int = 0) -> bytes:
    message = pb.PushRequest()
    message.chunk.offset, message.chunk.crc32c, message.chunk.data = offset, crc32c(data), data.tobytes()
    return message.SerializeToString()


@given(length=LENGTHS, offset=st.integers(0, 1 << 40), seed=st.integers(0, 99), cut=st.integers(0, 3000))
def test_a_chunk_that_is_cut_is_protobufs(twins: list[Loops], length: int, offset: int, seed: int, cut: int) -> None:
    data = some_bytes(length, seed)
    parts = [data[:cut], data[cut:]]

    for loops in twins:
        made = frame_of(TAG, offset, parts, lambda *a, loops=loops: cut_chunk(*a, loops=loops))

        assert made == frame(data, offset)


@given(length=LENGTHS, begin=st.integers(0, 200), seed=st.integers(0, 99))
def test_a_chunk_is_put_where_it_belongs(twins: list[Loops], length: int, begin: int, seed: int) -> None:
    data = some_bytes(length, seed)

    for loops in twins:
        out = np.zeros(begin + length + 1, np.uint8)
        end = place_chunk(frame(data, begin), TAG, out, begin, MOST, loops=loops)

        assert end == begin + length
        np.testing.assert_array_equal(out[begin:end], data)
        assert not out[:begin].any()
        assert not out[end:].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shift", [0, 1, 16])
@pytest.mark.parametrize("num_bytes", [8, 4096, 1 << 16, (1 << 19) + 64, (1 << 20) - 64, 1 << 20])
def test_a_vector_is_measured_on_its_way(loops: Loops, dtype: type, shift: int, num_bytes: int) -> None:
    values = np.random.default_rng(1).standard_normal(num_bytes // dtype().itemsize).astype(dtype)
    # Aligned to cache lines without a shift, as the memory of versions is.
    out = np.frombuffer(large_buffer(num_bytes + shift * values.itemsize), dtype)[shift:]

    end, largest, squares = place_measured(frame(values.view(np.uint8)), TAG, out, 0, MOST, 0.0, loops=loops)

    assert end == num_bytes
    np.testing.assert_array_equal(out, values)
    assert (largest, squares) == measure(values, loops=loops)


def test_measuring_goes_on_from_chunk_to_chunk(loops: Loops) -> None:
    values = np.random.default_rng(2).standard_normal(MOST // 2, np.float32)
    data, out = values.view(np.uint8), np.frombuffer(large_buffer(values.nbytes), np.float32)
    squares = largest = 0.0

    for begin in range(0, data.size, MOST):
        message = frame(data[begin : begin + MOST], begin)
        _, most, squares = place_measured(message, TAG, out, begin, MOST, squares, loops=loops)
        largest = max(largest, most)

    np.testing.assert_array_equal(out, values)
    assert (largest, squares) == measure(values, loops=loops)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 12345, (1 << 18) - 1])
def test_a_value_that_is_not_finite_shows(loops: Loops, wrong: float, place: int) -> None:
    values = np.ones(1 << 18, np.float32)
    values[place] = wrong

    out = np.frombuffer(large_buffer(values.nbytes), np.float32)
    _, largest, _ = place_measured(frame(values.view(np.uint8)), TAG, out, 0, MOST, 0.0, loops=loops)

    assert not np.isfinite(largest)


def wrong_frames() -> dict[str, bytes]:
    data = some_bytes(600)
    right = frame(data, 40)
    return {
        "a bit was flipped": right[:-1] + bytes([right[-1] ^ 1]),
        "another offset": frame(data, 44),
        "too long for the buffer": frame(some_bytes(700), 40),
        "cut off": right[:-1],
        "more behind it": right + b"x",
        "another part": pb.PushRequest(end={"num_chunks": 1}).SerializeToString(),
        "only a tag": TAG,
        "nothing": b"",
        "a number without an end": TAG + b"\xff" * 11,
    }


@pytest.mark.parametrize("name", wrong_frames())
def test_a_frame_that_does_not_belong_there_is_refused(loops: Loops, name: str) -> None:
    out, values = np.zeros(640, np.uint8), np.zeros(160, np.float32)

    assert place_chunk(wrong_frames()[name], TAG, out, 40, MOST, loops=loops) == -1
    assert place_measured(wrong_frames()[name], TAG, values, 40, MOST, 1.5, loops=loops)[0] == -1


def test_a_chunk_above_the_bound_is_refused(loops: Loops) -> None:
    assert place_chunk(frame(some_bytes(101)), TAG, np.zeros(200, np.uint8), 0, 100, loops=loops) == -1


def test_a_chunk_that_parts_a_value_is_not_measured(loops: Loops) -> None:
    message = frame(some_bytes(6))

    assert place_measured(message, TAG, np.zeros(2, np.float32), 0, MOST, 0.0, loops=loops)[0] == -1


def test_other_types_are_refused(loops: Loops) -> None:
    with pytest.raises(TypeError):
        place_chunk(b"", TAG, np.zeros(4, np.int16), 0, MOST, loops=loops)  # type: ignore[arg-type]  # refused
    with pytest.raises(TypeError):
        place_measured(b"", TAG, np.zeros(4, np.int16), 0, MOST, 0.0, loops=loops)  # type: ignore[arg-type]  # refused
    with pytest.raises(TypeError):
        cut_chunk(b"", b"", [np.zeros(4, np.int16)], loops=loops)  # type: ignore[list-item]  # refused
