"""Hands file descriptors to processes of the same user that show a token."""

import asyncio
import os
import secrets
import shutil
import socket
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

_log = structlog.get_logger(__name__)

TOKEN_BYTES: Final = 16
_TIMEOUT_S: Final = 2.0
_PAUSE_S: Final = 0.1
_MAX_OFFERS: Final = 1024
_BACKLOG: Final = 16
_CREDENTIALS: Final = struct.Struct("3i")
_LENGTH: Final = struct.Struct("<I")
# What is sent at once up to this length comes in one piece.
_MOST_BYTES: Final = 16 << 10
MOST_ANSWER_BYTES: Final = _MOST_BYTES - _LENGTH.size
_MAX_CONNECTIONS: Final = 256

Answer = tuple[bytes, int | None]
"""A message, which is not empty, and a descriptor that goes along; it is closed once it was sent."""
Answering = Callable[[bytes], Answer | None]
"""Answers a message at once; None, which is told, when it cannot."""


@dataclass(frozen=True)
class _Offer:
    """A descriptor on offer; one with a timer is closed at its end."""

    descriptor: int
    timer: asyncio.TimerHandle | None = None
    on_end: Callable[[], object] | None = None
    answering: Answering | None = None

    def end(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            os.close(self.descriptor)
        if self.on_end is not None:
            self.on_end()


class DescriptorSocket:
    """A UNIX socket in a private folder. Whoever connects sends a token and gets the descriptor offered under it.

    A token is good once. A peer of another user, an unknown token or silence gets nothing. A reader
    that cannot open the path is on another machine, which is how co-location is found out. Where an offer has
    something that answers, its connection stays, and each message over it is answered with one. Used on one
    event loop.
    """

    def __init__(self) -> None:
        self._offers: dict[bytes, _Offer] = {}
        self._folder: Path | None = None
        self._listener: socket.socket | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._connections: set[socket.socket] = set()

    def offer(self, descriptor: int) -> tuple[str, bytes]:
        """Offer a descriptor, which must stay open until it is withdrawn; return the path and the token.

        Raises:
          OSError: there can be no such socket here, or too many offers are open.
        """
        return self._offered(secrets.token_bytes(TOKEN_BYTES), _Offer(descriptor))

    def give(
        self,
        descriptor: int,
        lifetime_s: float,
        on_end: Callable[[], object] | None = None,
        answering: Answering | None = None,
    ) -> tuple[str, bytes]:
        """Offer a descriptor for a while and close it then, or once it was taken; return the path and the token.

        `on_end` is called at the end of the offer, taken or not; `answering` by whoever took it, as long as it likes.

        Raises:
          OSError: as `offer`; the descriptor then stays open.
        """
        token = secrets.token_bytes(TOKEN_BYTES)
        loop = asyncio.get_running_loop()
        timer = loop.call_later(lifetime_s, lambda: self.withdraw(token))
        try:
            return self._offered(token, _Offer(descriptor, timer, on_end, answering))
        except OSError:
            timer.cancel()
            raise

    def withdraw(self, token: bytes) -> None:
        """End an offer, taken or not."""
        if (offer := self._offers.pop(token, None)) is not None:
            offer.end()

    def end_connections(self) -> None:
        """Answer nobody any more; whoever still asks finds his connection closed."""
        for peer in list(self._connections):
            self._end_connection(peer)

    async def close(self) -> None:
        """Stop listening and remove the folder."""
        self.end_connections()
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        for token in list(self._offers):
            self.withdraw(token)

    def _offered(self, token: bytes, offer: _Offer) -> tuple[str, bytes]:
        if len(self._offers) >= _MAX_OFFERS:
            raise OSError(f"{_MAX_OFFERS} descriptors are on offer, the most there may be")
        path = self._listen()
        self._offers[token] = offer
        return path, token

    def _listen(self) -> str:
        if self._listener is None or self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="heronry-"))
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listener.setblocking(False)
            self._listener.bind(str(self._path))
            self._path.chmod(0o600)
            self._listener.listen(_BACKLOG)
            asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)
        return str(self._path)

    @property
    def _path(self) -> Path:
        return (self._folder or Path()) / "descriptors"

    def _accept(self, listener: socket.socket) -> None:
        """Serve whoever has connected; at once when the token has come with him: a task would take longer."""
        try:
            peer, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError:
            # No descriptors are left: until there are, the listener would wake the loop without pause.
            loop = asyncio.get_running_loop()
            loop.remove_reader(listener)
            loop.call_later(_PAUSE_S, self._accept_again, listener)
            return
        try:
            peer.setblocking(False)
            self._begin(peer)
        except OSError:
            peer.close()

    def _accept_again(self, listener: socket.socket) -> None:
        if self._listener is listener:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _begin(self, peer: socket.socket) -> None:
        _, user, _ = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        if user != os.getuid():
            peer.close()
            return
        try:
            token = peer.recv(TOKEN_BYTES)
        except BlockingIOError:
            call = asyncio.get_running_loop().create_task(self._serve(peer))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        else:
            self._hand_over(peer, token)

    async def _serve(self, peer: socket.socket) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                token = await asyncio.get_running_loop().sock_recv(peer, TOKEN_BYTES)
            self._hand_over(peer, token)
        except (OSError, TimeoutError):
            peer.close()
        except asyncio.CancelledError:
            peer.close()
            raise

    def _hand_over(self, peer: socket.socket, token: bytes) -> None:
        offer = self._offers.pop(token, None)
        if offer is None:
            peer.close()
            return
        try:
            socket.send_fds(peer, [b"d"], [offer.descriptor])
        finally:
            offer.end()
        if offer.answering is None or len(self._connections) >= _MAX_CONNECTIONS:
            peer.close()
            return
        self._connections.add(peer)
        asyncio.get_running_loop().add_reader(peer, self._asked, peer, offer.answering)

    def _asked(self, peer: socket.socket, answering: Answering) -> None:
        """Answer a message of a peer; one that has gone, or asks on without reading, loses its connection."""
        try:
            asked = peer.recv(_MOST_BYTES)
            if asked:
                _send(peer, answering(asked))
                return
        except BlockingIOError:
            return
        except OSError as error:
            _log.debug("descriptor_connection_failed", reason=str(error))
        except Exception as error:  # noqa: BLE001 # the peer must not wait for an answer that never comes
            _log.error("descriptor_connection_failed", exc_info=error)
        self._end_connection(peer)

    def _end_connection(self, peer: socket.socket) -> None:
        asyncio.get_running_loop().remove_reader(peer)
        self._connections.discard(peer)
        peer.close()


def _send(peer: socket.socket, answer: Answer | None) -> None:
    frame, descriptor = answer or (b"", None)
    message = _LENGTH.pack(len(frame)) + frame
    try:
        if socket.send_fds(peer, [message], [] if descriptor is None else [descriptor]) != len(message):
            raise OSError("the peer does not read")
    except BlockingIOError as error:
        raise OSError("the peer does not read") from error
    finally:
        if descriptor is not None:
            os.close(descriptor)
