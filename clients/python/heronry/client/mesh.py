"""All services of a mesh behind one address."""

import asyncio
import importlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from heronry.client.connection import Resolver
from heronry.client.coordinator import CoordinatorClient
from heronry.client.fleet import FleetClient
from heronry.client.inference import InferenceClient
from heronry.client.learner import LearnerClient
from heronry.client.options import ConnectionOptions, TlsOptions, make_client_id
from heronry.client.params import ParamsClient
from heronry.client.replay import ReplayClient
from heronry.types.errors import ConfigurationError, DeadlineExceededError, ServiceNotFoundError, UnavailableError
from heronry.types.run import RunState, RunStatus, ServiceInfo, ServiceRole

INSTALL_LINE = "pip install 'heronry[serve]'"


class _EmbeddedMesh(AbstractAsyncContextManager["_EmbeddedMesh"], Protocol):
    """What `heronry.launch` offers, which the SDK alone does not bring."""

    @property
    def address(self) -> str: ...


class Mesh:
    """Clients of a mesh's services; each connects at its first call.

    Use as `async with Mesh.connect(...) as mesh`, or `mesh = await Mesh.connect(...)` and
    `await mesh.close()`. Belongs to the event loop that opened it.
    """

    params: ParamsClient
    replay: ReplayClient
    coordinator: CoordinatorClient
    fleet: FleetClient
    learner: LearnerClient
    inference: InferenceClient

    def __init__(
        self,
        address: str,
        options: ConnectionOptions,
        *,
        embedded: _EmbeddedMesh | None = None,
        spec: Mapping[str, object] | None = None,
    ) -> None:
        self._address = address
        self._options = options
        self._embedded = embedded
        self._spec = spec

    @classmethod
    def connect(
        cls,
        address: str,
        *,
        token: str | None = None,
        tls: TlsOptions | None = None,
        client_id: str | None = None,
        timeout_s: float = 10.0,
    ) -> Self:
        """Return the mesh whose coordinator listens at `address`: `host:port` or `unix:/path`.

        A token comes with the client id that it is bound to.
        """
        if token is not None and client_id is None:
            raise ConfigurationError.of("client_id", client_id, "the client id that the token is bound to")
        options = ConnectionOptions(client_id=client_id or make_client_id(), token=token, tls=tls, timeout_s=timeout_s)
        return cls(address, options)

    @classmethod
    def embedded(
        cls, spec: Mapping[str, object] | None = None, *, data_dir: Path | None = None, num_fleets: int = 1
    ) -> Self:
        """Return a mesh inside this process, its services on a background thread; submits `spec`, if given.

        Raises:
          ConfigurationError: the services are not installed; says how to install them.
        """
        try:
            launch = importlib.import_module("heronry.launch.embedded")
        except ImportError as error:
            raise ConfigurationError(f"the services are not installed ({error}): {INSTALL_LINE}") from error
        embedded: _EmbeddedMesh = launch.EmbeddedMesh(data_dir=data_dir, num_fleets=num_fleets)
        return cls("", ConnectionOptions(), embedded=embedded, spec=spec)

    @property
    def address(self) -> str:
        """Where the coordinator listens."""
        return self._address

    async def open(self) -> Self:
        """Ask the coordinator whether it is there.

        Raises:
          ConfigurationError: it is no address.
          UnavailableError: nobody answers at the address; says what to start.
        """
        if self._embedded is not None:
            await self._embedded.__aenter__()
            self._address = self._embedded.address
        # Outside of the guard: where the text is no address there is nothing to close yet.
        self._make_clients()
        try:
            await self._greet()
            if self._spec is not None:
                await self.start_run(self._spec)
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """Close every client; an embedded mesh is stopped."""
        for client in (self.params, self.replay, self.fleet, self.learner, self.inference, self.coordinator):
            await client.close()
        if self._embedded is not None:
            await self._embedded.__aexit__(None, None, None)

    async def start_run(
        self, spec: Mapping[str, object], run_id: str = "", *, restore: bool = False, timeout_s: float = 60.0
    ) -> RunStatus:
        """Submit a run and wait until it is under way: its services are there and hold its models and tables.

        Raises:
          DeadlineExceededError: it still waits after `timeout_s`; says for what.
          RunActiveError, ConfigurationError: as `coordinator.submit_run`.
        """
        status = await self.coordinator.submit_run(spec, run_id, restore=restore)
        try:
            async with asyncio.timeout(timeout_s), aclosing(self.coordinator.watch_run(status.run_id)) as statuses:
                async for status in statuses:
                    if status.state is not RunState.PENDING:
                        break
        except TimeoutError:
            message = f"run {status.run_id!r} has not begun after {timeout_s:g} s: {status.message}"
            raise DeadlineExceededError(message) from None
        return status

    async def services(self, role: ServiceRole) -> tuple[ServiceInfo, ...]:
        """Return the registered services of a role whose lease is in force, sorted by instance."""
        found = await self.coordinator.list_services()
        return tuple(s for s in found if s.role is role and s.has_lease)

    async def fleets(self) -> tuple[FleetClient, ...]:
        """Return a client for each fleet; whoever asks closes them."""
        fleets = await self.services(ServiceRole.FLEET)
        return tuple(FleetClient(fleet.addresses, self._options) for fleet in fleets)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __await__(self) -> Generator[object, None, Self]:
        return self.open().__await__()

    def _make_clients(self) -> None:
        self.coordinator = CoordinatorClient(self._address, self._options)
        self.params = ParamsClient(self._resolver(ServiceRole.PARAMS), self._options)
        self.replay = ReplayClient(self._resolver(ServiceRole.REPLAY), self._options)
        self.fleet = FleetClient(self._resolver(ServiceRole.FLEET), self._options)
        self.learner = LearnerClient(self._resolver(ServiceRole.LEARNER), self._options)
        self.inference = InferenceClient(self._resolver(ServiceRole.LEARNER), self._options)

    def _resolver(self, role: ServiceRole) -> Resolver:
        async def resolve() -> Sequence[str]:
            services = await self.coordinator.list_services()
            for service in services:
                if service.role is role and service.has_lease:
                    return service.addresses
            have = sorted({s.role.value for s in services if s.has_lease})
            raise ServiceNotFoundError.of("service", role.value, have)

        return resolve

    async def _greet(self) -> None:
        # Without retries: a mistyped address or a mesh that was not started should show at once.
        probe = CoordinatorClient(
            self._address,
            ConnectionOptions(
                self._options.client_id, self._options.token, self._options.tls, self._options.timeout_s, retry_s=0.0
            ),
        )
        async with probe:
            try:
                await probe.list_services()
            except UnavailableError as error:
                raise UnavailableError(
                    f"nobody answers at {self._address}: start a mesh with `heronry up`, or check the address",
                    details={"address": self._address, **error.details},
                ) from error
