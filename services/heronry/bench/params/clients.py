"""How a worker process reaches the service."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from heronry.client.options import ConnectionOptions, TlsOptions
from heronry.client.params import ParamsClient
from heronry.wire.addresses import UNIX_PREFIX

_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Place:
    """Where the service is.

    Attributes:
      certificate: what a service with TLS is checked against; None: it has none.
    """

    address: str
    certificate: str | None = None

    def options(self, client_id: str) -> ConnectionOptions:
        """Return how a client connects: over a UNIX socket with shared memory, over TCP without."""
        tls = None if self.certificate is None else TlsOptions(Path(self.certificate))
        is_unix = self.address.startswith(UNIX_PREFIX)
        return ConnectionOptions(client_id=client_id, tls=tls, timeout_s=_TIMEOUT_S, shares_memory=is_unix)


class Clients:
    """Clients of one process, each with connections of its own; the same is given for the same identity."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._open: dict[tuple[Place, str], ParamsClient] = {}

    async def client(self, address: str, client_id: str, certificate: str | None = None) -> ParamsClient:
        """Return the client of an identity."""
        place = Place(address, certificate)
        key = place, client_id
        if key not in self._open:
            client = ParamsClient(address, place.options(client_id))
            self._open[key] = await self._stack.enter_async_context(client)
        return self._open[key]

    async def close(self) -> None:
        """Close all connections."""
        await self._stack.aclose()
        self._open.clear()
