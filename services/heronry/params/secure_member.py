"""One client of a secure round, as its stream shows it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from heronry.api.params.v1 import secure_pb2 as pb
from heronry.params.upload import assembler_into
from heronry.types.contribution import ContributionHeader
from heronry.types.errors import AbortedError, DeadlineExceededError, HeronryError, InvalidArgumentError
from heronry.wire.secure import secure_header_from_proto

# Messages read ahead: beyond that the transport holds the sender back.
_MOST_UNREAD: Final = 4


class SecureMember:
    """What a client has said and is to be told; for one event loop.

    The call that serves the stream pumps its messages in, and sends what it is to be told. A round hears and says.
    """

    def __init__(self, header: ContributionHeader) -> None:
        self.header = header
        self._heard: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_UNREAD)
        self._said: asyncio.Queue[pb.SumSecurelyResponse | HeronryError | None] = asyncio.Queue()
        self._is_gone = False
        self._is_ended = False

    @property
    def client_id(self) -> str:
        """Who it is."""
        return self.header.client_id

    @property
    def is_ended(self) -> bool:
        """Whether it takes no further part: it has gone, or was told the end."""
        return self._is_gone or self._is_ended

    async def pump(self, frames: AsyncIterator[bytes]) -> None:
        """Take in what the client sends, to the end of its stream."""
        async for frame in frames:
            await self._heard.put(frame)
        await self._heard.put(None)

    def leave(self) -> None:
        """Take note that the stream is over: whoever listens is told so."""
        self._is_gone = True
        while not self._heard.empty():
            self._heard.get_nowait()
        self._heard.put_nowait(None)

    def say(self, message: pb.SumSecurelyResponse) -> None:
        """Tell the client something."""
        if not self.is_ended:
            self._said.put_nowait(message)

    def end(self, error: HeronryError | None = None) -> None:
        """End the client's part, by an error where there is one."""
        if not self._is_ended:
            self._is_ended = True
            self._said.put_nowait(error)

    async def told(self) -> AsyncIterator[pb.SumSecurelyResponse]:
        """Yield what the client is to be told; raises the error that ends its part."""
        while (said := await self._said.get()) is not None:
            if isinstance(said, HeronryError):
                raise said
            yield said

    async def hear(self, part: str) -> pb.SumSecurelyRequest:
        """Return the client's next message, which must be a certain one.

        Raises:
          AbortedError: its stream has ended.
          InvalidArgumentError: it is another one.
        """
        return parsed(await self._frame(), part)

    async def hear_words(self, first: bytes, buffer: npt.NDArray[np.uint8], stall_s: float) -> None:
        """Put the chunks of a masked input into a buffer, the first of which has come.

        Raises:
          AbortedError: the stream has ended, or nothing came for `stall_s`.
          DataLossError, MessageTooLargeError: a gap, a checksum that differs, more or fewer bytes than due.
          InvalidArgumentError: another message.
        """
        assembler, frame = assembler_into(buffer, pb.SumSecurelyRequest), first
        while assembler.add_frame(frame, pb.SumSecurelyRequest):
            try:
                async with asyncio.timeout(stall_s):
                    frame = await self._frame()
            except TimeoutError:
                raise AbortedError(f"{self.client_id!r} sent nothing for {stall_s:g} s") from None
        assembler.finish(parsed(frame, "end").end)

    async def hear_frame(self) -> bytes:
        """Return the client's next message as it came; AbortedError when its stream has ended."""
        return await self._frame()

    async def _frame(self) -> bytes:
        frame = None if self._is_gone else await self._heard.get()
        if frame is None:
            self._is_gone = True
            raise AbortedError(f"the stream of {self.client_id!r} ended before the round did")
        return frame


async def entering(frames: AsyncIterator[bytes], stall_s: float) -> SecureMember:
    """Return the member that a stream's first message announces.

    Raises:
      InvalidArgumentError: it is no header, or there is none.
      DeadlineExceededError: it did not come.
    """
    try:
        async with asyncio.timeout(stall_s):
            first = await anext(frames, b"")
    except TimeoutError:
        raise DeadlineExceededError(f"no header came for {stall_s:g} s") from None
    return SecureMember(secure_header_from_proto(parsed(first, "header").header))


def parsed(frame: bytes, part: str) -> pb.SumSecurelyRequest:
    """Return a message that must be a certain one."""
    try:
        message = pb.SumSecurelyRequest.FromString(frame)
    except DecodeError as error:
        raise InvalidArgumentError.of("part", f"{len(frame)} bytes", f"a SumSecurelyRequest, {part}") from error
    if message.WhichOneof("part") != part:
        allowed = f"{part} (order: header, keys, shares, chunks, end, revealed)"
        raise InvalidArgumentError.of("part", message.WhichOneof("part"), allowed)
    return message
