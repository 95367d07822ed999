"""Uploads and downloads of whole versions, as frames that are serialised and split by hand."""

import asyncio

import grpc.aio
import numpy as np

from heronry.api.params.v1 import params_pb2 as pb
from heronry.client.parameters import Parameters, ParametersAssembler
from heronry.types.errors import UnavailableError
from heronry.wire.chunks import Buffer, cut_frames, upload_end

_SERVICE = "/heronry.api.params.v1.ParamsService"
# Above this, hashing and cutting would hold up the event loop; below, a thread costs more than they do.
_INLINE_BYTES = 1 << 20

PullMethod = grpc.aio.UnaryStreamMultiCallable[pb.PullRequest, bytes]
WatchMethod = grpc.aio.UnaryStreamMultiCallable[pb.WatchRequest, bytes]
RegisterMethod = grpc.aio.StreamUnaryMultiCallable[bytes, pb.RegisterModelResponse]
PushMethod = grpc.aio.StreamUnaryMultiCallable[bytes, pb.PushResponse]


def pull_method(channel: grpc.aio.Channel) -> "PullMethod":
    """Return the call that downloads one version, its answers as they come."""
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


async def read_version(call: "grpc.aio.UnaryStreamCall[pb.PullRequest, bytes]") -> Parameters | None:
    """Return the version that a pull sends; None when it says that there is nothing newer."""
    assembler = ParametersAssembler()
    parameters = None
    async for frame in call:
        parameters = assembler.add(frame)
    if parameters is None and not assembler.is_unchanged:
        raise UnavailableError("Pull was ended by the service before the version was complete")
    return parameters


async def upload_frames(opening: pb.PushRequest | pb.RegisterModelRequest, flat: Buffer) -> list[bytes]:
    """Return all messages of an upload, serialised: opening, chunks, end."""
    wrapper = type(opening)

    def frames() -> list[bytes]:
        end = wrapper(end=upload_end(flat))
        return [opening.SerializeToString(), *cut_frames(flat, wrapper), end.SerializeToString()]

    return frames() if num_bytes_of(flat) <= _INLINE_BYTES else await asyncio.to_thread(frames)


def num_bytes_of(flat: Buffer) -> int:
    """Return the length of a flat buffer in bytes."""
    return flat.nbytes if isinstance(flat, (np.ndarray, memoryview)) else len(flat)
