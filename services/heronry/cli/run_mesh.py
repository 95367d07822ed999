"""The mesh that a training command works with: started by it, inside it, or somebody else's."""

import logging
from pathlib import Path
from typing import Protocol

from heronry.cli.run_plan import RunPlan
from heronry.launch.errors import LaunchError
from heronry.launch.layout import make_writable
from heronry.launch.local import LocalMesh, LocalMeshSettings


class RunMesh(Protocol):
    """What a training session needs of a mesh."""

    @property
    def address(self) -> str:
        """Where its coordinator answers."""
        ...

    @property
    def failure(self) -> LaunchError | None:
        """Why it cannot go on, if so."""
        ...

    def start(self) -> None:
        """Start it, as far as that is ours to do."""
        ...

    def stop(self) -> None:
        """End what was started, cleanly."""
        ...

    def kill(self) -> None:
        """End what was started, at once."""
        ...


class ProcessMesh:
    """A process per service, supervised by this command."""

    def __init__(self, plan: RunPlan, *, num_fleets: int, is_debug: bool) -> None:
        log_level = "debug" if is_debug else "info"
        self._events_log = plan.run_dir / "logs" / "supervisor.log"
        settings = LocalMeshSettings(
            data_dir=plan.data_dir, log_dir=plan.run_dir / "logs", num_fleets=num_fleets, log_level=log_level
        )
        self._mesh = LocalMesh(settings, on_event=self._note)

    @property
    def address(self) -> str:
        """Where its coordinator answers."""
        return self._mesh.address

    @property
    def failure(self) -> LaunchError | None:
        """Why a process cannot be kept alive, if so."""
        return self._mesh.supervisor.failure

    def start(self) -> None:
        """Start all processes."""
        self._mesh.start()

    def stop(self) -> None:
        """Drain and end all processes."""
        self._mesh.stop()

    def kill(self) -> None:
        """End all processes at once."""
        self._mesh.kill()

    def _note(self, event: str, instance: str, detail: str) -> None:
        with self._events_log.open("a", encoding="utf-8") as log:
            log.write(f"{event} {instance} {detail}\n")


class ThreadMesh:
    """All services on one background thread of this process."""

    failure: LaunchError | None = None

    def __init__(self, plan: RunPlan, *, num_fleets: int, is_debug: bool) -> None:
        from heronry.launch.embedded import EmbeddedMesh  # imports every service

        _log_to(plan.run_dir / "logs" / "embedded.log", "debug" if is_debug else "info")
        self._mesh = EmbeddedMesh(data_dir=plan.data_dir, num_fleets=num_fleets)

    @property
    def address(self) -> str:
        """Where its coordinator answers."""
        return self._mesh.address

    def start(self) -> None:
        """Start all services."""
        self._mesh.start()

    def stop(self) -> None:
        """Drain and stop all services."""
        self._mesh.stop()

    def kill(self) -> None:
        """Do nothing: the services end with this process."""


class ForeignMesh:
    """A mesh that somebody else has started and will end."""

    failure: LaunchError | None = None

    def __init__(self, address: str) -> None:
        self.address = address

    def start(self) -> None:
        """Make sure that it is there; waiting is only for a mesh of our own."""
        from heronry.cli.coordinator import require_coordinator  # grpc loads while a mesh of our own starts

        require_coordinator(self.address)

    def stop(self) -> None:
        """Do nothing: it is not ours."""

    def kill(self) -> None:
        """Do nothing: it is not ours."""


def mesh_for(plan: RunPlan, *, launcher: str, address: str, num_fleets: int, is_debug: bool) -> RunMesh:
    """Return the mesh for a run, not started yet."""
    if address:
        return ForeignMesh(address)
    kind = ThreadMesh if launcher == "embedded" else ProcessMesh
    return kind(plan, num_fleets=num_fleets, is_debug=is_debug)


def _log_to(path: Path, level: str) -> None:
    from heronry.runtime.logging import configure  # structlog is for services

    make_writable(path.parent)
    configure("console", level, path)
    logging.captureWarnings(capture=True)
