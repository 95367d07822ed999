"""A peer that stalls, a crowd of streams, uploads that end early: nobody else notices."""

import asyncio
import time

import grpc
import numpy as np
import pytest

from heronry.api.params.v1 import params_pb2
from heronry.api.replay.v1 import replay_pb2
from heronry.types.errors import AbortedError, DataLossError, ResourceExhaustedError
from heronry.wire.chunks import ChunkAssembler, cut_frames
from heronry.wire.status import error_from_rpc

PUSH = "/heronry.api.params.v1.ParamsService/Push"
PULL = "/heronry.api.params.v1.ParamsService/Pull"


async def read_to_the_end(call) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


async def outcome(call) -> Exception:
    """Read a stream to its end, which is an error."""
    with pytest.raises(grpc.RpcError) as caught:
        await read_to_the_end(call)
    return error_from_rpc(caught.value)


async def test_a_reader_that_stops_reading_loses_its_stream(serve) -> None:
    async with serve() as running:
        call = running.sample("flood")
        await call.read()

        await running.until_streams(0)

        error = await outcome(call)
    assert isinstance(error, AbortedError)
    assert error.details == {"side": "reader", "stall_s": "0.3"}


async def test_a_writer_that_falls_silent_loses_its_stream(serve) -> None:
    async def requests():
        yield replay_pb2.AppendRequest(block=replay_pb2.AppendBlock(sequence=1))
        await asyncio.Event().wait()

    async with serve() as running:
        call = running.replay.Append(requests())

        assert (await call.read()).accepted_sequence == 1
        error = await outcome(call)

    assert isinstance(error, AbortedError)
    assert error.details["side"] == "writer"


async def test_more_streams_than_allowed_are_refused_at_once_while_unary_calls_go_on(serve) -> None:
    async with serve(max_streams=3, stall_s=30) as running:
        held = [running.sample("idle") for _ in range(3)]
        for call in held:
            await call.read()

        begun = time.perf_counter()
        error = await outcome(running.sample("idle"))
        elapsed = time.perf_counter() - begun

        assert isinstance(error, ResourceExhaustedError)
        assert error.retry_after_s == 1.0
        assert elapsed < 1.0
        assert await running.get_table("t") == "t of anonymous"

        held[0].cancel()
        await running.until_streams(2)
        assert (await running.sample("idle").read()).waiting.side == "sample"


async def test_a_cancelled_stream_is_cleaned_up(serve) -> None:
    async with serve() as running:
        call = running.sample("idle")
        await call.read()

        call.cancel()

        await running.until_streams(0)


async def test_an_upload_arrives_whole_and_a_cut_buffer_serves_a_normal_reader(serve, upload_of) -> None:
    content = np.random.default_rng(0).bytes((2 << 20) + 17)
    async with serve() as running:
        push = running.channel.stream_unary(
            PUSH, request_serializer=None, response_deserializer=params_pb2.PushResponse.FromString
        )
        assert (await push(iter(upload_of(content)), timeout=10)).counted
        assert running.service.params.content == content

        running.service.params.frames = cut_frames(content, params_pb2.PullResponse)
        assembler = ChunkAssembler(len(content))
        async for message in running.params.Pull(params_pb2.PullRequest(), timeout=10):
            if message.WhichOneof("part") == "chunk":
                assembler.add(message.chunk)
        assert assembler.is_complete


async def test_an_upload_without_its_end_is_not_taken(serve, upload_of) -> None:
    async with serve() as running:
        push = running.channel.stream_unary(
            PUSH, request_serializer=None, response_deserializer=params_pb2.PushResponse.FromString
        )
        with pytest.raises(grpc.RpcError) as caught:
            await push(iter(upload_of(b"x" * 100)[:-1]), timeout=10)

        assert running.service.params.content == b""
    assert isinstance(error_from_rpc(caught.value), DataLossError)
