"""Where the sockets, logs and data of a mesh on this machine go."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from heronry.launch.owned_folder import make_owned_folder
from heronry.types.errors import ConfigurationError

# sockaddr_un holds 108 bytes with its final zero; gRPC and the instance's name need room, too.
MAX_SOCKET_PATH_BYTES = 100


@dataclass(frozen=True)
class Layout:
    """The folders of one mesh: `data_dir` holds a folder per run, `log_dir` a file per instance."""

    data_dir: Path
    log_dir: Path
    socket_dir: Path

    @classmethod
    def create(cls, data_dir: Path, log_dir: Path) -> Self:
        """Make the folders; the sockets get a private one with a short path, since the kernel limits its length."""
        for folder in (data_dir, log_dir):
            make_writable(folder)
        return cls(data_dir.resolve(), log_dir.resolve(), make_owned_folder(_socket_root()))

    def socket(self, instance: str) -> Path:
        """Return the path of an instance's UNIX socket."""
        path = self.socket_dir / f"{instance}.sock"
        if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
            raise ConfigurationError.of("socket path", str(path), f"at most {MAX_SOCKET_PATH_BYTES} bytes (set TMPDIR)")
        return path

    def address(self, instance: str) -> str:
        """Return an instance's address as gRPC writes it."""
        return f"unix:{self.socket(instance)}"

    def log(self, instance: str) -> Path:
        """Return the log file of an instance."""
        return self.log_dir / f"{instance}.log"

    def remove_sockets(self) -> None:
        """Remove the sockets' folder; data and logs stay."""
        shutil.rmtree(self.socket_dir, ignore_errors=True)


def make_writable(folder: Path, field: str = "directory") -> None:
    """Create `folder`; raises ConfigurationError, about `field`, when that fails or nothing can be written in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError.of(field, str(folder), f"one that can be created ({error.strerror})") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigurationError.of(field, str(folder), "one that can be written to")


def _socket_root() -> str | None:
    """Return the folder for private socket folders; None is the system's place for temporary files."""
    runtime_dir = os.environ.get("XDG_RUNTIME_DIR", "")
    usable = len(os.fsencode(runtime_dir)) <= 40 and Path(runtime_dir).is_dir() and os.access(runtime_dir, os.W_OK)
    return runtime_dir if runtime_dir and usable else None
