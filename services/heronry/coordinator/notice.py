"""What one observer of a run says in its status."""

from heronry.coordinator.coordination import Coordination
from heronry.coordinator.core.run import Run
from heronry.types.run import RunState


class Notice:
    """Tells while the run goes on; takes back what it has said itself, and nothing that others have."""

    def __init__(self, coordination: Coordination, run: Run) -> None:
        self._coordination = coordination
        self._run = run
        self._told = ""

    def tell(self, message: str) -> None:
        """Say a message, again where it was wiped out; an empty one takes the last one back."""
        before, self._told = self._told, message
        now = self._run.message
        is_due = (message != before or not now) if message else bool(before) and now == before
        if is_due and self._run.state is RunState.RUNNING:
            self._coordination.note(self._run, message)
