"""What the blocking clients have in common."""

from dataclasses import replace
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

from heronry.client.options import ConnectionOptions, TlsOptions
from heronry.client.service_client import Addresses, ServiceClient
from heronry.client.sync.loop import LoopThread

ClientT = TypeVar("ClientT", bound=ServiceClient)  # type: ignore[type-arg]  # of any stub


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
        options = options or ConnectionOptions()
        options = replace(options, token=options.token if token is None else token, tls=tls or options.tls)
        self._client = cast(ClientT, self._asynchronous(addresses, options))
        self._loop = LoopThread("client")
        self._owns_loop = True

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
        """Close the connection; calls and streams in flight end."""
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
