"""Memory that a service on this machine offers: fetched over a UNIX socket, checked and mapped."""

import asyncio
import contextlib
import fcntl
import mmap
import os
import socket
import sys
from collections.abc import Callable
from typing import Final

_TIMEOUT_S: Final = 2.0


def map_offered(socket_path: str, token: bytes, num_bytes: int) -> mmap.mmap | None:
    """Fetch a descriptor by its token and map it, read-only; None when the service is elsewhere or refuses.

    Blocks for as long as a connection on this machine takes, 2 s at most.
    """
    if sys.platform != "linux":
        return None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.settimeout(_TIMEOUT_S)
            peer.connect(socket_path)
            peer.sendall(token)
            return _mapped(_received(peer), num_bytes, mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None


async def fetch_offered(socket_path: str, token: bytes, num_bytes: int, *, writable: bool = False) -> mmap.mmap | None:
    """Do the same without blocking the event loop, which a thread would take longer for."""
    descriptor = await fetch_descriptor(socket_path, token)
    try:
        access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
        return None if descriptor is None else _mapped(descriptor, num_bytes, access)
    except (OSError, ValueError):
        return None


async def fetch_descriptor(
    socket_path: str, token: bytes, keep: Callable[[socket.socket], object] | None = None
) -> int | None:
    """Fetch a descriptor, which the caller closes; None when the service is elsewhere or refuses.

    With `keep`, the connection stays, and is given to it.
    """
    if sys.platform != "linux":
        return None
    try:
        with contextlib.ExitStack() as stack:
            peer = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            peer.setblocking(False)
            # A full backlog is an error here: whoever is that busy is not waited for.
            peer.connect(socket_path)
            peer.send(token)
            async with asyncio.timeout(_TIMEOUT_S):
                await _readable(peer)
            descriptor = _received(peer)
            if keep is not None:
                stack.pop_all()
                keep(peer)
            return descriptor
    except (OSError, ValueError):
        return None


def map_checked(descriptor: int, num_bytes: int, access: int) -> mmap.mmap:
    """Map memory of which a descriptor was fetched.

    Raises:
      OSError: it is not sealed, or of another length.
    """
    # Unsealed, the owner could shrink it and end this process by a bus error.
    if not fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK:
        raise OSError("the memory is not sealed")
    if os.fstat(descriptor).st_size != num_bytes:
        raise OSError(f"the memory has {os.fstat(descriptor).st_size} bytes, not {num_bytes}")
    return mmap.mmap(descriptor, num_bytes, access=access)


async def _readable(peer: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    is_readable = asyncio.Event()
    loop.add_reader(peer, is_readable.set)
    try:
        await is_readable.wait()
    finally:
        loop.remove_reader(peer)


def _received(peer: socket.socket) -> int:
    _, descriptors, _, _ = socket.recv_fds(peer, 1, 1)
    if not descriptors:
        raise OSError("the service knows no such token")
    return descriptors[0]


def _mapped(descriptor: int, num_bytes: int, access: int) -> mmap.mmap:
    try:
        return map_checked(descriptor, num_bytes, access)
    finally:
        os.close(descriptor)
