"""An upload as it comes in: header, chunks, end."""

import asyncio
from collections.abc import AsyncIterable
from typing import Generic, TypeVar

from google.protobuf.message import DecodeError

from heronry.api.params.v1 import params_pb2 as pb
from heronry.params.core.layout import Bytes
from heronry.runtime.streams import guarded
from heronry.types.errors import InvalidArgumentError
from heronry.wire.chunks import CHUNK_BYTES, ChunkAssembler

M = TypeVar("M", pb.PushRequest, pb.RegisterModelRequest)


class Upload(Generic[M]):
    """Reads one upload from the frames of its stream; a writer that stalls loses it."""

    def __init__(self, frames: AsyncIterable[bytes], wrapper: type[M], stall_s: float) -> None:
        self._frames = guarded(frames, stall_s)
        self._wrapper: type[M] = wrapper

    async def header(self) -> M:
        """Return the first message.

        Raises:
          InvalidArgumentError: it is no header, or there is none.
        """
        frame = await anext(self._frames, b"")
        message = self._parsed(frame)
        self._expect(message, "header")
        return message

    async def flat(self, num_bytes: int) -> Bytes:
        """Return the flat buffer, complete and equal to what was sent.

        Raises:
          DataLossError: a gap, an overlap, a checksum that differs, or no end before the stream's.
          MessageTooLargeError: more bytes than declared.
        """
        assembler = ChunkAssembler(num_bytes)
        async for frame in self._frames:
            if assembler.add_frame(frame, self._wrapper):
                continue
            message = self._parsed(frame)
            if message.WhichOneof("part") == "chunk":
                assembler.add(message.chunk)
                continue
            self._expect(message, "end")
            if num_bytes > CHUNK_BYTES:
                return await asyncio.to_thread(assembler.finish, message.end)
            return assembler.finish(message.end)
        raise assembler.missing_end()

    async def discard(self) -> None:
        """Read to the end of the stream, keeping nothing."""
        async for _ in self._frames:
            continue

    def _parsed(self, frame: bytes) -> M:
        try:
            return self._wrapper.FromString(frame)
        except DecodeError as error:
            raise InvalidArgumentError.of("part", f"{len(frame)} bytes", f"a {self._wrapper.__name__}") from error

    def _expect(self, message: M, part: str) -> None:
        got = message.WhichOneof("part")
        if got != part:
            raise InvalidArgumentError.of("part", got, f"{part} (order: header, chunks, end)")
