"""Forks processes off this one, which has imported all that they need: `python forking.py DESCRIPTOR PROGRAM.py`.

PROGRAM.py has `main(arguments) -> int`, which each of them runs. A request comes by the socket DESCRIPTOR: one line of
JSON, and with it the descriptors of standard output, standard error and a pipe. The pipe tells the process id and,
once it has ended, how: an exit code, or less the signal that ended it.
"""

import gc
import json
import os
import runpy
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NUM_DESCRIPTORS = 3
MAX_BYTES = 1 << 16

Main = Callable[[list[str]], int]


@dataclass(frozen=True)
class Request:
    """What one process shall be."""

    facts: dict[str, Any]
    out: int
    err: int
    told: int

    def close(self) -> None:
        for descriptor in (self.out, self.err, self.told):
            os.close(descriptor)


def receive(link: socket.socket) -> Request | None:
    """Return the next request, or None where nobody will ask again."""
    line, descriptors, _, _ = socket.recv_fds(link, MAX_BYTES, NUM_DESCRIPTORS)
    if not line:
        return None
    while not line.endswith(b"\n"):
        line += link.recv(MAX_BYTES)
    return Request(json.loads(line), *descriptors)


def become(request: Request, main: Main) -> None:
    """Be the process that was asked for, to its end."""
    for descriptor, stream in ((request.out, 1), (request.err, 2)):
        os.dup2(descriptor, stream)
    request.close()
    os.chdir(request.facts["folder"])
    os.environ.clear()
    os.environ.update(request.facts["environment"])
    code = main(request.facts["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    # An interpreter that takes down all these modules copies them first: half a second.
    os._exit(code)


def watch(pid: int, request: Request) -> None:
    os.write(request.told, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.write(request.told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def serve(link: socket.socket, main: Main) -> None:
    # What the collector does not touch stays shared.
    gc.freeze()
    # Nobody waits for the watchers.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    link.sendall(b"ready\n")
    while (request := receive(link)) is not None:
        if os.fork() == 0:
            link.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if (pid := os.fork()) == 0:
                return become(request, main)
            watch(pid, request)
        request.close()
    return None


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), runpy.run_path(sys.argv[2])["main"])
