"""The file by which `heronry down`, `status` and `logs` find what `heronry up` has started."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from heronry.launch.layout import make_writable
from heronry.types.errors import DataLossError


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

    def write(self) -> None:
        """Write the file in one step, so that no reader sees half of it."""
        path = state_path()
        make_writable(path.parent)
        partial = path.with_suffix(f".{os.getpid()}.tmp")
        partial.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        partial.replace(path)

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


def remove_state() -> None:
    """Remove the file; none is no error."""
    state_path().unlink(missing_ok=True)


def state_path() -> Path:
    """Return the file's place: `$XDG_STATE_HOME/heronry/mesh.json`."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "heronry" / "mesh.json"


def start_ticks(pid: int) -> int:
    """Return when a process began, in the kernel's ticks; 0 when there is none or it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    fields = stat.rpartition(")")[2].split()
    # A process that nobody has waited for yet is listed, but has ended.
    return 0 if fields[0] in ("Z", "X") else int(fields[19])
