"""What the blocking clients have in common."""

from typing import Generic, TypeVar

from heronry.client.service_client import ServiceClient
from heronry.client.sync.loop import LoopThread

ClientT = TypeVar("ClientT", bound=ServiceClient)  # type: ignore[type-arg]  # of any stub


class BlockingClient(Generic[ClientT]):
    """An asynchronous client, called from outside its loop; thread-safe."""

    def __init__(self, client: ClientT, loop: LoopThread) -> None:
        self._client = client
        self._loop = loop

    @property
    def client_id(self) -> str:
        """Who this client says it is."""
        return self._client.client_id
