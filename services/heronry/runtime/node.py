"""One running service: its server, its place in the registry, its assignment."""

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from typing import Any, Final

import structlog

from heronry.client.options import ConnectionOptions
from heronry.runtime.link import CoordinatorLink
from heronry.runtime.reconciler import Reconciler
from heronry.runtime.server import RpcServer, ServerBuilder
from heronry.runtime.service import Measured, Service
from heronry.runtime.settings import ServiceSettings
from heronry.runtime.usage import LoopLag, ProcessUsage
from heronry.types.run import Assignment

_log = structlog.get_logger(__name__)

# Of the time to drain: for calls in flight; the rest is for the service itself.
_CALLS_SHARE: Final = 0.6


class ServiceNode:
    """Runs one service on the current event loop.

    `start` returns when the service serves; registration goes on in the background, for ever, and
    does not need the coordinator to be there.
    """

    def __init__(self, service: Service, settings: ServiceSettings) -> None:
        self._service = service
        self._settings = _named(settings, service.role)
        self._reconciler = Reconciler(service, self.report_now)
        self._server: RpcServer | None = None
        self._link: CoordinatorLink | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = contextlib.ExitStack()
        self._is_started = False
        self.loop_lag = LoopLag()
        self.addresses: tuple[str, ...] = ()

    @property
    def role(self) -> str:
        """The service's role."""
        return self._service.role

    @property
    def instance(self) -> str:
        """The name that survives restarts."""
        return self._settings.instance

    @property
    def settings(self) -> ServiceSettings:
        """The settings, with the instance named."""
        return self._settings

    @property
    def connection_options(self) -> ConnectionOptions:
        """How this service calls others: its client id, token and certificates."""
        return self._settings.connection_options

    @property
    def assignment(self) -> Assignment | None:
        """The latest assignment; None before the first."""
        return self._reconciler.assignment

    @property
    def is_registered(self) -> bool:
        """Whether the coordinator has taken the service at least once."""
        return self._link is not None and self._link.registration is not None

    @property
    def index(self) -> int:
        """Position among the services of the role; 0 before registration."""
        registration = None if self._link is None else self._link.registration
        return 0 if registration is None else registration.index

    @property
    def num_starts(self) -> int:
        """Starts of the instance that the coordinator has seen, this one included; 1 before registration."""
        registration = None if self._link is None else self._link.registration
        return 1 if registration is None else registration.num_starts

    @property
    def num_streams(self) -> int:
        """Streams that are open now."""
        return 0 if self._server is None else self._server.admission.num_streams

    @property
    def num_refused_streams(self) -> int:
        """Streams refused since the start because all places were taken."""
        return 0 if self._server is None else self._server.admission.num_refused

    @property
    def errors(self) -> Mapping[tuple[str, str], int]:
        """Calls since the start that ended with an error, by method and class."""
        return {} if self._server is None else self._server.errors

    def report_now(self) -> None:
        """Send a heartbeat at once: a state is reached, a failure happened. Call it on the node's loop."""
        if self._link is not None:
            self._link.report_now()

    async def start(self) -> None:
        """Bind, start the service, let calls through, then register in the background.

        Raises:
          ConfigurationError: an address that cannot be bound, certificates that cannot be read.
        """
        builder = ServerBuilder()
        self._service.add_to_server(builder)
        self._server = RpcServer(self._settings, builder)
        self.addresses = await self._server.start()
        self._run(self.loop_lag.run())
        self._serve_metrics()
        await self._service.start(self)
        self._is_started = True
        await self._server.set_serving()
        if self._settings.coordinator:
            self._join_mesh()

    async def stop(self) -> None:
        """Drain within the settings' time: leave the mesh, finish calls, stop the service."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._link is not None:
            await self._link.close()
            self._link = None
        if self._server is not None:
            await self._server.drain(self._settings.drain_s * _CALLS_SHARE)
            self._server = None
        if self._is_started:
            self._is_started = False
            await self._service.stop()
        self._closing.close()

    def _join_mesh(self) -> None:
        self._link = CoordinatorLink(
            self.role, self._settings, self.addresses, self._reconciler.progress, self._reconciler.deliver
        )
        self._run(self._reconciler.run())
        self._run(self._link.run())

    def _serve_metrics(self) -> None:
        if self._settings.metrics_port is None:
            return
        from heronry.runtime.metrics import Metrics  # only those who ask pay for the import

        metrics = Metrics(self.loop_lag, ProcessUsage())
        if self._server is not None:
            metrics.watch(self._server)
        if isinstance(self._service, Measured):
            metrics.registry.register(self._service.collector())
        metrics.serve(self._settings.metrics_port)
        self._closing.callback(metrics.close)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(_report_death)


def _named(settings: ServiceSettings, role: str) -> ServiceSettings:
    return settings if settings.instance else settings.model_copy(update={"instance": f"{role}-0"})


def _report_death(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("background_task_died", exc_info=task.exception())
