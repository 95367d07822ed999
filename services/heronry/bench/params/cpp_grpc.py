"""The ceiling of bulk transfers: a C++ gRPC server and client, compiled from the folder of peers."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from heronry.bench.params.processes import environment
from heronry.bench.peers import Peers

NAME = "C++ gRPC server and client, default malloc"
TOTAL_BYTES = 40 << 20
"""A whole number of chunks, as its push needs."""
_FOLDER = "grpc_ceiling"
_COMPILE_S = 300.0
_RUN_S = 120.0
_STOP_S = 10.0


def compiled(peers: Peers) -> Path | None:
    """Return the program, compiled when it has to be; None, which is told, where that cannot be done."""
    folder = None if peers.folder is None else peers.folder / _FOLDER
    if folder is None:
        return None
    command = [sys.executable, "-c", "import common; print(common.build_cpp())"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_COMPILE_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or "")[-500:]
        sys.stderr.write(f"the C++ reference was not compiled, its figures stay empty: {error}\n{said}\n")
        return None
    return Path(done.stdout.splitlines()[-1])


class CppCeiling:
    """A server and one client at a time; use as `with`."""

    def __init__(self, program: Path) -> None:
        self._program = str(program)

    def __enter__(self) -> Self:
        self._address = f"127.0.0.1:{_free_port()}"
        command = [self._program, "server", self._address]
        self._server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(has_malloc=False))
        assert self._server.stdout is not None
        if "READY" not in self._server.stdout.readline():
            raise RuntimeError("the C++ server did not start")
        return self

    def __exit__(self, *error: object) -> None:
        self._server.terminate()
        self._server.communicate(timeout=_STOP_S)

    def gigabytes_per_s(self, direction: str, num_transfers: int) -> float:
        """Return the median rate of `pull` or `push` in 1 MiB messages; the first transfer is left out."""
        arguments = (direction, "--reps", str(num_transfers + 1), "--total", str(TOTAL_BYTES))
        command = [self._program, "client", self._address, *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_RUN_S, check=True, env=environment(has_malloc=False)
        )
        fields: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return float(fields["MBps"]) / 1e3


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
