"""The coordinator as a service: what is wired to what."""

import asyncio
from pathlib import Path

import structlog

from heronry.api.coordinator.v1 import coordinator_pb2_grpc
from heronry.coordinator.commands import Commands
from heronry.coordinator.config import CoordinatorSettings
from heronry.coordinator.coordination import Coordination
from heronry.coordinator.peers import Peers
from heronry.coordinator.run_store import RunStore
from heronry.coordinator.servicer import CoordinatorServicer
from heronry.coordinator.state_file import StateFile, check_data_dir
from heronry.runtime.clock import Clock, SystemClock
from heronry.runtime.node import ServiceNode
from heronry.runtime.server import ServerBuilder
from heronry.spec import resolve
from heronry.types.errors import UnavailableError
from heronry.types.run import Assignment, Progress

_log = structlog.get_logger(__name__)

SERVICE = "heronry.api.coordinator.v1.CoordinatorService"
_LEASE_CHECKS = 10


class CoordinatorService:
    """Role `coordinator`: the registry of services and the life of runs."""

    role = "coordinator"

    def __init__(self, settings: CoordinatorSettings, clock: Clock) -> None:
        self._settings = settings
        self._instance = settings.instance or f"{self.role}-0"
        state = StateFile(settings.data_dir, self._instance, settings.listen)
        self._coordination = Coordination(RunStore(settings.data_dir), state, clock, settings.lease_s)
        self._servicer = CoordinatorServicer(self._coordination, self._require_commands)
        self._peers: Peers | None = None
        self._commands: Commands | None = None
        self._leases: asyncio.Task[None] | None = None

    def add_to_server(self, server: ServerBuilder) -> None:
        server.add(self._servicer, coordinator_pb2_grpc.add_CoordinatorServiceServicer_to_server, SERVICE)

    async def start(self, node: ServiceNode) -> None:
        self._peers = Peers(self._coordination.registry, node.connection_options)
        self._commands = Commands(self._coordination, self._peers, self._instance)
        self._leases = asyncio.get_running_loop().create_task(self._watch_leases())
        self._take_up_run(self._commands)

    async def stop(self) -> None:
        if self._leases is not None:
            self._leases.cancel()
            await asyncio.gather(self._leases, return_exceptions=True)
        if self._commands is not None:
            await self._commands.close()
        if self._peers is not None:
            await self._peers.close()
        self._coordination.close()

    async def reconcile(self, assignment: Assignment) -> None:
        """Do nothing: the coordinator gives assignments and gets none."""

    def progress(self) -> Progress:
        return Progress()

    def _take_up_run(self, commands: Commands) -> None:
        """Go on with the run that was under way, else begin the one of the settings."""
        if self._settings.autoresume:
            run = self._coordination.recover()
            if run is not None and not run.state.has_ended:
                commands.drive(run)
                return
        if self._settings.run:
            self._begin_own_run(commands)

    def _begin_own_run(self, commands: Commands) -> None:
        settings = self._settings
        spec = resolve(settings.run, settings.algorithm or None, settings.overrides, settings.seed)
        run_id = settings.run_id or Path(settings.run).stem
        store = self._coordination.store
        if not store.has(run_id):
            commands.submit(spec.to_dict(), run_id)
        elif not store.get(run_id).state.has_ended and settings.autoresume:
            commands.submit(spec.to_dict(), run_id, restore=True)
        else:
            _log.info("run_not_repeated", run=run_id, state=store.get(run_id).state.value)

    async def _watch_leases(self) -> None:
        while True:
            await asyncio.sleep(self._settings.lease_s / _LEASE_CHECKS)
            self._coordination.expire_leases()

    def _require_commands(self) -> Commands:
        if self._commands is None:
            raise UnavailableError("the coordinator is starting", retry_after_s=0.1)
        return self._commands


def build(settings: CoordinatorSettings, clock: Clock | None = None) -> CoordinatorService:
    """Make the coordinator's service.

    Raises:
      ConfigurationError: nothing can be kept in its data directory.
    """
    check_data_dir(settings.data_dir)
    return CoordinatorService(settings, clock or SystemClock())
