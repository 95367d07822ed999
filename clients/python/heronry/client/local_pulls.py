"""Pulls from a service on this machine, over the connection that its memory was fetched by."""

import asyncio
import os
import socket
import struct
from typing import Final, NamedTuple

_LENGTH: Final = struct.Struct("<I")
# What is sent at once up to this length comes in one piece.
_MOST_BYTES: Final = 16 << 10
_TIMEOUT_S: Final = 2.0


class LocalAnswer(NamedTuple):
    """A serialised `PullResponse`, and a descriptor of the memory that it tells of, which the caller closes."""

    frame: bytes
    descriptor: int | None


class LocalPulls:
    """Asks and is answered in one exchange, a fraction of what a call over gRPC takes; one at a time.

    What the service cannot answer at once, or refuses, it leaves to a call over gRPC, which tells why. For one
    event loop.
    """

    def __init__(self, peer: socket.socket) -> None:
        """Take over the connection; it is not blocking."""
        self._peer = peer
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[LocalAnswer | None] | None = None
        self._is_open = True
        self._loop.add_reader(peer, self._read)

    async def ask(self, request: bytes) -> LocalAnswer | None:
        """Return the answer to a serialised `PullRequest`; None when it must go over gRPC."""
        if not self._is_open or self._answer is not None or len(request) > _MOST_BYTES:
            return None
        answer = self._answer = self._loop.create_future()
        try:
            if self._peer.send(request) != len(request):
                raise OSError("the service does not read")
            async with asyncio.timeout(_TIMEOUT_S):
                return await asyncio.shield(answer)
        except (OSError, TimeoutError):
            self._abandon(answer)
            return None
        except BaseException:
            # It would be taken for the answer to the next request.
            self._abandon(answer)
            raise
        finally:
            self._answer = None

    def close(self) -> None:
        """End the connection; who waits for an answer gets None."""
        if not self._is_open:
            return
        self._is_open = False
        self._loop.remove_reader(self._peer)
        self._peer.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)

    def _abandon(self, answer: "asyncio.Future[LocalAnswer | None]") -> None:
        self.close()
        found = answer.result() if answer.done() else None
        if found is not None and found.descriptor is not None:
            os.close(found.descriptor)

    def _read(self) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._peer, _MOST_BYTES, 1)
        except BlockingIOError:
            return
        except OSError:
            message, descriptors = b"", []
        descriptor = descriptors[0] if descriptors else None
        is_whole = len(message) >= _LENGTH.size and _LENGTH.unpack_from(message)[0] == len(message) - _LENGTH.size
        if not is_whole or self._answer is None or self._answer.done():
            if descriptor is not None:
                os.close(descriptor)
            self.close()
            return
        frame = message[_LENGTH.size :]
        self._answer.set_result(LocalAnswer(frame, descriptor) if frame else None)
