"""Versions read in place, in memory that the service offers."""

from heronry.api.params.v1 import params_pb2 as pb
from heronry.client.connection import Connection
from heronry.client.mapped_memories import MappedMemories
from heronry.client.offered_memory import fetch_descriptor
from heronry.client.offered_slots import may_share_memory
from heronry.client.parameter_vector import Bytes
from heronry.types.errors import DataLossError


class SharedVersions:
    """Maps what one service offers; a service that turns out to be elsewhere is not asked again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._elsewhere = ""
        self._socket_path = ""
        self._memories = MappedMemories()

    @property
    def are_wanted(self) -> bool:
        """Whether the service that is connected may be asked for shared memory."""
        address = self._connection.address
        is_near = may_share_memory(address) and address != self._elsewhere
        return self._connection.options.shares_memory and is_near

    async def mapped(self, offer: pb.SharedMemoryOffer, num_bytes: int) -> Bytes | None:
        """Return the first bytes of the memory, read-only; None when it cannot be had from here.

        The service does not write to it while an array refers to it.

        Raises:
          DataLossError: it is shorter than the version.
        """
        if offer.num_bytes < num_bytes:
            raise DataLossError(f"shared_memory.num_bytes: got {offer.num_bytes}, allowed: at least {num_bytes}")
        address = self._connection.address
        if offer.socket_path != self._socket_path:
            # Another process: what the former one had offered never comes again.
            self._memories.clear()
            self._socket_path = offer.socket_path
        flat = await self._fetched(offer)
        if flat is None:
            self._elsewhere = address
            return None
        return flat[:num_bytes]

    def close(self) -> None:
        """Unmap what is not in use; arrays stay valid."""
        self._memories.close()

    async def _fetched(self, offer: pb.SharedMemoryOffer) -> Bytes | None:
        descriptor = await fetch_descriptor(offer.socket_path, offer.token)
        try:
            return None if descriptor is None else self._memories.array(descriptor, offer.num_bytes)
        except (OSError, ValueError):
            return None
