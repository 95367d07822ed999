"""Where a lane's items begin."""

import numpy as np
import numpy.typing as npt

from heronry.types.patterns import Pattern


class Windows:
    """Cuts a run of steps into windows of `num_steps`, one every `period` steps.

    Blocks are of no account to a window, and neither are episodes: columns tell the learner where one
    ended. The lanes that a writer writes side by side share their windows.
    """

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self._next_start = 0

    @property
    def next_start(self) -> int:
        """First step of the next window: earlier steps are of no use to windows to come."""
        return self._next_start

    def complete(self, end: int) -> npt.NDArray[np.int64]:
        """Return the first steps of the windows that end at or before step `end`, each once."""
        num_steps, period = self._pattern.num_steps, self._pattern.period
        if self._next_start + num_steps > end:
            return np.zeros(0, np.int64)
        starts = np.arange(self._next_start, end - num_steps + 1, period)
        self._next_start = int(starts[-1]) + period
        return starts

    def cut(self, step: int) -> None:
        """Drop the windows begun before `step`; the next one begins there."""
        self._next_start = step
