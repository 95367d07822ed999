"""What a running run waits for that does not get on."""

from typing import Final

from heronry.coordinator.core.run import Run
from heronry.spec import EXPERIENCE, POLICY
from heronry.types.run import RunState

PATIENCE_S: Final = 5.0
# Of a replay service: for how long a writer has been held back.
INSERT_WAITING: Final = "insert_waiting_s"


class Standstill:
    """Looks at a run now and then; tells what is missing once nothing has changed for a while."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._seen: tuple[object, ...] = ()
        self._since_s = 0.0

    def look(self, run: Run, now_s: float) -> str:
        """Return what the run waits for; empty while it gets on, or where that is not known."""
        seen = (run.state, run.env_steps, run.updates, run.version)
        if seen != self._seen:
            self._seen, self._since_s = seen, now_s
        if run.state is not RunState.RUNNING or now_s - self._since_s < self._patience_s:
            return ""
        return _missing(run)


def _missing(run: Run) -> str:
    whose = "the learner" if run.spec.needs_learner else "a learner, which is your program with algorithm external,"
    if run.version is None:
        return f"waits for {whose} to register model {POLICY!r}"
    if not run.spec.needs_learner and (run.progress.gauge(INSERT_WAITING) or 0.0) > 0.0:
        return f"waits for {whose} to take batches from table {EXPERIENCE!r}"
    return ""
