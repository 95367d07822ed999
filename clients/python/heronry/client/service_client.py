"""What the typed clients have in common: a connection, unary calls, closing."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

import grpc.aio
from google.protobuf.message import Message

from heronry.client.connection import Connection, Resolver
from heronry.client.options import ConnectionOptions, check_address

StubT = TypeVar("StubT")
RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)
Addresses = str | Sequence[str] | Resolver


class ServiceClient(ABC, Generic[StubT]):
    """A service's calls as methods; connects at the first one and belongs to one event loop."""

    _service = "service"

    def __init__(self, addresses: Addresses, options: ConnectionOptions | None = None) -> None:
        """Keep where to connect: an address, several (best first), or what finds them."""
        resolve = addresses if callable(addresses) else _fixed(addresses)
        self._connection = Connection(self._service, resolve, options or ConnectionOptions())
        self._stub: tuple[grpc.aio.Channel, StubT] | None = None

    @property
    def client_id(self) -> str:
        """Who this client says it is."""
        return self._connection.options.client_id

    async def close(self) -> None:
        """Close the connection; calls and streams in flight end."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @abstractmethod
    def _make_stub(self, channel: grpc.aio.Channel) -> StubT:
        """Return the service's generated stub."""

    async def _control_stub(self) -> StubT:
        channel = await self._connection.control()
        if self._stub is None or self._stub[0] is not channel:
            self._stub = channel, self._make_stub(channel)
        return self._stub[1]

    async def _call(
        self,
        select: "Callable[[StubT], grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT]]",
        request: RequestT,
        timeout_s: float | None = None,
    ) -> ResponseT:
        """Make a unary call that may be made twice."""

        async def attempt(left_s: float) -> ResponseT:
            method = select(await self._control_stub())
            return await method(request, timeout=left_s, metadata=self._connection.metadata)

        method_name = type(request).__name__.removesuffix("Request")
        return await self._connection.retried(method_name, attempt, timeout_s)


def _fixed(addresses: str | Sequence[str]) -> Resolver:
    known = (addresses,) if isinstance(addresses, str) or not isinstance(addresses, Sequence) else tuple(addresses)
    for address in known:
        check_address(address)

    async def resolve() -> Sequence[str]:
        return known

    return resolve
