"""What the blocking clients have in common."""

from dataclasses import replace
from types import TracebackType
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, cast

from heronry.client.options import ConnectionOptions, TlsOptions
from heronry.client.service_client import Addresses, ServiceClient
from heronry.client.sync.loop import LoopThread


class AsynchronousClient(Protocol):
    """What every client has that can be called from outside its loop."""

    @property
    def client_id(self) -> str: ...

    async def close(self) -> None: ...


ClientT = TypeVar("ClientT", bound=AsynchronousClient)


class BlockingClient(Generic[ClientT]):
    """An asynchronous client, called from outside its loop; thread-safe.

    Connects at the first call; use it as `with`, or call `close` at the end.
    """

    _asynchronous: ClassVar[type[ServiceClient[Any]]]

    def __init__(
        self,
        addresses: Addresses,
        options: ConnectionOptions | None = None,
        *,
        token: str | None = None,
        tls: TlsOptions | None = None,
    ) -> None:
        """Keep where to connect: an address, several (best first), or what finds them; starts a loop of its own.

        `token` and `tls` go before those of the options.
        """
        self._begin(cast(ClientT, self._asynchronous(addresses, with_credentials(options, token, tls))))

    @classmethod
    def of(cls, client: ClientT, loop: LoopThread) -> Self:
        """Wrap a client on a loop that others use too: whoever made the loop closes it."""
        made = cls.__new__(cls)
        made._client, made._loop, made._owns_loop = client, loop, False  # noqa: SLF001 # its own class
        return made

    @property
    def client_id(self) -> str:
        """Who this client says it is."""
        return self._client.client_id

    def close(self) -> None:
        """Close the connections; calls and streams in flight end."""
        if self._loop.is_closed:
            return
        try:
            self._loop.run(self._client.close())
        finally:
            if self._owns_loop:
                self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, client: ClientT) -> None:
        self._client = client
        self._loop = LoopThread("client")
        self._owns_loop = True


def with_credentials(options: ConnectionOptions | None, token: str | None, tls: TlsOptions | None) -> ConnectionOptions:
    """Return options whose token and TLS are the given ones, where they are given."""
    options = options or ConnectionOptions()
    return replace(options, token=options.token if token is None else token, tls=tls or options.tls)
