"""Versions on their way to the reader: by stream, exactly or packed, or in memory that both can see."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from heronry.api.params.v1 import params_pb2 as pb
from heronry.client.arguments import check_codec
from heronry.client.bulk import pull_method, read_to_end, read_version, watch_method
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
from heronry.client.retries import Retries
from heronry.client.shared_versions import SharedVersions
from heronry.client.spare_buffers import SpareBuffers
from heronry.types.contribution import ParameterCodec
from heronry.types.errors import InvalidArgumentError
from heronry.wire.versions import version_to_proto

# Above this, unpacking would hold up the event loop; below, a thread costs more than it does.
_INLINE_BYTES: Final = 1 << 20


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
        method = pull_method(await self._connection.bulk())
        request.accepts_shared_memory = self._may_be_shared(request)
        frames = aiter(method(request, timeout=left_s, metadata=self._connection.metadata))
        received = await read_version(frames, ParametersAssembler(spare=self._spare, schemas=self._schemas))
        if received is None:
            return None
        self._leave(frames)
        parameters = await self._made(received, base)
        # The service is elsewhere after all, and will not be asked for memory again.
        return await self._pulled(request, base, left_s) if parameters is None else parameters

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

    async def _made(self, received: Received, base: Parameters | None) -> Parameters | None:
        """Return a version of what came; None when it lies in memory that cannot be had from here."""
        if isinstance(received, OfferedVersion):
            flat = await self._shared.mapped(received.offer, received.schema.num_bytes)
            return None if flat is None else Parameters(received.version, received.schema, flat)
        if not isinstance(received, PackedVersion):
            return received
        if received.schema.num_bytes <= _INLINE_BYTES:
            return received.unpacked(base, self._spare)
        return await asyncio.to_thread(received.unpacked, base, self._spare)
