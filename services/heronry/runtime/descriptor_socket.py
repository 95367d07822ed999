"""Hands file descriptors to processes of the same user that show a token."""

import asyncio
import contextlib
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

TOKEN_BYTES: Final = 16
_TIMEOUT_S: Final = 2.0
_MAX_OFFERS: Final = 1024
_BACKLOG: Final = 16
_CREDENTIALS: Final = struct.Struct("3i")


@dataclass(frozen=True)
class _Offer:
    """A descriptor on offer; one with a timer is closed at its end."""

    descriptor: int
    timer: asyncio.TimerHandle | None = None
    on_end: Callable[[], object] | None = None

    def end(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            os.close(self.descriptor)
        if self.on_end is not None:
            self.on_end()


class DescriptorSocket:
    """A UNIX socket in a private folder. Whoever connects sends a token and gets the descriptor offered under it.

    A token is good once. A peer of another user, an unknown token or silence gets nothing. A reader
    that cannot open the path is on another machine, which is how co-location is found out. Used on one
    event loop.
    """

    def __init__(self) -> None:
        self._offers: dict[bytes, _Offer] = {}
        self._folder: Path | None = None
        self._listener: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None
        self._calls: set[asyncio.Task[None]] = set()

    def offer(self, descriptor: int) -> tuple[str, bytes]:
        """Offer a descriptor, which must stay open until it is withdrawn; return the path and the token.

        Raises:
          OSError: there can be no such socket here, or too many offers are open.
        """
        return self._offered(secrets.token_bytes(TOKEN_BYTES), _Offer(descriptor))

    def give(self, descriptor: int, lifetime_s: float, on_end: Callable[[], object] | None = None) -> tuple[str, bytes]:
        """Offer a descriptor for a while and close it then, or once it was taken; return the path and the token.

        `on_end` is called at the end of the offer, taken or not.

        Raises:
          OSError: as `offer`; the descriptor then stays open.
        """
        token = secrets.token_bytes(TOKEN_BYTES)
        loop = asyncio.get_running_loop()
        timer = loop.call_later(lifetime_s, lambda: self.withdraw(token))
        try:
            return self._offered(token, _Offer(descriptor, timer, on_end))
        except OSError:
            timer.cancel()
            raise

    def withdraw(self, token: bytes) -> None:
        """End an offer, taken or not."""
        if (offer := self._offers.pop(token, None)) is not None:
            offer.end()

    async def close(self) -> None:
        """Stop listening and remove the folder."""
        tasks = [*self._calls, *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()
            self._listener = None
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
            self._task = asyncio.get_running_loop().create_task(self._accept(self._listener))
        return str(self._path)

    @property
    def _path(self) -> Path:
        return (self._folder or Path()) / "descriptors"

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            peer, _ = await loop.sock_accept(listener)
            call = loop.create_task(self._serve(peer))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    async def _serve(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError, TimeoutError):
            peer.setblocking(False)
            _, user, _ = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
            if user != os.getuid():
                return
            async with asyncio.timeout(_TIMEOUT_S):
                token = await asyncio.get_running_loop().sock_recv(peer, TOKEN_BYTES)
            offer = self._offers.pop(token, None)
            if offer is not None:
                try:
                    socket.send_fds(peer, [b"d"], [offer.descriptor])
                finally:
                    offer.end()
