"""The file by which `heronry down`, `status` and `logs` find what `heronry up` has started."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from heronry.launch.layout import make_writable
from heronry.launch.processes import start_ticks
from heronry.types.errors import AlreadyExistsError, DataLossError


@dataclass(frozen=True)
class ServiceEntry:
    """One service of the mesh."""

    role: str
    instance: str
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class MeshState:
    """The mesh that `heronry up` holds: its process, its addresses, its folders."""

    pid: int
    process_start_ticks: int
    address: str
    data_dir: str
    log_dir: str
    services: tuple[ServiceEntry, ...]

    def is_alive(self) -> bool:
        """Tell whether the process that wrote the file runs; a reused process id does not count."""
        return start_ticks(self.pid) == self.process_start_ticks

    def claim(self) -> None:
        """Write the file before anything is started, so that there is one mesh at a time.

        Raises:
          AlreadyExistsError: another process holds a mesh, or is starting one.
        """
        with _locked():
            former = MeshState.read()
            if former is not None:
                raise AlreadyExistsError(
                    f"a mesh is already up or starting (pid {former.pid}); heronry down ends it",
                    details={"pid": str(former.pid)},
                )
            self.write()

    def remove(self) -> None:
        """Remove the file if it is this mesh's or of one that is gone; another mesh's stays."""
        with _locked():
            current = MeshState.read()
            if current is None or current.owner == self.owner:
                state_path().unlink(missing_ok=True)

    def write(self) -> None:
        """Write the file in one step, so that no reader sees half of it."""
        path = state_path()
        make_writable(path.parent)
        partial = path.with_suffix(f".{os.getpid()}.tmp")
        partial.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        partial.replace(path)

    @property
    def owner(self) -> tuple[int, int]:
        """The process that wrote the file: its id and when it began."""
        return self.pid, self.process_start_ticks

    @classmethod
    def read(cls) -> Self | None:
        """Return the mesh that is up; None when there is none."""
        path = state_path()
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            services = tuple(ServiceEntry(s["role"], s["instance"], tuple(s["addresses"])) for s in fields["services"])
            state = cls(**{**fields, "services": services})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DataLossError(f"{path}: not a state file of heronry ({error}); remove it") from error
        return state if state.is_alive() else None


def remove_stale_state() -> None:
    """Remove the file of a mesh that is gone; none is no error."""
    with _locked():
        if MeshState.read() is None:
            state_path().unlink(missing_ok=True)


def state_path() -> Path:
    """Return the file's place: `$XDG_STATE_HOME/heronry/mesh.json`."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "heronry" / "mesh.json"


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Hold the lock of the state file: between a look at it and a change nobody else changes it."""
    path = state_path().with_suffix(".lock")
    make_writable(path.parent)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
