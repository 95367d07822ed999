"""A mesh of processes on this machine: one per service, on UNIX sockets, under a supervisor."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from heronry.launch.layout import Layout
from heronry.launch.ports import LOOPBACK, port_of, require_free_port
from heronry.launch.processes import ProcessSpec, service_command
from heronry.launch.restart_policy import RestartPolicy
from heronry.launch.supervisor import EventSink, Supervisor, ignore_event
from heronry.types.errors import ConfigurationError

MAX_FLEETS = 64


@dataclass(frozen=True)
class LocalMeshSettings:
    """What the processes of a local mesh are started with."""

    data_dir: Path
    log_dir: Path
    num_fleets: int = 1
    has_tcp: bool = False
    log_level: str = "info"
    debug: bool = False


@dataclass(frozen=True)
class ServiceAddress:
    """Where one service of the mesh listens."""

    role: str
    instance: str
    addresses: tuple[str, ...]
    log: Path


class LocalMesh:
    """Coordinator, params, replay, fleets and learner as processes of this machine.

    All addresses are known before a process runs, so all are started at once and look for each
    other. Use as a context manager, or call `start` and `stop`.
    """

    def __init__(
        self,
        settings: LocalMeshSettings,
        *,
        policy: RestartPolicy | None = None,
        on_event: EventSink = ignore_event,
    ) -> None:
        if not 1 <= settings.num_fleets <= MAX_FLEETS:
            raise ConfigurationError.of("fleets", settings.num_fleets, f"1 to {MAX_FLEETS}")
        instances = instances_of(settings.num_fleets)
        if settings.has_tcp:
            for role, index in instances:
                require_free_port(f"{role}-{index}", port_of(role, index))
        self._layout = Layout.create(settings.data_dir, settings.log_dir)
        self.services = tuple(self._place(role, index, settings) for role, index in instances)
        specs = [self._process(service, settings) for service in self.services]
        self.supervisor = Supervisor(specs, policy=policy, on_event=on_event)

    @property
    def address(self) -> str:
        """The coordinator's UNIX socket."""
        return self._layout.address("coordinator-0")

    def start(self) -> Self:
        """Start all processes; returns at once."""
        self.supervisor.start()
        return self

    def stop(self, grace_s: float = 5.0) -> None:
        """End all processes and remove the sockets."""
        self.supervisor.stop(grace_s)
        self._layout.remove_sockets()

    def kill(self) -> None:
        """End all processes at once and remove the sockets."""
        self.stop(grace_s=0.0)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _place(self, role: str, index: int, settings: LocalMeshSettings) -> ServiceAddress:
        instance = f"{role}-{index}"
        addresses = [self._layout.address(instance)]
        if settings.has_tcp:
            addresses.append(f"{LOOPBACK}:{port_of(role, index)}")
        return ServiceAddress(role, instance, tuple(addresses), self._layout.log(instance))

    def _process(self, service: ServiceAddress, settings: LocalMeshSettings) -> ProcessSpec:
        arguments = ["--data-dir", str(self._layout.data_dir), "--log-level", settings.log_level]
        for address in service.addresses:
            arguments += ["--listen", address]
        if service.role != "coordinator":
            arguments += ["--coordinator", self.address]
        if settings.debug:
            arguments.append("--debug")
        command = service_command(service.role, service.instance, arguments)
        return ProcessSpec(service.instance, command, service.log)


def instances_of(num_fleets: int) -> list[tuple[str, int]]:
    """Return role and index of every process, slowest to start first: the learner loads torch."""
    fleets = [("fleet", index) for index in range(num_fleets)]
    return [("learner", 0), ("coordinator", 0), ("params", 0), ("replay", 0), *fleets]
