"""Chunks: the bytes that protobuf would make, checked on arrival."""

import google_crc32c
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.api.common.v1 import chunk_pb2
from heronry.api.params.v1 import params_pb2
from heronry.types.errors import DataLossError, MessageTooLargeError
from heronry.types.tensors import content_hash
from heronry.wire.chunks import (
    CHUNK_BYTES,
    DOWNLOAD_CHUNK_BYTES,
    ChunkAssembler,
    cut_frames,
    num_chunks,
    parse_frame,
    upload_end,
)

WRAPPERS = [params_pb2.PullResponse, params_pb2.WatchResponse, params_pb2.PushRequest, params_pb2.RegisterModelRequest]


def chunk_of(content: bytes, offset: int = 0, crc: int | None = None) -> chunk_pb2.Chunk:
    return chunk_pb2.Chunk(offset=offset, crc32c=google_crc32c.value(content) if crc is None else crc, data=content)


@pytest.mark.parametrize("wrapper", WRAPPERS, ids=lambda w: w.__name__)
@given(content=st.binary(max_size=600), chunk_bytes=st.integers(1, 200))
def test_frames_are_the_bytes_that_protobuf_makes(wrapper, content: bytes, chunk_bytes: int) -> None:
    expected = [
        wrapper(chunk=chunk_of(content[start : start + chunk_bytes], start)).SerializeToString()
        for start in range(0, len(content), chunk_bytes)
    ]

    assert cut_frames(content, wrapper, chunk_bytes=chunk_bytes) == expected
    assert num_chunks(len(content), chunk_bytes) == len(expected)


@given(content=st.binary(max_size=600), chunk_bytes=st.integers(1, 200), is_raw=st.booleans())
def test_what_was_cut_is_assembled(content: bytes, chunk_bytes: int, is_raw: bool) -> None:
    assembler = ChunkAssembler(len(content))
    for frame in cut_frames(content, params_pb2.PushRequest, chunk_bytes=chunk_bytes):
        if is_raw:
            assert assembler.add_frame(frame, params_pb2.PushRequest)
        else:
            assembler.add(params_pb2.PushRequest.FromString(frame).chunk)

    whole = assembler.finish(upload_end(content, chunk_bytes=chunk_bytes))

    assert whole.tobytes() == content
    assert not whole.flags.writeable


@given(frame=st.binary(max_size=60))
def test_any_frame_is_parsed_as_protobuf_parses_it_or_left_to_it(frame: bytes) -> None:
    chunk = parse_frame(frame, params_pb2.PushRequest)

    if chunk is not None:
        expected = params_pb2.PushRequest.FromString(frame).chunk
        assert (chunk.offset, chunk.crc32c, chunk.data.tobytes()) == (expected.offset, expected.crc32c, expected.data)


@given(frame=st.binary(min_size=2, max_size=60).map(lambda b: b"\x12" + bytes([len(b)]) + b))
def test_any_chunk_is_parsed_as_protobuf_parses_it_or_left_to_it(frame: bytes) -> None:
    test_any_frame_is_parsed_as_protobuf_parses_it_or_left_to_it.hypothesis.inner_test(frame)


def test_other_parts_are_left_to_protobuf() -> None:
    header = params_pb2.PushRequest(header=params_pb2.PushHeader(model="m")).SerializeToString()

    assert not ChunkAssembler(1).add_frame(header, params_pb2.PushRequest)


def test_an_array_is_cut_like_its_bytes() -> None:
    array = np.arange(1000, dtype=np.float32).reshape(10, 100)

    assert cut_frames(array, params_pb2.PullResponse) == cut_frames(array.tobytes(), params_pb2.PullResponse)
    assert upload_end(array).num_bytes == 4000


def test_a_given_buffer_is_filled_in_place() -> None:
    buffer = np.zeros(4, np.uint8)
    assembler = ChunkAssembler(4, buffer=buffer)
    assembler.add(chunk_of(b"1234"))

    whole = assembler.finish(upload_end(b"1234"))

    assert np.shares_memory(whole, buffer)
    assert buffer.tobytes() == b"1234"
    assert (whole.flags.writeable, buffer.flags.writeable) == (False, True)


def test_a_buffer_of_another_length_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="3 bytes for 4"):
        ChunkAssembler(4, buffer=np.zeros(3, np.uint8))


def test_a_content_hash_is_checked_where_there_is_one() -> None:
    assembler = ChunkAssembler(4)
    assembler.add(chunk_of(b"1234"))

    assert assembler.finish(upload_end(b"1234", hash_of_buffer=content_hash(b"1234"))).tobytes() == b"1234"
    with pytest.raises(DataLossError, match="content_hash"):
        assembler.finish(upload_end(b"1234", hash_of_buffer=content_hash(b"1235")))


@pytest.mark.parametrize("chunk_bytes", [CHUNK_BYTES, DOWNLOAD_CHUNK_BYTES])
def test_a_full_chunk_fits_and_one_byte_more_does_not(chunk_bytes: int) -> None:
    assembler = ChunkAssembler(2 * chunk_bytes, chunk_bytes=chunk_bytes)
    assembler.add(chunk_of(bytes(chunk_bytes)))

    with pytest.raises(MessageTooLargeError, match=rf"chunk\.data.*at most {chunk_bytes} bytes"):
        ChunkAssembler(2 * chunk_bytes, chunk_bytes=chunk_bytes).add(chunk_of(bytes(chunk_bytes + 1)))


def test_an_upload_above_the_limit_is_refused_before_memory_is_taken() -> None:
    with pytest.raises(MessageTooLargeError, match=r"header\.num_bytes: got 1152921504606846976"):
        ChunkAssembler(1 << 60, max_bytes=100, field="header.num_bytes")


@pytest.mark.parametrize(
    ("chunk", "error", "field"),
    [
        (chunk_of(b"abcd", offset=6), MessageTooLargeError, "chunk.offset"),
        (chunk_of(b"abcd", offset=1 << 63), MessageTooLargeError, "chunk.offset"),
        (chunk_of(b"ab", offset=5), DataLossError, "chunk.offset"),
        (chunk_of(b"ab", offset=0), DataLossError, "chunk.offset"),
        (chunk_of(b"ab", offset=4, crc=1), DataLossError, "chunk.crc32c"),
    ],
)
def test_a_chunk_that_does_not_fit_is_named(chunk, error, field) -> None:
    assembler = ChunkAssembler(8)
    assembler.add(chunk_of(b"1234"))

    with pytest.raises(error) as caught:
        assembler.add(chunk)

    assert caught.value.details["field"] == field
    assert assembler.num_received == 4


@pytest.mark.parametrize(
    ("end", "field"),
    [
        (None, "end"),
        (chunk_pb2.UploadEnd(num_chunks=2, num_bytes=4, content_hash=content_hash(b"1234")), "end.num_chunks"),
        (chunk_pb2.UploadEnd(num_chunks=1, num_bytes=5, content_hash=content_hash(b"1234")), "end.num_bytes"),
        (chunk_pb2.UploadEnd(num_chunks=1, num_bytes=4, content_hash=content_hash(b"1235")), "content_hash"),
    ],
)
def test_an_end_that_does_not_match_is_named(end, field) -> None:
    assembler = ChunkAssembler(4)
    assembler.add(chunk_of(b"1234"))

    with pytest.raises(DataLossError) as caught:
        assembler.finish(end)

    assert caught.value.details["field"] == field


def test_an_upload_that_lacks_bytes_is_not_finished() -> None:
    assembler = ChunkAssembler(5)
    assembler.add(chunk_of(b"1234"))

    with pytest.raises(DataLossError, match="num_bytes: got 4"):
        assembler.finish_with_hash(content_hash(b"1234"))
    with pytest.raises(DataLossError, match="num_bytes: got 4"):
        assembler.finish(chunk_pb2.UploadEnd(num_chunks=1, num_bytes=4))
