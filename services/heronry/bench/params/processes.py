"""The processes of a measurement: services, servers beside them, and workers that are told what to do."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from heronry.launch.processes import MALLOC_VARIABLES, THREAD_VARIABLES, service_command

_READY_S = 20.0
_STOP_S = 20.0
_POLL_S = 0.005
_MAX_TOLD = 3000


def environment(*, has_malloc: bool = True) -> dict[str, str]:
    """Return the environment of a child: that of services, or the same without the malloc settings."""
    inherited = {name: value for name, value in os.environ.items() if name not in MALLOC_VARIABLES}
    return {**inherited, **THREAD_VARIABLES, **(MALLOC_VARIABLES if has_malloc else {})}


class Process:
    """A child whose use of the machine is looked at."""

    def __init__(self, popen: subprocess.Popen[Any]) -> None:
        self._popen = popen
        self._usage = psutil.Process(popen.pid)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    def cpu_s(self) -> float:
        """CPU seconds so far, to 10 ms."""
        times = self._usage.cpu_times()
        return float(times.user + times.system)

    def resident_bytes(self) -> int:
        """Memory it holds now."""
        return int(self._usage.memory_info().rss)

    def end(self) -> None:
        """Wait until it has ended; end it when it does not."""
        try:
            self._popen.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


class ParamsServer(Process):
    """A `params` service of its own on a TCP port of the loopback and a UNIX socket."""

    def __init__(self, folder: Path, flags: Sequence[str] = (), *, has_malloc: bool = True) -> None:
        folder.mkdir()
        self._log_path = folder / "server.log"
        self._socket = folder / "params.sock"
        listen = ("--listen", f"unix:{self._socket}", "--listen", "127.0.0.1:0")
        kept = ("--data-dir", str(folder / "data"), "--log-format", "json")
        command = service_command("params", "params-0", (*listen, *kept, *flags))
        with self._log_path.open("wb") as log:
            popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(has_malloc=has_malloc)
            )
        super().__init__(popen)
        self.tcp_address = self._wait_until_serving()

    @property
    def unix_address(self) -> str:
        """Where clients of this machine reach it."""
        return f"unix:{self._socket}"

    def stop(self) -> None:
        """End it in good order."""
        self._popen.terminate()
        self.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if kind is not None:
            # It goes with its folder, and may say what went wrong.
            sys.stderr.write(f"the service's log ended with:\n{self._log_end()}\n")

    def _log_end(self) -> str:
        return self._log_path.read_text(encoding="utf-8")[-_MAX_TOLD:]

    def _wait_until_serving(self) -> str:
        end_s = time.monotonic() + _READY_S
        while time.monotonic() < end_s and self._popen.poll() is None:
            for line in self._log_path.read_text(encoding="utf-8").splitlines():
                if '"serving"' in line:
                    addresses: list[str] = json.loads(line)["addresses"]
                    return next(a for a in addresses if not a.startswith("unix:"))
            time.sleep(_POLL_S)
        self._popen.kill()
        raise RuntimeError("the params service did not start: " + self._log_end())


class Worker(Process):
    """A process that runs a module of commands; use as `with`."""

    def __init__(self, module: str, arguments: Sequence[str] = (), *, has_malloc: bool = True) -> None:
        command = [sys.executable, "-m", f"heronry.bench.params.{module}", *arguments]
        self._pipes = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(has_malloc=has_malloc)
        )
        super().__init__(self._pipes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def ask(self, command: str, **arguments: object) -> dict[str, Any]:
        """Give a command and wait for its answer."""
        self.send(command, arguments)
        return self.receive()

    def send(self, command: str, arguments: Mapping[str, object]) -> None:
        """Give a command; every one is answered."""
        assert self._pipes.stdin is not None
        self._pipes.stdin.write(json.dumps({command: arguments}) + "\n")
        self._pipes.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """Wait for the answer.

        Raises:
          RuntimeError: the process has ended; what went wrong stands on standard error.
        """
        assert self._pipes.stdout is not None
        line = self._pipes.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker of the benchmark ended with {self._pipes.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        """End it."""
        assert self._pipes.stdin is not None
        assert self._pipes.stdout is not None
        self._pipes.stdin.close()
        self.end()
        self._pipes.stdout.close()


def ask_all(workers: Sequence[Worker], command: str, **arguments: object) -> list[dict[str, Any]]:
    """Give all workers a command and wait for all answers."""
    for worker in workers:
        worker.send(command, arguments)
    return [worker.receive() for worker in workers]
