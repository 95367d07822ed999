"""Versions read in place, in memory that the service offers."""

import os
import socket
from typing import NamedTuple

from heronry.api.params.v1 import params_pb2 as pb
from heronry.client.connection import Connection
from heronry.client.local_pulls import LocalAnswer, LocalPulls
from heronry.client.mapped_memories import MappedMemories
from heronry.client.offered_memory import fetch_descriptor
from heronry.client.offered_slots import may_share_memory
from heronry.client.parameter_vector import Bytes
from heronry.types.errors import DataLossError


class NearVersion(NamedTuple):
    """A serialised `PullResponse`, and the memory that it tells of; None where there is nothing newer."""

    frame: bytes
    memory: Bytes | None


class SharedVersions:
    """Maps what one service offers; a service that turns out to be elsewhere is not asked again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._elsewhere = ""
        self._socket_path = ""
        self._memories = MappedMemories()
        self._local: LocalPulls | None = None
        self._local_address = ""

    @property
    def are_wanted(self) -> bool:
        """Whether the service that is connected may be asked for shared memory."""
        address = self._connection.address
        is_near = may_share_memory(address) and address != self._elsewhere
        return self._connection.options.shares_memory and is_near

    async def asked(self, request: pb.PullRequest) -> NearVersion | None:
        """Return what the service answers over the connection of an earlier offer; None: ask it over gRPC."""
        if self._local is None:
            return None
        if self._connection.address != self._local_address:
            # Another process is asked now, though the former one may still be there.
            self._end_local()
            return None
        answer = await self._local.ask(request.SerializeToString())
        return None if answer is None else self._near(answer)

    async def mapped(
        self, offer: pb.SharedMemoryOffer, num_bytes: int, *, is_asked_again: bool = False
    ) -> Bytes | None:
        """Return the first bytes of the memory, read-only; None when it cannot be had from here.

        The service does not write to it while an array refers to it. With `is_asked_again` the connection is kept
        for `asked`.

        Raises:
          DataLossError: it is shorter than the version.
        """
        if offer.num_bytes < num_bytes:
            raise DataLossError(f"shared_memory.num_bytes: got {offer.num_bytes}, allowed: at least {num_bytes}")
        address = self._connection.address
        if offer.socket_path != self._socket_path:
            # Another process: what the former one had offered never comes again.
            self._memories.clear()
            self._end_local()
            self._socket_path = offer.socket_path
        flat = await self._fetched(offer, is_asked_again=is_asked_again)
        if flat is None:
            self._elsewhere = address
            return None
        return flat[:num_bytes]

    def close(self) -> None:
        """Unmap what is not in use; arrays stay valid."""
        self._end_local()
        self._memories.close()

    async def _fetched(self, offer: pb.SharedMemoryOffer, *, is_asked_again: bool) -> Bytes | None:
        keep = self._begin_local if is_asked_again else None
        descriptor = await fetch_descriptor(offer.socket_path, offer.token, keep)
        try:
            return None if descriptor is None else self._memories.array(descriptor, offer.num_bytes)
        except (OSError, ValueError):
            return None

    def _near(self, answer: LocalAnswer) -> NearVersion | None:
        descriptor = answer.descriptor
        try:
            num_bytes = 0 if descriptor is None else os.fstat(descriptor).st_size
            memory = None if descriptor is None else self._memories.array(descriptor, num_bytes)
        except (OSError, ValueError):
            return None
        return NearVersion(answer.frame, memory)

    def _begin_local(self, peer: socket.socket) -> None:
        self._end_local()
        self._local, self._local_address = LocalPulls(peer), self._connection.address

    def _end_local(self) -> None:
        local, self._local = self._local, None
        if local is not None:
            local.close()
