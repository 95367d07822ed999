"""Waits for the answers of workers that are at work at the same time, and for those that will not answer."""

import select
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from heronry.environments.isolated.exchange import Phase
from heronry.environments.isolated.messages import Fault
from heronry.environments.isolated.process import WorkerProcess

Answer = TypeVar("Answer")
_VERBS: Final = {
    Phase.STARTING: "the start",
    Phase.RESETTING: "a reset",
    Phase.STEPPING: "a step",
    Phase.STEPPING_OR_RESETTING: "a step",
    Phase.IDLE: "the fleet",
}
_LONGEST_WAIT_S: Final = 1.0
# Libraries may take their time to import.
_STARTING_S: Final = 60.0
_SIMULATOR_ENDED: Final = "its simulator ended"
# For a worker to say itself how its simulator ended.
_LAST_WORDS_S: Final = 1.0


class Patience:
    """How long a worker may take for what it is doing."""

    def __init__(self, step_timeout_s: float, reset_timeout_s: float) -> None:
        either = max(step_timeout_s, reset_timeout_s)
        self._limits = {
            Phase.STARTING: max(reset_timeout_s, _STARTING_S),
            Phase.RESETTING: reset_timeout_s,
            Phase.STEPPING: step_timeout_s,
            Phase.STEPPING_OR_RESETTING: either,
            Phase.IDLE: either,
        }
        self.period_s = min(step_timeout_s / 4, reset_timeout_s / 4, _LONGEST_WAIT_S)

    def verdict(self, worker: WorkerProcess, asked_s: float) -> Fault | None:
        """Return a fault when a worker that was asked at `asked_s` is over its time."""
        phase = worker.progress.phase
        limit = self._limits[phase]
        if time.monotonic() - max(asked_s, worker.progress.since_s) <= limit:
            return None
        worker.trace()
        return Fault(f"no end of {_VERBS[phase]} within {limit:g} s", worker.progress.lane)


class Waiting:
    """One wait for one answer of each of some workers.

    What they print is taken meanwhile: a full pipe would hold them up.
    """

    def __init__(self, workers: Sequence[WorkerProcess]) -> None:
        self._poll = select.poll()
        self._outputs = {w.output.descriptor: w for w in workers}
        self._owners = {d: w for w in workers for d in (w.control.fileno(), *w.watched)}
        for descriptor in (*self._outputs, *self._owners):
            self._poll.register(descriptor, select.POLLIN)
        self._pending = dict.fromkeys(workers, time.monotonic())
        self._last_words: dict[WorkerProcess, float] = {}

    def gather(
        self, hear: Callable[[WorkerProcess], Answer | Fault | None], patience: Patience
    ) -> dict[WorkerProcess, Answer | Fault]:
        """Return each worker's answer, or its fault; `hear` takes one that has come."""
        answers: dict[WorkerProcess, Answer | Fault] = {}
        while self._pending:
            for descriptor, _ in self._poll.poll(patience.period_s * 1000):
                if descriptor in self._outputs:
                    self._read(descriptor)
                    continue
                worker = self._owners.get(descriptor)
                if worker is None:
                    continue
                answer = self._answer(worker, descriptor, hear(worker))
                if answer is not None:
                    answers[worker] = answer
                    self._settle(worker)
            if self._pending:
                answers.update(self._overdue(patience))
        return answers

    def gather_ends(self, timeout_s: float) -> None:
        """Wait until the workers have ended, or the time is over."""
        deadline = time.monotonic() + timeout_s
        while self._pending and (left := deadline - time.monotonic()) > 0:
            for descriptor, _ in self._poll.poll(left * 1000):
                if descriptor in self._outputs:
                    self._read(descriptor)
                elif descriptor in self._owners:
                    self._settle(self._owners[descriptor])

    def _answer(self, worker: WorkerProcess, descriptor: int, heard: Answer | Fault | None) -> Answer | Fault | None:
        if isinstance(heard, Fault):
            return heard
        if heard is not None:
            # An environment may not notice, and show for ever what it saw last.
            return Fault(_SIMULATOR_ENDED, worker.progress.lane) if worker in self._last_words else heard
        if descriptor == worker.ending:
            return worker.ended()
        if descriptor in worker.simulators:
            self._poll.unregister(descriptor)
            del self._owners[descriptor]
            self._last_words[worker] = time.monotonic() + _LAST_WORDS_S
        return None

    def _overdue(self, patience: Patience) -> dict[WorkerProcess, Fault]:
        faults: dict[WorkerProcess, Fault] = {}
        for worker, asked_s in self._pending.items():
            fault = patience.verdict(worker, asked_s)
            if fault is None and time.monotonic() > self._last_words.get(worker, float("inf")):
                fault = Fault(_SIMULATOR_ENDED, worker.progress.lane)
            if fault is not None:
                faults[worker] = fault
        for worker in faults:
            self._settle(worker)
        return faults

    def _settle(self, worker: WorkerProcess) -> None:
        """Wait for a worker no longer; its descriptors may stay readable for ever."""
        self._pending.pop(worker, None)
        for descriptor in [d for d, owner in self._owners.items() if owner is worker]:
            self._poll.unregister(descriptor)
            del self._owners[descriptor]

    def _read(self, descriptor: int) -> None:
        if not self._outputs[descriptor].output.read():
            self._poll.unregister(descriptor)
