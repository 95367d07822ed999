"""What a role's package builds and the runtime runs."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from heronry.types.run import Assignment, Progress

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    from heronry.runtime.node import ServiceNode
    from heronry.runtime.server import ServerBuilder


class Service(Protocol):
    """One role's service, called on one event loop.

    Never two methods at a time, but for `progress`, which may be called while another awaits.
    """

    @property
    def role(self) -> str:
        """The role's name: `params`, `replay`, `fleet`, `learner`, `coordinator`."""
        ...

    def add_to_server(self, server: "ServerBuilder") -> None:
        """Register the servicers; called before the addresses are bound."""
        ...

    async def start(self, node: "ServiceNode") -> None:
        """Do slow imports and start background tasks; calls are refused as UNAVAILABLE until it returns."""
        ...

    async def stop(self) -> None:
        """End background tasks and threads; called after the last call has ended."""
        ...

    async def reconcile(self, assignment: Assignment) -> None:
        """Take a new assignment, the whole of it; return soon, start and stop tasks for the rest.

        An error is reported to the coordinator as the failure of the run; nothing else ends.
        """
        ...

    def progress(self) -> Progress:
        """Return the figures for the next heartbeat."""
        ...


@runtime_checkable
class Measured(Protocol):
    """A service with figures of its own."""

    def collector(self) -> "Collector":
        """Return what collects them, in the thread of a scrape; called once, where metrics are asked for."""
        ...
