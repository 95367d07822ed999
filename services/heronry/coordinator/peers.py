"""The services of a run as the coordinator calls them."""

from collections.abc import Sequence

from heronry.client.connection import Resolver
from heronry.client.fleet import FleetClient
from heronry.client.learner import LearnerClient
from heronry.client.options import ConnectionOptions
from heronry.client.params import ParamsClient
from heronry.coordinator.core.registry import Registry
from heronry.types.errors import (
    AbortedError,
    DeadlineExceededError,
    HeronryError,
    ResourceExhaustedError,
    ServiceNotFoundError,
    UnavailableError,
)
from heronry.types.run import ServiceRole

_TRANSIENT = (UnavailableError, DeadlineExceededError, AbortedError, ResourceExhaustedError, ServiceNotFoundError)


def is_transient(error: HeronryError) -> bool:
    """Tell whether the call may succeed when its peer is back."""
    return isinstance(error, _TRANSIENT) or error.retry_after_s is not None


class Peers:
    """Clients of the registered services; each call looks up where its service is now."""

    def __init__(self, registry: Registry, options: ConnectionOptions) -> None:
        self._registry = registry
        self._options = options
        self.params = ParamsClient(self._resolver(ServiceRole.PARAMS), options)
        self.learner = LearnerClient(self._resolver(ServiceRole.LEARNER), options)
        self._fleets: dict[str, FleetClient] = {}

    def fleet(self, instance: str) -> FleetClient:
        """Return the client of one fleet."""
        if instance not in self._fleets:
            self._fleets[instance] = FleetClient(self._resolver(ServiceRole.FLEET, instance), self._options)
        return self._fleets[instance]

    def fleets(self) -> tuple[str, ...]:
        """Name the fleets that are alive."""
        return tuple(service.record.instance for service in self._registry.alive(ServiceRole.FLEET))

    def is_alive(self, instance: str) -> bool:
        """Tell whether a fleet is alive."""
        return instance in self.fleets()

    async def close(self) -> None:
        """Close all connections."""
        await self.params.close()
        await self.learner.close()
        for fleet in self._fleets.values():
            await fleet.close()

    def _resolver(self, role: ServiceRole, instance: str | None = None) -> Resolver:
        async def resolve() -> Sequence[str]:
            known = self._registry.alive(role) or self._registry.services(role)
            for service in known:
                if instance is None or service.record.instance == instance:
                    return service.addresses
            raise UnavailableError(f"no {instance or role.value} is registered")

        return resolve
