"""Connections over which a descriptor came, and further messages are answered."""

import asyncio
import os
import socket
import struct
import tempfile
from collections.abc import AsyncIterator

import pytest

from heronry.runtime.descriptor_socket import Answer, DescriptorSocket

LIFETIME_S = 10.0
DEADLINE_S = 5.0


@pytest.fixture
async def listener() -> AsyncIterator[DescriptorSocket]:
    made = DescriptorSocket()
    yield made
    await made.close()


def file_of(content: bytes) -> int:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        return os.dup(file.fileno())


def content_of(descriptor: int) -> bytes:
    content = os.pread(descriptor, 100, 0)
    os.close(descriptor)
    return content


def connected(path: str, token: bytes) -> tuple[socket.socket, bytes]:
    """Return a connection over which the offer was taken, and what lay in it."""
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.settimeout(DEADLINE_S)
    peer.connect(path)
    peer.sendall(token)
    _, descriptors, _, _ = socket.recv_fds(peer, 1, 1)
    return peer, content_of(descriptors[0])


def asked(peer: socket.socket, message: bytes) -> tuple[bytes, list[bytes]]:
    """Return the answer to a message, and what lay in the descriptors that came along."""
    peer.sendall(message)
    answer, descriptors, _, _ = socket.recv_fds(peer, 1 << 16, 2)
    (length,) = struct.unpack_from("<I", answer)
    assert length == len(answer) - 4
    return answer[4:], [content_of(descriptor) for descriptor in descriptors]


def answering(message: bytes) -> Answer | None:
    if message == b"no":
        return None
    return message.upper(), file_of(b"more") if message == b"file" else None


async def until_no_connections(listener: DescriptorSocket) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while listener._connections:  # noqa: ASYNC110 # the socket tells nobody
            await asyncio.sleep(0)


async def test_messages_are_answered_with_and_without_a_descriptor(listener: DescriptorSocket) -> None:
    peer, content = await asyncio.to_thread(connected, *listener.give(file_of(b"first"), LIFETIME_S, None, answering))

    answers = [await asyncio.to_thread(asked, peer, message) for message in (b"file", b"plain", b"no", b"file")]

    assert content == b"first"
    assert answers == [(b"FILE", [b"more"]), (b"PLAIN", []), (b"", []), (b"FILE", [b"more"])]
    peer.close()
    await until_no_connections(listener)


async def test_without_anything_that_answers_the_connection_ends(listener: DescriptorSocket) -> None:
    peer, _ = await asyncio.to_thread(connected, *listener.give(file_of(b"first"), LIFETIME_S))

    assert await asyncio.to_thread(peer.recv, 1) == b""
    peer.close()


async def test_whoever_cannot_be_answered_for_an_error_is_not_kept_waiting(listener: DescriptorSocket) -> None:
    def failing(message: bytes) -> Answer:
        raise ValueError(message)

    peer, _ = await asyncio.to_thread(connected, *listener.give(file_of(b"first"), LIFETIME_S, None, failing))
    peer.sendall(b"x")

    assert await asyncio.to_thread(peer.recv, 1) == b""
    peer.close()


@pytest.mark.parametrize("ends", ["end_connections", "close"])
async def test_connections_can_be_ended(listener: DescriptorSocket, ends: str) -> None:
    peer, _ = await asyncio.to_thread(connected, *listener.give(file_of(b"first"), LIFETIME_S, None, answering))

    if ends == "close":
        await listener.close()
    else:
        listener.end_connections()

    assert await asyncio.to_thread(peer.recv, 1) == b""
    peer.close()


async def test_a_peer_that_asks_and_never_reads_loses_its_connection(listener: DescriptorSocket) -> None:
    def lengthy(message: bytes) -> Answer:
        return bytes(8000), None

    peer, _ = await asyncio.to_thread(connected, *listener.give(file_of(b"first"), LIFETIME_S, None, lengthy))

    async with asyncio.timeout(DEADLINE_S):
        while listener._connections:
            peer.send(b"x")
            await asyncio.sleep(0)
    peer.close()
