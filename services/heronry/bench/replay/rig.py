"""One replay server process and client processes, as a benchmark needs them."""

import json
import os
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import psutil

from heronry.bench.replay.load import Load, Window
from heronry.bench.replay.tables import PATTERNS

_READY_S = 20.0
_POLL_S = 0.005
_STOP_S = 20.0
_FILL_S = 300.0
_MAX_BYTES = 8 << 30


@dataclass(frozen=True)
class Figures:
    """What a window told of all its clients together, and of the server.

    Attributes:
      num_items: in all.
      rate: items a second.
      server_cpu_us, clients_cpu_us: CPU microseconds an item.
      p50_ms, p99_ms: of one call; of several clients the middle one's median and the worst one's tail.
    """

    num_items: int
    rate: float
    server_cpu_us: float
    clients_cpu_us: float
    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, windows: Sequence[Window], server_cpu_s: float) -> Self:
        """Join the windows that clients had side by side."""
        num_items = sum(w.num_items for w in windows)
        items = max(1, num_items)
        return cls(
            num_items=num_items,
            rate=sum(w.rate for w in windows),
            server_cpu_us=1e6 * server_cpu_s / items,
            clients_cpu_us=1e6 * sum(w.cpu_s for w in windows) / items,
            p50_ms=statistics.median(w.p50_ms for w in windows),
            p99_ms=max(w.p99_ms for w in windows),
        )


class ServerProcess:
    """`heronry serve replay` on a TCP port of the loopback and a UNIX socket.

    Attributes:
      start_s: from its start until it served.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "replay.sock"
        self._log = (folder / "server.log").open("w+b")
        listen = ("--listen", f"unix:{self._socket}", "--listen", "127.0.0.1:0")
        limits = ("--max-bytes", str(_MAX_BYTES), "--parent-pid", str(os.getpid()))
        command = [sys.executable, "-m", "heronry.cli", "serve", "replay", *listen, *limits]
        command += ["--data-dir", str(folder / "data"), "--log-format", "json"]
        begun = time.perf_counter()
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        self._usage = psutil.Process(self._process.pid)
        self.tcp_address = self._wait_until_serving()
        self.start_s = time.perf_counter() - begun

    @property
    def unix_address(self) -> str:
        """Where clients of this machine reach it."""
        return f"unix:{self._socket}"

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        times = self._usage.cpu_times()
        return float(times.user + times.system)

    def resident_bytes(self) -> int:
        """Memory it holds now."""
        return int(self._usage.memory_info().rss)

    def stop(self) -> None:
        """End it in good order."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _wait_until_serving(self) -> str:
        end_s = time.monotonic() + _READY_S
        while time.monotonic() < end_s and self._process.poll() is None:
            for line in (self._folder / "server.log").read_text(encoding="utf-8").splitlines():
                if '"serving"' in line:
                    addresses: list[str] = json.loads(line)["addresses"]
                    return next(a for a in addresses if not a.startswith("unix:"))
            time.sleep(_POLL_S)
        self._process.kill()
        raise RuntimeError("the replay service did not start: " + (self._folder / "server.log").read_text()[-2000:])


class ClientProcess:
    """A process that appends or samples when it is told to; it speaks JSON lines over its pipes."""

    def __init__(self, server: ServerProcess) -> None:
        addresses = (server.tcp_address, server.unix_address)
        command = [sys.executable, "-m", "heronry.bench.replay.client_process", *addresses]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **command: object) -> dict[str, Any]:
        """Give a command and wait for its answer."""
        self.send(**command)
        return self.receive()

    def send(self, **command: object) -> None:
        """Give a command; every one is answered."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """Wait for the answer.

        Raises:
          RuntimeError: the process has ended; what went wrong stands on standard error.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a client of the benchmark ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def has_answered(self) -> bool:
        """Tell whether `receive` would return at once."""
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


class Rig:
    """A server and its clients; use as `with`."""

    def __init__(self, num_clients: int) -> None:
        self._num_clients = num_clients
        self.working: list[ClientProcess] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(TemporaryDirectory(prefix="heronry-bench-")))
            self.start()
            stack.callback(self.stop)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start the server, then the clients."""
        self.server = ServerProcess(self.folder)
        self.clients = [ClientProcess(self.server) for _ in range(self._num_clients)]

    def restart(self) -> None:
        """End server and clients, and start them anew over the same data."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """End the clients, then the server."""
        for client in self.clients:
            client.stop()
        self.server.stop()

    def create_table(self, table: str, **settings: object) -> dict[str, Any]:
        """Make a table; `settings` are those of `definition_of`. Returns its counters and the seconds it took."""
        return self.clients[0].ask(create={"table": table, **settings})

    def table(self, table: str) -> dict[str, Any]:
        """Return a table's counters."""
        return self.clients[0].ask(describe=table)

    def fill(self, load: Load, num_items: int, items: str = "transition") -> None:
        """Append steps of the load's payload until they make at least so many items of a pattern."""
        num_steps = num_items * PATTERNS[items].period + PATTERNS[items].num_steps
        self.clients[0].ask(prepare=replace(load, kind="fill", num_lanes=1).fields())
        self.clients[0].ask(run={"seconds": _FILL_S, "max_items": num_steps})

    def prepare(self, *loads: Load) -> None:
        """Give the first clients a load each; the others rest."""
        for client in self.clients[len(loads) :]:
            client.ask(rest=None)
        self.working = self.clients[: len(loads)]
        for client, load in zip(self.working, loads, strict=True):
            client.ask(prepare=load.fields())

    def window(self, seconds: float = 1.0, max_items: int | None = None) -> list[Window]:
        """Let all clients that have a load work side by side."""
        for client in self.working:
            client.send(run={"seconds": seconds, "max_items": max_items})
        return [Window.from_fields(client.receive()) for client in self.working]

    def figures(self, seconds: float = 1.0, max_items: int | None = None) -> Figures:
        """Measure a window in which all clients do the same."""
        before = self.server.cpu_s()
        windows = self.window(seconds, max_items)
        return Figures.of(windows, self.server.cpu_s() - before)
