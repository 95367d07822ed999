"""A simulator process beside one environment; started and ended by the worker, watched by the fleet."""

import os
import select
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from heronry.types.errors import InvalidArgumentError
from heronry.types.exits import describe_exit

_ENDING_S: Final = 0.5
_LOOKING_MS: Final = 50


class SimulatorError(Exception):
    """The simulator ended, or said what it must not."""


class Simulator:
    """The process, and the variables that tell it where it is to be found.

    It stays in the worker's process group, so that it ends with the worker however that ends.
    """

    def __init__(self, command: tuple[str, ...], index: int, epoch: int, folder: str) -> None:
        """Name the simulator of environment `index`; `start` starts it."""
        self._command = command
        self.address = str(Path(folder, f"{index}.sock"))
        self.variables: Mapping[str, str] = {
            "HERONRY_ENVIRONMENT_INDEX": str(index),
            "HERONRY_EPOCH": str(epoch),
            "HERONRY_SOCKET": self.address,
            "HERONRY_PORT": str(_free_port()),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        return self._started().pid

    def start(self) -> None:
        """Start it.

        Raises:
          InvalidArgumentError: there is no such program.
        """
        try:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, env={**os.environ, **self.variables}
            )
        except OSError as error:
            allowed = f"a program that can be started ({error})"
            raise InvalidArgumentError.of("environment.command", list(self._command), allowed) from error

    def accept(self, listener: socket.socket) -> socket.socket:
        """Wait until it connects.

        Raises:
          SimulatorError: it ended before.
        """
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while not poll.poll(_LOOKING_MS):
            if self._started().poll() is not None:
                raise self.ended()
        return listener.accept()[0]

    def ended(self) -> SimulatorError:
        """Return the error that says how it ended, or that it closed its connection."""
        try:
            code = self._started().wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            return SimulatorError("the simulator closed its connection")
        return SimulatorError(f"the simulator ended: {describe_exit(code)}")

    def close(self) -> None:
        """End it: politely, then not."""
        process = self._started()
        process.terminate()
        try:
            process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the simulator has not been started")
        return self._process


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
