"""An upload as it comes in: header, then chunks and the end, or a reference to lent memory."""

import asyncio
from collections.abc import AsyncIterable
from typing import Generic, Self, TypeVar

from google.protobuf.message import DecodeError, Message

from heronry.api.common.v1 import chunk_pb2
from heronry.api.params.v1 import params_pb2 as pb
from heronry.native import place_chunk
from heronry.params.core.layout import Bytes
from heronry.params.core.measured_copy import MeasuredCopy
from heronry.runtime.watched_reader import WatchedReader
from heronry.types.errors import InvalidArgumentError
from heronry.wire.chunks import CHUNK_BYTES, ChunkAssembler, chunk_tag

M = TypeVar("M", pb.PushRequest, pb.RegisterModelRequest)


class Upload(Generic[M]):
    """Reads one upload from the frames of its stream; a writer that stalls loses it."""

    def __init__(self, frames: AsyncIterable[bytes], wrapper: type[M], stall_s: float) -> None:
        self._frames = WatchedReader(aiter(frames), stall_s)
        self._wrapper: type[M] = wrapper

    async def header(self) -> M:
        """Return the first message.

        Raises:
          InvalidArgumentError: it is no header, or there is none.
        """
        message = self._parsed(await self._frames.read() or b"")
        self._expect(message, "header")
        return message

    async def fill(self, buffer: Bytes, measuring: MeasuredCopy | None = None) -> bytes | None:
        """Put what follows the header into a buffer, complete and equal to what was sent; `measuring` it meanwhile.

        Returns:
          None; or the id of the loan that holds the bytes, when no chunk came: the buffer is as it was.

        Raises:
          DataLossError: a gap, an overlap, a checksum that differs, or no end before the stream's.
          MessageTooLargeError: more bytes than declared.
        """
        assembler = assembler_into(buffer, self._wrapper, measuring)
        while (frame := await self._frames.read()) is not None:
            if assembler.add_frame(frame, self._wrapper):
                continue
            message = self._parsed(frame)
            part = message.WhichOneof("part")
            if part == "chunk":
                assembler.add(message.chunk)
            elif part == "shared" and not assembler.num_received and isinstance(message, pb.PushRequest):
                return message.shared.loan_id
            else:
                self._expect(message, "end")
                await _finish(assembler, message.end)
                return None
        raise assembler.missing_end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._frames.close()

    async def discard(self) -> None:
        """Read to the end of the stream, keeping nothing."""
        while await self._frames.read() is not None:
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


def assembler_into(buffer: Bytes, wrapper: type[Message], measuring: MeasuredCopy | None = None) -> ChunkAssembler:
    """Return what puts the chunks of these wrappers into a buffer, `measuring` the values in them."""
    tag = chunk_tag(wrapper)

    def place_frame(frame: bytes, begin: int) -> int:
        if measuring is None:
            return place_chunk(frame, tag, buffer, begin, CHUNK_BYTES)
        return measuring.place_frame(frame, tag, begin, CHUNK_BYTES)

    place = None if measuring is None else measuring.place
    return ChunkAssembler(buffer.size, buffer=buffer, place=place, place_frame=place_frame)


async def _finish(assembler: ChunkAssembler, end: chunk_pb2.UploadEnd) -> None:
    # Only a sender that gave a content hash has the whole hashed.
    if end.content_hash and assembler.num_received > CHUNK_BYTES:
        await asyncio.to_thread(assembler.finish, end)
    else:
        assembler.finish(end)
