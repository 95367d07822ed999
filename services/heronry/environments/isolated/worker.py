"""A process that hosts environments for a fleet: `python -m heronry.environments.isolated.worker CONTROL MEMORY`.

Standard input holds the pickled search path for modules, then the pickled `StartRequest`. It answers
one message at a time and ends with the first fault: what is left of an environment that has raised
is not worth knowing.
"""

import contextlib
import faulthandler
import os
import pickle
import signal
import socket
import sys
import traceback

import numpy as np

from heronry.environments.faults import LaneFault, words_of
from heronry.environments.isolated import messages
from heronry.environments.isolated.exchange import Exchange, Phase, Progress, map_exchange
from heronry.environments.isolated.messages import Fault, Hello, StartRequest
from heronry.environments.isolated.simulator import SimulatorError
from heronry.environments.vector import VectorEnvironment
from heronry.types.errors import EnvironmentFaultError, HeronryError
from heronry.types.tensors import Array


class Worker:
    """Answers the fleet's messages about one `VectorEnvironment`."""

    def __init__(self, control: socket.socket, memory: int, request: StartRequest) -> None:
        # Only here: Gymnasium is imported for a worker, not for the fleet that imports this package.
        from heronry.environments.isolated.hosting import host

        self._control = control
        self._progress = Progress(memory)
        self._progress.begin(Phase.STARTING, -1)
        self._hosted = host(request, self._progress)
        environment = self._environment = self._hosted.environment
        spaces = environment.observation_space, environment.action_space
        self._exchange: Exchange = map_exchange(memory, request.num_lanes, *spaces)
        self._progress.begin(Phase.IDLE, -1)
        self._control.send(Hello(*spaces, tuple(s.pid for s in self._hosted.simulators)).encode())

    def run(self) -> None:
        """Answer until the fleet says that it is over, or is gone."""
        while True:
            message = self._control.recv(messages.MAX_BYTES)
            if message in (b"", messages.CLOSE):
                break
            if message == messages.STEP:
                self._step(self._environment)
            elif message == messages.RESET:
                self._reset(self._environment)
            else:
                self._render(int(message[1:]))
                continue
            self._progress.begin(Phase.IDLE, -1)
            self._control.send(messages.DONE)
        self._hosted.close()

    def _reset(self, environment: VectorEnvironment) -> None:
        self._progress.begin(Phase.RESETTING, -1)
        self._exchange.observation[:] = environment.reset([int(s) for s in self._exchange.seeds])
        self._show_mask()

    def _step(self, environment: VectorEnvironment) -> None:
        if not self._hosted.is_tracked:
            self._progress.begin(Phase.STEPPING_OR_RESETTING, -1)
        exchange = self._exchange
        taken = environment.step(exchange.action.copy())
        exchange.observation[:] = taken.observation
        exchange.next_observation[:] = taken.next_observation
        exchange.reward[:] = taken.reward
        exchange.terminated[:] = taken.terminated
        exchange.truncated[:] = taken.truncated
        exchange.mask[:] = taken.mask
        self._show_mask()

    def _show_mask(self) -> None:
        allowed = self._environment.action_mask
        if allowed is not None:
            self._exchange.action_mask[:] = allowed

    def _render(self, lane: int) -> None:
        """Answer with the picture in memory of its own; a refusal is no fault."""
        try:
            picture: Array = np.ascontiguousarray(self._environment.render(lane))
        except HeronryError as error:
            self._control.send(_fault(error, lane).encode())
            return
        memory = os.memfd_create("heronry-picture", os.MFD_CLOEXEC)
        try:
            with os.fdopen(os.dup(memory), "wb") as file:
                file.write(picture.tobytes())
            shape = " ".join(str(n) for n in picture.shape)
            socket.send_fds(self._control, [messages.RENDER + shape.encode()], [memory])
        finally:
            os.close(memory)


def main() -> None:
    """Host what standard input asks for."""
    control, memory = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    for descriptor in (control.fileno(), memory):
        os.set_inheritable(descriptor, False)
    sys.path[:] = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by the process that started us
    # A child that an environment forks must not answer, nor keep the fleet from seeing us end.
    os.register_at_fork(after_in_child=control.close)
    # A fleet that gives a hung worker up asks first where it hangs.
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    progress = Progress(memory)
    try:
        request = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by the process that started us
        Worker(control, memory, request).run()
    except BaseException as error:  # noqa: BLE001 - whatever an environment raises, `SystemExit` too, is told
        _print_cause(error)
        with contextlib.suppress(OSError):
            control.send(_fault(error, progress.lane).encode())
        # Threads that an environment left behind must not keep the process.
        os._exit(1)


def _fault(error: BaseException, lane: int) -> Fault:
    if isinstance(error, EnvironmentFaultError):
        # It names one of our lanes, or says that it cannot.
        index = error.details.get("index", "")
        return Fault(error.details.get("what", error.message), int(index) if index.isdigit() else -1)
    if isinstance(error, HeronryError):
        return Fault(error.message, lane, type(error).__name__, error.details)
    return Fault(f"raised {type(error).__name__}: {words_of(error)}", lane)


def _print_cause(error: BaseException) -> None:
    """Print where an environment raised, without what was made of it since."""
    while isinstance(error, (HeronryError, LaneFault)) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, LaneFault | SimulatorError):
        # Nothing of the user's raised: where we noticed it helps nobody.
        return
    traceback.print_exception(error)
    sys.stderr.flush()


if __name__ == "__main__":
    main()
