"""Versions read in place, in memory that the service offers."""

import numpy as np

from heronry.api.params.v1 import params_pb2 as pb
from heronry.client.connection import Connection
from heronry.client.offered_memory import fetch_offered
from heronry.client.offered_slots import may_share_memory
from heronry.client.parameter_vector import Bytes
from heronry.types.errors import DataLossError


class SharedVersions:
    """Maps what one service offers; a service that turns out to be elsewhere is not asked again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._elsewhere = ""

    @property
    def are_wanted(self) -> bool:
        """Whether the service that is connected may be asked for shared memory."""
        address = self._connection.address
        is_near = may_share_memory(address) and address != self._elsewhere
        return self._connection.options.shares_memory and is_near

    async def mapped(self, offer: pb.SharedMemoryOffer, num_bytes: int) -> Bytes | None:
        """Return the first bytes of the memory, read-only; None when it cannot be had from here.

        The mapping lasts as long as an array refers to it.

        Raises:
          DataLossError: it is shorter than the version.
        """
        if offer.num_bytes < num_bytes:
            raise DataLossError(f"shared_memory.num_bytes: got {offer.num_bytes}, allowed: at least {num_bytes}")
        address = self._connection.address
        memory = await fetch_offered(offer.socket_path, offer.token, offer.num_bytes)
        if memory is None:
            self._elsewhere = address
            return None
        return np.frombuffer(memory, np.uint8, num_bytes)
