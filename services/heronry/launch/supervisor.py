"""Keep the processes of a mesh alive: restart what dies, stop all of it cleanly."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from heronry.launch.errors import LaunchError
from heronry.launch.processes import (
    USER_ERROR_EXIT_CODE,
    ProcessSpec,
    last_lines,
    signal_group,
    spawn,
)
from heronry.launch.restart_policy import RestartPolicy
from heronry.types.exits import describe_exit


class EventSink(Protocol):
    """Is told what the supervisor does: `started`, `died`, `gave_up`."""

    def __call__(self, event: str, instance: str, detail: str) -> None: ...


def ignore_event(event: str, instance: str, detail: str) -> None:
    """Take an event and do nothing."""


@dataclass
class _Child:
    spec: ProcessSpec
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    num_starts: int = 0
    num_early_deaths: int = 0


class Supervisor:
    """Owns the processes of a mesh; one thread watches and restarts them.

    Task-safe: every method may be called from any thread. A process that dies for whatever
    reason is started again after the policy's delay. One that blames its settings (exit code 2)
    or dies repeatedly at its start sets `failure` and is left alone.
    """

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        *,
        policy: RestartPolicy | None = None,
        environ: Mapping[str, str] | None = None,
        on_event: EventSink = ignore_event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._children = {spec.instance: _Child(spec) for spec in specs}
        self._policy = policy or RestartPolicy()
        self._environ = dict(os.environ if environ is None else environ)
        self._on_event = on_event
        self._clock = clock
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._failed = threading.Event()
        self._failure: LaunchError | None = None
        self._thread: threading.Thread | None = None

    @property
    def failure(self) -> LaunchError | None:
        """The error that ended the supervision of a process, if one did."""
        return self._failure

    def start(self) -> None:
        """Start every process at once, in the order given, then watch them."""
        with self._lock:
            for child in self._children.values():
                self._start(child)
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def pids(self) -> dict[str, int]:
        """Return the process id of every instance that is alive."""
        with self._lock:
            alive = {name: child.process for name, child in self._children.items() if child.process is not None}
            return {name: process.pid for name, process in alive.items()}

    def num_starts(self, instance: str) -> int:
        """Return how often an instance has been started."""
        with self._lock:
            return self._children[instance].num_starts

    def wait_for_failure(self, timeout_s: float) -> LaunchError | None:
        """Wait for a failure at most `timeout_s`; returns it, or None."""
        self._failed.wait(timeout_s)
        return self._failure

    def stop(self, grace_s: float = 5.0) -> None:
        """End every process: SIGTERM to all, then SIGKILL to those alive after `grace_s`. May be called again."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            running = [child.process for child in self._children.values() if child.process is not None]
            _end(running, grace_s)
            for child in self._children.values():
                child.process = None

    def kill(self) -> None:
        """End every process at once, without a chance to drain."""
        self.stop(grace_s=0.0)

    def _watch(self) -> None:
        while not self._stopping.wait(0.05):
            with self._lock:
                for child in self._children.values():
                    self._tend(child, self._clock())

    def _tend(self, child: _Child, now: float) -> None:
        if child.process is None:
            if child.start_at <= now:
                self._start(child)
            return
        return_code = child.process.poll()
        if return_code is not None:
            child.process = None
            self._plan_restart(child, return_code, now)

    def _plan_restart(self, child: _Child, return_code: int, now: float) -> None:
        is_early = now - child.started_at < self._policy.healthy_s
        child.num_early_deaths = child.num_early_deaths + 1 if is_early else 0
        if return_code == USER_ERROR_EXIT_CODE or self._policy.gives_up(child.num_early_deaths):
            self._give_up(child, return_code)
            return
        child.start_at = now + self._policy.delay_s(child.num_early_deaths)
        self._on_event("died", child.spec.instance, describe_exit(return_code))

    def _give_up(self, child: _Child, return_code: int) -> None:
        child.start_at = float("inf")
        lines = last_lines(child.spec.log)
        is_user_error = return_code == USER_ERROR_EXIT_CODE
        what = f"{child.spec.instance}: ended with {describe_exit(return_code)}"
        if not is_user_error:
            what += f" {child.num_early_deaths} times in a row within {self._policy.healthy_s:g} s of its start"
        message = f"{what}; log: {child.spec.log}"
        code = USER_ERROR_EXIT_CODE if is_user_error else 1
        self._failure = LaunchError(message, instance=child.spec.instance, log_lines=lines, exit_code=code)
        self._failed.set()
        self._on_event("gave_up", child.spec.instance, describe_exit(return_code))

    def _start(self, child: _Child) -> None:
        child.process = spawn(child.spec, self._environ)
        child.started_at = self._clock()
        child.num_starts += 1
        self._on_event("started", child.spec.instance, f"pid {child.process.pid}")


def _end(processes: Sequence[subprocess.Popen[bytes]], grace_s: float) -> None:
    if grace_s > 0:
        for process in processes:
            signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            continue
    # To the whole group, also of a process that has ended: a worker it left behind must not survive it.
    for process in processes:
        signal_group(process, signal.SIGKILL)
        process.wait()
