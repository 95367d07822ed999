"""Versions offered to readers on this machine, in memory that they map."""

import asyncio
import os
import weakref
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Final

import numpy as np

from heronry.params.core.layout import Bytes
from heronry.params.core.versions import Published
from heronry.params.shared_buffers import SharedBuffers, root_of
from heronry.runtime.descriptor_socket import Answering, DescriptorSocket
from heronry.runtime.sealed_memory import SealedMemory

# A reader fetches its descriptor at once or, elsewhere, never.
_LIFETIME_S: Final = 10.0
_MAX_COPIES: Final = 4
_MAX_MEMORIES: Final = 8


@dataclass(frozen=True)
class Offer:
    """Where a reader finds a version's flat buffer; `ended` is set once it was taken, or it is too late."""

    socket_path: str
    token: bytes
    num_bytes: int
    ended: asyncio.Event


def handed_over(published: Published) -> Offer:
    """Return what is told of a version whose descriptor goes along: nobody has to fetch it."""
    return Offer("", b"", published.flat.nbytes, asyncio.Event())


class SharedVersions:
    """Offers flat buffers where they lie; those that lie elsewhere are copied once. For one event loop.

    Copies go with the buffer they were made of; at most the `_MAX_COPIES` offered last are kept. At most
    `_MAX_MEMORIES` are held by offers that nobody took yet.
    """

    def __init__(self, buffers: SharedBuffers, socket: DescriptorSocket) -> None:
        self._buffers = buffers
        self._socket = socket
        self._copies: OrderedDict[int, tuple[weakref.ref[Bytes], asyncio.Future[Bytes]]] = OrderedDict()
        self._open: Counter[SealedMemory] = Counter()

    async def offer(self, published: Published, answering: Answering | None = None) -> Offer | None:
        """Return an offer of a version, good once and for some seconds; None when it must go by the stream.

        Whoever takes it may go on asking `answering` over the same connection.
        """
        flat = published.flat
        if not self._buffers.wants(flat.nbytes):
            return None
        try:
            memory = self._buffers.memory_of(flat) or self._buffers.memory_of(await self._copy_of(flat))
            return None if memory is None else self._given(memory, answering)
        except OSError:
            return None

    def descriptor(self, published: Published) -> int | None:
        """Return a descriptor of a version's memory, which the caller closes; None when it must be offered first."""
        flat = published.flat
        if not self._buffers.wants(flat.nbytes):
            return None
        memory = self._buffers.memory_of(flat)
        if memory is None and (copy := self._copied_before(flat)) is not None:
            memory = self._buffers.memory_of(copy)
        try:
            return None if memory is None else memory.descriptor()
        except OSError:
            return None

    def clear(self) -> None:
        """Forget all copies, and answer nobody who asks for more: another run begins."""
        self._copies.clear()
        self._socket.end_connections()

    def _given(self, memory: SealedMemory, answering: Answering | None) -> Offer | None:
        if memory not in self._open and len(self._open) >= _MAX_MEMORIES:
            return None
        ended = asyncio.Event()

        def end() -> None:
            self._open -= Counter([memory])
            ended.set()

        descriptor = memory.descriptor()
        try:
            path, token = self._socket.give(descriptor, _LIFETIME_S, end, answering)
        except OSError:
            os.close(descriptor)
            raise
        self._open[memory] += 1
        return Offer(path, token, memory.num_bytes, ended)

    async def _copy_of(self, flat: Bytes) -> Bytes:
        root = root_of(flat)
        key = id(root)
        known = self._copies.get(key)
        if known is None or known[0]() is not root:
            copying = asyncio.ensure_future(asyncio.to_thread(self._copied, flat))
            self._copies[key] = known = weakref.ref(root, lambda _: self._copies.pop(key, None)), copying
            while len(self._copies) > _MAX_COPIES:
                self._copies.popitem(last=False)
        self._copies.move_to_end(key)
        # Shielded: a reader that goes away must not take the copy from the others.
        return await asyncio.shield(known[1])

    def _copied_before(self, flat: Bytes) -> Bytes | None:
        root = root_of(flat)
        known = self._copies.get(id(root))
        if known is None or known[0]() is not root or not known[1].done() or known[1].exception() is not None:
            return None
        self._copies.move_to_end(id(root))
        return known[1].result()

    def _copied(self, flat: Bytes) -> Bytes:
        copy = self._buffers.take_shared(flat.nbytes)
        np.copyto(copy, flat)
        return copy
