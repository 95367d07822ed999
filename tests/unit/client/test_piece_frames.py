"""An upload's frames are the same, whatever pieces its bytes lie in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.api.params.v1 import params_pb2 as pb
from heronry.client.bulk import upload_frames
from heronry.client.piece_frames import frames_of_pieces
from heronry.wire.chunks import CHUNK_BYTES, cut_frames

PIECES = st.lists(st.binary(max_size=40), max_size=6)


@given(pieces=PIECES, chunk_bytes=st.integers(1, 50))
def test_frames_of_pieces_equal_those_of_the_whole(pieces: list[bytes], chunk_bytes: int) -> None:
    arrays = [np.frombuffer(piece, np.uint8) for piece in pieces]

    frames = list(frames_of_pieces(arrays, pb.PushRequest, chunk_bytes=chunk_bytes))

    assert frames == cut_frames(b"".join(pieces), pb.PushRequest, chunk_bytes=chunk_bytes)


@pytest.mark.parametrize("wrapper", [pb.PushRequest, pb.RegisterModelRequest, pb.PullResponse])
def test_frames_are_messages(wrapper: type[pb.PushRequest]) -> None:
    (frame,) = frames_of_pieces([np.frombuffer(b"ab", np.uint8), np.frombuffer(b"c", np.uint8)], wrapper)

    message = wrapper.FromString(frame)

    assert (message.chunk.offset, message.chunk.data) == (0, b"abc")
    assert message.SerializeToString() == frame


def test_an_upload_is_opening_chunks_and_an_end_that_counts_them() -> None:
    opening = pb.PushRequest(header=pb.PushHeader(model="policy"))
    pieces = [np.zeros(CHUNK_BYTES, np.uint8), np.ones(10, np.uint8)]

    first, *chunks, last = (pb.PushRequest.FromString(frame) for frame in upload_frames(opening, pieces))

    assert first == opening
    assert [chunk.chunk.offset for chunk in chunks] == [0, CHUNK_BYTES]
    assert (last.end.num_chunks, last.end.num_bytes, last.end.content_hash) == (2, CHUNK_BYTES + 10, b"")
