"""Uploads and downloads of whole versions, as frames that are serialised and split by hand."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TypeAlias

import grpc.aio

from heronry.api.common.v1 import chunk_pb2
from heronry.api.params.v1 import params_pb2 as pb
from heronry.client.parameter_vector import Bytes
from heronry.client.parameters import ParametersAssembler, Received
from heronry.client.piece_frames import frames_of_pieces
from heronry.types.errors import UnavailableError
from heronry.wire.chunks import num_chunks

_SERVICE = "/heronry.api.params.v1.ParamsService"

# In quotes: before grpcio 1.84 these take no parameters at run time.
PullMethod: TypeAlias = "grpc.aio.UnaryStreamMultiCallable[pb.PullRequest, bytes]"
WatchMethod: TypeAlias = "grpc.aio.UnaryStreamMultiCallable[pb.WatchRequest, bytes]"
RegisterMethod: TypeAlias = "grpc.aio.StreamUnaryMultiCallable[bytes, pb.RegisterModelResponse]"
PushMethod: TypeAlias = "grpc.aio.StreamUnaryMultiCallable[bytes, pb.PushResponse]"


def pull_method(channel: grpc.aio.Channel) -> "PullMethod":
    """Return the call that downloads one version, its answers as they come."""
    return channel.unary_stream(f"{_SERVICE}/Pull", pb.PullRequest.SerializeToString)


def reading_pull_method(channel: grpc.Channel) -> "grpc.UnaryStreamMultiCallable[pb.PullRequest, bytes]":
    """Return the same call for a thread to read."""
    return channel.unary_stream(f"{_SERVICE}/Pull", pb.PullRequest.SerializeToString)


def watch_method(channel: grpc.aio.Channel) -> "WatchMethod":
    """Return the call that downloads every newer version, its answers as they come."""
    return channel.unary_stream(f"{_SERVICE}/Watch", pb.WatchRequest.SerializeToString)


def register_method(channel: grpc.aio.Channel) -> "RegisterMethod":
    """Return the call that uploads a model's first values, serialised."""
    return channel.stream_unary(f"{_SERVICE}/RegisterModel", None, pb.RegisterModelResponse.FromString)


def push_method(channel: grpc.aio.Channel) -> "PushMethod":
    """Return the call that uploads a contribution, serialised."""
    return channel.stream_unary(f"{_SERVICE}/Push", None, pb.PushResponse.FromString)


async def read_version(frames: AsyncIterator[bytes], assembler: ParametersAssembler) -> Received | None:
    """Return the version that a pull sends, before its call has ended; None when there is nothing newer."""
    async for frame in frames:
        received = assembler.add(frame)
        if received is not None:
            return received
    _check_unchanged(assembler)
    return None


def read_version_here(frames: Iterator[bytes], assembler: ParametersAssembler) -> Received | None:
    """Do what `read_version` does, in a thread."""
    for frame in frames:
        received = assembler.add(frame)
        if received is not None:
            return received
    _check_unchanged(assembler)
    return None


def _check_unchanged(assembler: ParametersAssembler) -> None:
    if not assembler.is_unchanged:
        raise UnavailableError("Pull was ended by the service before the version was complete")


async def read_to_end(frames: AsyncIterator[bytes]) -> None:
    """Wait for the end of a call; what still comes is not looked at."""
    async for _ in frames:
        continue


def upload_frames(opening: pb.PushRequest | pb.RegisterModelRequest, pieces: Sequence[Bytes]) -> Iterator[bytes]:
    """Yield all messages of an upload, serialised: opening, chunks, end.

    Chunks are cut as they are sent: cutting goes on beside sending, and their memory is used again.
    """
    wrapper = type(opening)
    yield opening.SerializeToString()
    yield from frames_of_pieces(pieces, wrapper)
    num_bytes = num_bytes_of(pieces)
    # The chunks' checksums vouch for the whole: a hash would cost another pass.
    end = chunk_pb2.UploadEnd(num_chunks=num_chunks(num_bytes), num_bytes=num_bytes)
    yield wrapper(end=end).SerializeToString()


def num_bytes_of(pieces: Sequence[Bytes]) -> int:
    """Return the length of all pieces in bytes."""
    return sum(piece.size for piece in pieces)
