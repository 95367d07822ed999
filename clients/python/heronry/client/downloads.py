"""Versions on their way to the reader: by stream, exactly or packed, or in memory that both can see."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from heronry.api.params.v1 import params_pb2 as pb
from heronry.client.arguments import check_codec
from heronry.client.bulk import (
    pull_method,
    read_to_end,
    read_version,
    read_version_here,
    reading_pull_method,
    watch_method,
)
from heronry.client.connection import Connection
from heronry.client.feed import Feed
from heronry.client.parameters import (
    OfferedVersion,
    PackedVersion,
    Parameters,
    ParametersAssembler,
    Received,
    SchemaDecoder,
)
from heronry.client.reading_thread import read_in_thread
from heronry.client.retries import Retries
from heronry.client.shared_versions import NearVersion, SharedVersions
from heronry.client.spare_buffers import SpareBuffers
from heronry.types.contribution import ParameterCodec
from heronry.types.errors import DataLossError, InvalidArgumentError
from heronry.wire.versions import version_to_proto

# Above this, unpacking would hold up the event loop; below, a thread costs more than it does.
_INLINE_BYTES: Final = 1 << 20
# A thread of its own costs as much as two messages on the event loop.
_FEWEST_FOR_A_THREAD: Final = 4 << 20


def check_download(codec: object, base: object) -> None:
    """Raise InvalidArgumentError unless a version can travel so."""
    check_codec("codec", codec)
    if base is not None and not (isinstance(base, Parameters) and base.is_exact and len(base)):
        raise InvalidArgumentError.of("base", base, "Parameters pulled with f32")
    if codec is ParameterCodec.TOP_K and base is None:
        raise InvalidArgumentError.of("codec", codec, "f32, bf16, f16 or int8 without base")


class Downloads:
    """Pulls and watches for one client; belongs to one event loop."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._shared = SharedVersions(connection)
        self._spare = SpareBuffers()
        self._schemas = SchemaDecoder()
        # That the last version of each model travelled in: the next one is likely to be as large.
        self._num_bytes: dict[str, int] = {}
        self._endings: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Let go of memory that is not in use; Parameters stay valid."""
        self._shared.close()

    async def pull(self, request: pb.PullRequest, base: Parameters | None, timeout_s: float) -> Parameters | None:
        """Return the version asked for; None when there is nothing newer."""

        async def attempt(left_s: float) -> Parameters | None:
            return await self._pulled(request, base, left_s)

        return await self._connection.retried("Pull", attempt, timeout_s)

    async def watched(self, request: pb.WatchRequest, feed: Feed[Parameters], retries: Retries) -> bool:
        """Feed the versions of one stream, and keep in the request which was the last."""
        while await self._must_reopen(request, feed, retries):
            continue
        return False

    async def _must_reopen(self, request: pb.WatchRequest, feed: Feed[Parameters], retries: Retries) -> bool:
        """Follow a stream to its end; True when it offers memory that cannot be had from here."""
        method = watch_method(await self._connection.bulk())
        request.accepts_shared_memory = self._may_be_shared(request)
        assembler = ParametersAssembler(with_values=request.with_values, spare=self._spare, schemas=self._schemas)
        call = method(request, metadata=self._connection.metadata)
        async for frame in call:
            received = assembler.add(frame)
            if received is None:
                continue
            retries.note_success()
            parameters = await self._made(received, None)
            if parameters is None:
                call.cancel()
                return True
            request.newer_than.CopyFrom(version_to_proto(parameters.version))
            feed.put(parameters)
        return False

    async def _pulled(self, request: pb.PullRequest, base: Parameters | None, left_s: float) -> Parameters | None:
        # Which address it is shows once the connection is there.
        await self._connection.bulk()
        request.accepts_shared_memory = self._may_be_shared(request)
        if request.accepts_shared_memory and (near := await self._shared.asked(request)) is not None:
            return self._read_in_place(near)
        received = await self._received(request, left_s)
        if received is None:
            return None
        self._num_bytes[request.model] = 0 if isinstance(received, OfferedVersion) else received.num_bytes
        parameters = await self._made(received, base, is_asked_again=True)
        # The service is elsewhere after all, and will not be asked for memory again.
        return await self._pulled(request, base, left_s) if parameters is None else parameters

    def _read_in_place(self, near: NearVersion) -> Parameters | None:
        """Return the version that came along with its memory; None when there is nothing newer."""
        received = ParametersAssembler(schemas=self._schemas).add(near.frame)
        if received is None:
            return None
        num_bytes = received.schema.num_bytes
        if near.memory is None or near.memory.size < num_bytes:
            size = 0 if near.memory is None else near.memory.size
            raise DataLossError(f"shared_memory.num_bytes: got {size}, allowed: at least {num_bytes}")
        return Parameters(received.version, received.schema, near.memory[:num_bytes])

    async def _received(self, request: pb.PullRequest, left_s: float) -> Received | None:
        assembler = ParametersAssembler(spare=self._spare, schemas=self._schemas)
        metadata = self._connection.metadata
        if self._num_bytes.get(request.model, 0) >= _FEWEST_FOR_A_THREAD:
            answers = reading_pull_method(await self._connection.reading())(request, timeout=left_s, metadata=metadata)
            return await read_in_thread(answers, lambda frames: read_version_here(frames, assembler))
        method = pull_method(await self._connection.bulk())
        frames = aiter(method(request, timeout=left_s, metadata=metadata))
        received = await read_version(frames, assembler)
        if received is not None:
            self._leave(frames)
        return received

    def _leave(self, frames: AsyncIterator[bytes]) -> None:
        """Let a call end by itself whose version has come: nobody waits for its status, which changes nothing."""
        ending = asyncio.create_task(read_to_end(frames))
        self._endings.add(ending)
        ending.add_done_callback(self._ended)

    def _ended(self, ending: "asyncio.Task[None]") -> None:
        self._endings.discard(ending)
        if not ending.cancelled():
            ending.exception()

    def _may_be_shared(self, request: pb.PullRequest | pb.WatchRequest) -> bool:
        return request.codec == pb.PARAMETER_CODEC_F32 and self._shared.are_wanted

    async def _made(
        self, received: Received, base: Parameters | None, *, is_asked_again: bool = False
    ) -> Parameters | None:
        """Return a version of what came; None when it lies in memory that cannot be had from here."""
        if isinstance(received, OfferedVersion):
            num_bytes = received.schema.num_bytes
            flat = await self._shared.mapped(received.offer, num_bytes, is_asked_again=is_asked_again)
            return None if flat is None else Parameters(received.version, received.schema, flat)
        if not isinstance(received, PackedVersion):
            return received
        if received.schema.num_bytes <= _INLINE_BYTES:
            return received.unpacked(base, self._spare)
        return await asyncio.to_thread(received.unpacked, base, self._spare)
