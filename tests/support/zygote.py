"""Processes that start in milliseconds: they are forked off one that has imported all they need."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

FORKING = Path(__file__).with_name("forking.py")
PATIENCE_S = 60.0


class Forked:
    """A process of its own, whose output goes to files."""

    def __init__(self, told: IO[bytes], out: IO[bytes], err: IO[bytes]) -> None:
        self._told, self._out, self._err = told, out, err
        self.returncode: int | None = None
        self.pid = int(told.readline())

    @property
    def out(self) -> str:
        """What it has written to standard output so far."""
        return _content(self._out)

    @property
    def err(self) -> str:
        return _content(self._err)

    def poll(self) -> int | None:
        """Return the exit code, or less the signal that ended it; None where it goes on."""
        return self._ended(0.0)

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        code = self._ended(timeout_s)
        if code is None:
            raise TimeoutError(f"process {self.pid} goes on after {timeout_s} s: {self.out}{self.err}")
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> int:
        """Kill it with -9; return how it ended once it is gone."""
        self.send_signal(signal.SIGKILL)
        return self.wait()

    def close(self) -> None:
        for file in (self._told, self._out, self._err):
            file.close()

    def _ended(self, timeout_s: float) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], timeout_s)[0]:
            self.returncode = int(self._told.readline())
        return self.returncode


class Zygote:
    """The process that others are forked off; those that still run when it is closed are killed."""

    def __init__(self, program: Path) -> None:
        self._link, theirs = socket.socketpair()
        descriptor = theirs.fileno()
        command = [sys.executable, str(FORKING), str(descriptor), str(program)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[descriptor])
        self._forked: list[Forked] = []
        theirs.close()
        assert self._link.recv(64) == b"ready\n"

    def start(
        self, *arguments: object, folder: Path | None = None, environment: Mapping[str, str] = os.environ
    ) -> Forked:
        """Start one process with these arguments of the program's `main`."""
        told, tell = os.pipe()
        # Their owner closes them with the process.
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        facts = {
            "arguments": [str(argument) for argument in arguments],
            "folder": str(folder or Path.cwd()),
            "environment": dict(environment),
        }
        socket.send_fds(self._link, [f"{json.dumps(facts)}\n".encode()], [out.fileno(), err.fileno(), tell])
        os.close(tell)
        # Unbuffered: what is left in the pipe shall be seen by select.
        forked = Forked(os.fdopen(told, "rb", buffering=0), out, err)
        self._forked.append(forked)
        return forked

    def release(self, forked: Forked) -> None:
        """Kill a process where it still runs, and forget it."""
        forked.kill()
        forked.close()
        self._forked.remove(forked)

    def close(self) -> None:
        for forked in [*self._forked]:
            self.release(forked)
        self._link.close()
        self._process.wait(PATIENCE_S)


def _content(file: IO[bytes]) -> str:
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode()
