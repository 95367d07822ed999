"""One worker process as the fleet sees it: started, spoken to, ended with everything it has started."""

import contextlib
import os
import pickle
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.environments.isolated import messages, strays
from heronry.environments.isolated.exchange import Exchange, Phase, Progress, create_memory, map_exchange
from heronry.environments.isolated.messages import Fault, Hello, StartRequest
from heronry.environments.isolated.output import Output
from heronry.environments.isolated.strays import end_strays
from heronry.types.errors import InvalidArgumentError
from heronry.types.exits import describe_exit

_MODULE: Final = "heronry.environments.isolated.worker"
# Waits for the end of its input, which is the end of the fleet's process, then kills who has left its process
# group, as `strays` does, and the group: also where a worker hangs in C code and can do nothing itself. A thread
# of the worker could not, and the kernel's signal at the parent's death comes when the parent's *thread* ends.
_GUARD: Final = (
    'read _; test -z "$1" || rm -rf "$1"; '
    'for f in $(grep -lsxzF "$2" /proc/[0-9]*/environ); do p=${f%/environ}; kill -KILL "${p#/proc/}"; done; '
    "kill -KILL 0"
)
# Workers share the cores among each other already.
_THREADS: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_REAPING_S: Final = 5.0
_TRACE_S: Final = 0.3


class WorkerProcess:
    """A worker and its guard, in a process group of their own; owned by one thread."""

    def __init__(self, request: StartRequest, tell: Callable[[str], None]) -> None:
        """Start the worker; its hello comes later.

        Raises:
          InvalidArgumentError: the settings cannot be sent to a process.
        """
        asked = _pickled(request)
        self._mark = secrets.token_hex(8)
        self.request = request
        self.lanes = slice(request.first_lane, request.first_lane + request.num_lanes)
        self.simulators: list[int] = []
        self._exchange: Exchange | None = None
        self._memory = create_memory()
        self.progress = Progress(self._memory)
        self.progress.begin(Phase.STARTING, -1)
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        reading, writing = os.pipe()
        self.output = Output(reading, tell)
        try:
            self._process = _spawn(asked, theirs.fileno(), self._memory, writing, self._mark)
        finally:
            theirs.close()
            os.close(writing)
        self._guard, self._lifeline = _spawn_guard(self._process.pid, request.folder, self._mark)
        self.ending = _process_descriptor(self._process.pid)

    @property
    def pid(self) -> int:
        """Of the worker, and of its process group."""
        return self._process.pid

    @property
    def exchange(self) -> Exchange:
        """Its arrays; there once it has said hello."""
        if self._exchange is None:
            raise RuntimeError("the worker has not said hello")
        return self._exchange

    @property
    def watched(self) -> list[int]:
        """Descriptors that become readable when the worker or a simulator of it has ended."""
        return [d for d in (self.ending, *self.simulators) if d is not None]

    def greet(self, hello: Hello) -> None:
        """Take up what its hello says."""
        spaces = hello.observation_space, hello.action_space
        self._exchange = map_exchange(self._memory, self.request.num_lanes, *spaces)
        descriptors = [_process_descriptor(pid) for pid in hello.simulators]
        self.simulators = [d for d in descriptors if d is not None]

    def tell(self, message: bytes) -> None:
        """Send a message; that a worker is gone is seen where it is waited for."""
        with contextlib.suppress(OSError):
            self.control.send(message, socket.MSG_DONTWAIT)

    def hear(self) -> bytes | Fault | None:
        """Return a message that has come, or the worker's fault; None: not yet."""
        try:
            message = self.control.recv(messages.MAX_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError:
            return self.ended()
        return self._checked(message)

    def hear_picture(self) -> "npt.NDArray[np.uint8] | Fault | None":
        """Return the picture that was asked for, if it has come, or why there is none."""
        try:
            message, descriptors, _, _ = socket.recv_fds(self.control, messages.MAX_BYTES, 1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError:
            return self.ended()
        if not descriptors:
            heard = self._checked(message)
            return heard if isinstance(heard, Fault) else Fault("it answered with no picture")
        shape = tuple(int(n) for n in message[1:].split())
        with os.fdopen(descriptors[0], "rb") as file:
            # The descriptor shares its position with the worker's.
            file.seek(0)
            return np.frombuffer(file.read(), np.uint8).reshape(shape)

    def ended(self) -> Fault:
        """Return the fault of a worker that has ended, or says nothing more."""
        try:
            reason = f"its process ended: {describe_exit(self._process.wait(1.0))}"
        except subprocess.TimeoutExpired:
            reason = "its process closed its connection"
        return Fault(reason, self.progress.lane)

    def _checked(self, message: bytes) -> bytes | Fault:
        if not message:
            return self.ended()
        if message[:1] != b"F":
            return message
        try:
            return Fault.decode(message)
        except (TypeError, ValueError):
            # An environment may write to descriptors that are not its own.
            return Fault("it answered what no worker says", self.progress.lane)

    def trace(self) -> None:
        """Have a hung worker print where it hangs, into `output`."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + _TRACE_S
        # One that prints without end would else keep us here for ever.
        while (left := deadline - time.monotonic()) > 0 and self.output.wait(left):
            if not self.output.read():
                return

    def end(self) -> None:
        """End the worker, everything in its process group, and what it has started beside it, at once."""
        # The guard has not been waited for: until then the number is no other group's.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        end_strays(self._mark)

    def kill(self) -> None:
        """End the worker, and give up what it holds here."""
        self.end()
        self._lifeline.close()
        for process in (self._process, self._guard):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_REAPING_S)
        self.output.drain()
        self.output.close()
        self.control.close()
        for descriptor in (self._memory, *self.watched):
            os.close(descriptor)
        if self.request.folder:
            shutil.rmtree(self.request.folder, ignore_errors=True)


def _spawn(request: bytes, control: int, memory: int, output: int, mark: str) -> subprocess.Popen[bytes]:
    """Start the worker; never by a fork, which would copy the locks of the fleet's other threads."""
    command = (sys.executable, "-m", _MODULE, str(control), str(memory))
    environ = {**_THREADS, **os.environ, "PYTHONUNBUFFERED": "1", strays.VARIABLE: mark}
    with os.fdopen(os.memfd_create("heronry-request", os.MFD_CLOEXEC), "w+b") as asked:
        asked.write(pickle.dumps(sys.path))
        asked.write(request)
        asked.seek(0)
        return subprocess.Popen(
            command,
            stdin=asked,
            stdout=output,
            stderr=output,
            env=environ,
            pass_fds=(control, memory),
            process_group=0,
        )


def _pickled(request: StartRequest) -> bytes:
    try:
        return pickle.dumps(request)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        allowed = f"values that can be sent to a process ({error})"
        raise InvalidArgumentError.of("environment.kwargs", dict(request.settings.kwargs), allowed) from error


def _spawn_guard(group: int, folder: str, mark: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start the guard in the worker's process group; it lives as long as the socket that comes with it."""
    lifeline, theirs = socket.socketpair()
    with theirs:
        guard = subprocess.Popen(
            ("/bin/sh", "-c", _GUARD, "sh", folder, f"{strays.VARIABLE}={mark}"),
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=group,
        )
    return guard, lifeline


def _process_descriptor(pid: int) -> int | None:
    """Return a descriptor that becomes readable when the process ends; None where sandboxes forbid it."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None
