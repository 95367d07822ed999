"""The workers of one fleet: started, asked all at once, begun anew where one fails."""

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

import numpy as np
import numpy.typing as npt

from heronry.environments.isolated import messages
from heronry.environments.isolated.exchange import Phase
from heronry.environments.isolated.failures import Failures, printed
from heronry.environments.isolated.history import LaneHistory
from heronry.environments.isolated.messages import Fault, Hello, StartRequest
from heronry.environments.isolated.process import WorkerProcess
from heronry.environments.isolated.resident import resident_mb
from heronry.environments.isolated.waiting import Patience, Waiting
from heronry.environments.restart_budget import RestartBudget
from heronry.environments.settings import EnvironmentSettings
from heronry.types import errors
from heronry.types.errors import EnvironmentFaultError, HeronryError
from heronry.types.run import EnvironmentFailure

_ENDING_S: Final = 2.0
_MEMORY_PERIOD_S: Final = 1.0

# A line that a worker has printed, after the name of the worker.
Tell = Callable[[str, str], None]


class Crew:
    """Workers in the order of their lanes; owned by one thread.

    Args:
      settings: what they host.
      shares: lanes of each.
      tell: gets what the workers print.
      restarts: that others share; None: those of the settings.
      with_pictures: whether their environments are to draw.

    Attributes:
      failures: what has failed.
      history: of the lanes.
      hello: what all workers said of their spaces.
    """

    def __init__(
        self,
        settings: EnvironmentSettings,
        shares: Sequence[int],
        tell: Tell,
        restarts: RestartBudget | None = None,
        *,
        with_pictures: bool = False,
    ) -> None:
        """Start the workers.

        Raises:
          EnvironmentFaultError: one cannot make its environments; where it names an error, that one.
        """
        self._settings = settings
        self._with_pictures = with_pictures
        self._tell = tell
        self._patience = Patience(settings.step_timeout_s, settings.reset_timeout_s)
        self._memory_due_s = 0.0
        self.failures = Failures(settings.id, restarts or RestartBudget(settings.max_restarts))
        self.history = LaneHistory(sum(shares))
        self.workers: list[WorkerProcess] = []
        try:
            for position, num_lanes in enumerate(shares):
                self.workers.append(self._start(sum(shares[:position]), num_lanes, epoch=0))
            self.hello = self._greet_all()
        except BaseException:
            self.kill()
            raise

    def ask(self, message: bytes) -> dict[WorkerProcess, Fault]:
        """Have all workers do the same at once; return the faults of those that failed."""
        for worker in self.workers:
            worker.tell(message)
        answers = Waiting(self.workers).gather(WorkerProcess.hear, self._patience)
        return {w: a for w, a in answers.items() if isinstance(a, Fault)}

    def replace(self, position: int, fault: Fault) -> WorkerProcess:
        """Take a worker's fault down and return its successor, which has begun new episodes.

        Raises:
          EnvironmentFaultError: the restarts are spent.
        """
        while True:
            self._record(self.workers[position], fault)
            outcome = self._begin_anew(position)
            if outcome is None:
                return self.workers[position]
            fault = outcome

    def spare_memory(self, position: int) -> WorkerProcess | None:
        """Replace a worker whose episode has just ended if it takes too much memory; return the successor.

        Raises:
          EnvironmentFaultError: the successor failed, and the restarts are spent.
        """
        limit = self._settings.max_memory_mb
        if limit is None or resident_mb(self.workers[position].pid) <= limit:
            return None
        fault = self._begin_anew(position)
        return self.workers[position] if fault is None else self.replace(position, fault)

    def picture(self, worker: WorkerProcess, lane: int) -> npt.NDArray[np.uint8] | Fault:
        """Return a picture of one of a worker's lanes; a worker that gives none in time is ended."""
        worker.tell(messages.RENDER + str(lane).encode())
        picture = Waiting([worker]).gather(WorkerProcess.hear_picture, self._patience)[worker]
        if isinstance(picture, Fault) and not picture.error:
            # It may yet answer: the next step finds it ended, and begins it anew.
            worker.end()
        return picture

    def is_memory_due(self) -> bool:
        """Whether to look at memory again; looking costs more than a step."""
        now = time.monotonic()
        if self._settings.max_memory_mb is None or now < self._memory_due_s:
            return False
        self._memory_due_s = now + _MEMORY_PERIOD_S
        return True

    def close(self) -> None:
        """End the workers: politely, and after 2 s not."""
        for worker in self.workers:
            worker.tell(messages.CLOSE)
        if self.workers:
            Waiting(self.workers).gather_ends(_ENDING_S)
        self.kill()

    def kill(self) -> None:
        """End the workers at once."""
        while self.workers:
            self.workers.pop().kill()

    def raise_fault(self, worker: WorkerProcess, fault: Fault) -> NoReturn:
        """Raise a fault by the name of the error that it was in the worker.

        Raises:
          HeronryError: always.
        """
        kind = getattr(errors, fault.error, None)
        if isinstance(kind, type) and issubclass(kind, HeronryError) and kind is not EnvironmentFaultError:
            raise kind(fault.reason, details=fault.details)
        failure = self._failure(worker, fault)
        raise EnvironmentFaultError.of(
            self._settings.id,
            f"{fault.reason}{printed(worker.output.last_lines)}",
            index=failure.environment_index,
            seed=failure.seed,
            episode=self._episode(failure),
            step=failure.step,
        )

    def _start(self, first_lane: int, num_lanes: int, epoch: int) -> WorkerProcess:
        folder = tempfile.mkdtemp(prefix="heronry-simulators-") if self._settings.command else ""
        request = StartRequest(self._settings, first_lane, num_lanes, epoch, folder, self._with_pictures)
        first = self._settings.first_index + first_lane
        name = f"environments {first}-{first + num_lanes - 1}" if num_lanes > 1 else f"environment {first}"
        try:
            return WorkerProcess(request, lambda line: self._tell(name, line))
        except BaseException:
            if folder:
                shutil.rmtree(folder, ignore_errors=True)
            raise

    def _greet_all(self) -> Hello:
        """Return what all workers say of their spaces."""
        answers = Waiting(self.workers).gather(WorkerProcess.hear, self._patience)
        hellos = []
        for worker in self.workers:
            answer = answers[worker]
            if isinstance(answer, Fault):
                worker.output.drain()
                self.raise_fault(worker, answer)
            hellos.append(Hello.decode(answer))
            worker.greet(hellos[-1])
            if (fault := _changed(hellos[0], hellos[-1])) is not None:
                self.raise_fault(worker, fault)
        return hellos[0]

    def _begin_anew(self, position: int) -> Fault | None:
        """Put a new worker in another's place and reset it; return its fault if it has one."""
        old = self.workers[position]
        old.kill()
        self.failures.num_restarts += 1
        asked = old.request
        worker = self.workers[position] = self._start(asked.first_lane, asked.num_lanes, asked.epoch + 1)
        seeds = self.history.begin_anew(worker.lanes, worker.request.epoch)
        answer = Waiting([worker]).gather(WorkerProcess.hear, self._patience)[worker]
        if isinstance(answer, Fault):
            return answer
        hello = Hello.decode(answer)
        worker.greet(hello)
        if (fault := _changed(self.hello, hello)) is not None:
            return fault
        worker.exchange.seeds[:] = seeds
        worker.tell(messages.RESET)
        answer = Waiting([worker]).gather(WorkerProcess.hear, self._patience)[worker]
        return answer if isinstance(answer, Fault) else None

    def _record(self, worker: WorkerProcess, fault: Fault) -> None:
        worker.output.drain()
        failure = self._failure(worker, fault)
        self.failures.record(failure, self._episode(failure), worker.output.last_lines)

    def _episode(self, failure: EnvironmentFailure) -> int:
        return self.history.episode(failure.environment_index - self._settings.first_index)

    def _failure(self, worker: WorkerProcess, fault: Fault) -> EnvironmentFailure:
        asked = worker.request
        lane = asked.first_lane + max(fault.lane, 0)
        reason = fault.reason
        if fault.lane < 0 and asked.num_lanes > 1:
            first = self._settings.first_index + asked.first_lane
            reason += f" (one of environments {first} to {first + asked.num_lanes - 1})"
        is_stepping = worker.progress.phase in (Phase.IDLE, Phase.STEPPING, Phase.STEPPING_OR_RESETTING)
        step = self.history.steps(lane) + 1 if is_stepping else 0
        return EnvironmentFailure(self._settings.first_index + lane, self.history.seed(lane), step, reason)


def _changed(first: Hello, now: Hello) -> Fault | None:
    """Return the fault of spaces that are not what they were."""
    for field in ("observation_space", "action_space"):
        before, after = getattr(first, field), getattr(now, field)
        if before != after:
            return Fault(f"its {field} is now {after}, it was {before}")
    return None
