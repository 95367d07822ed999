"""Where a lockstep run may begin anew: between two updates, with everything before them saved."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from heronry.types.errors import FailedPreconditionError
from heronry.types.experience import Batch
from heronry.types.run import Barrier


@dataclass(frozen=True)
class BarrierPlan:
    """A barrier every so many updates, and one at the end of the run."""

    every_updates: int
    max_updates: int


class Barriers:
    """The last barrier of one start of a run, and whether the learner stands at it.

    Environments begin anew at every barrier, also where nobody stopped: a run that goes on from one
    does what a run that passed it did.
    """

    def __init__(self, plan: BarrierPlan) -> None:
        self._plan = plan
        self._last: Barrier | None = None
        self._path = Path()
        self._is_here = False
        # Of the segments before and since the last barrier: a batch that comes again comes soon.
        self._learnt: tuple[set[bytes], set[bytes]] = (set(), set())

    @property
    def here(self) -> Barrier | None:
        """The barrier that the learner stands at."""
        return self._last if self._is_here else None

    @property
    def saved(self) -> tuple[Path, int]:
        """The last barrier's checkpoint and updates.

        Raises:
          FailedPreconditionError: there is none yet.
        """
        if self._last is None:
            raise FailedPreconditionError("the lockstep run has not begun yet", retry_after_s=0.2)
        return self._path, self._last.num_updates

    @property
    def num_updates(self) -> int:
        """Updates before the last barrier."""
        return 0 if self._last is None else self._last.num_updates

    @property
    def is_over(self) -> bool:
        """Whether the last barrier is the end of the run."""
        return self._last is not None and self._last.num_updates >= self._plan.max_updates

    def is_due(self, num_updates: int) -> bool:
        """Tell whether there is a barrier after that many updates."""
        return num_updates - self.num_updates >= self._plan.every_updates or num_updates >= self._plan.max_updates

    def reach(self, barrier: Barrier, path: Path) -> None:
        """Stand at a barrier whose checkpoint is `path`."""
        self._last, self._path, self._is_here = barrier, path, True
        self._learnt = self._learnt[1], set()

    def leave(self, batch: Batch) -> bool:
        """Go on with a batch; returns False when it was learnt from before in this start.

        A queue serves a batch again whose reader it has lost sight of before the acknowledgement.
        """
        digest = hashlib.blake2b(batch.keys.tobytes(), digest_size=16).digest()
        before, since = self._learnt
        if digest in before or digest in since:
            return False
        since.add(digest)
        self._is_here = False
        return True
