"""Hands file descriptors to processes of the same user that show a token."""

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import struct
import tempfile
from pathlib import Path
from typing import Final

TOKEN_BYTES: Final = 16
_TIMEOUT_S: Final = 2.0
_MAX_OFFERS: Final = 1024
_BACKLOG: Final = 16
_CREDENTIALS: Final = struct.Struct("3i")


class DescriptorSocket:
    """A UNIX socket in a private folder. Whoever connects sends a token and gets the descriptor offered under it.

    A token is good once. A peer of another user, an unknown token or silence gets nothing. A reader
    that cannot open the path is on another machine, which is how co-location is found out. Used on one
    event loop.
    """

    def __init__(self) -> None:
        self._offers: dict[bytes, int] = {}
        self._folder: Path | None = None
        self._listener: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None
        self._calls: set[asyncio.Task[None]] = set()

    def offer(self, descriptor: int) -> tuple[str, bytes]:
        """Offer a descriptor, which must stay open until it is withdrawn; return the path and the token.

        Raises:
          OSError: there can be no such socket here, or too many offers are open.
        """
        if len(self._offers) >= _MAX_OFFERS:
            raise OSError(f"{_MAX_OFFERS} descriptors are on offer, the most there may be")
        path = self._listen()
        token = secrets.token_bytes(TOKEN_BYTES)
        self._offers[token] = descriptor
        return path, token

    def withdraw(self, token: bytes) -> None:
        """End an offer, taken or not."""
        self._offers.pop(token, None)

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
        self._offers.clear()

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
            descriptor = self._offers.pop(token, None)
            if descriptor is not None:
                socket.send_fds(peer, [b"d"], [descriptor])
