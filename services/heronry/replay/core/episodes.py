"""Where episodes end, and how far each lane is into its own."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from heronry.replay.core.patterns import Ends
from heronry.types.patterns import EpisodeEnd, Pattern
from heronry.types.tensors import Array

MAX_HISTORY = 255


class EpisodeClock:
    """Counts, for each step of lanes written side by side, the steps before it in its episode, to 255 at most."""

    def __init__(self, num_lanes: int) -> None:
        self._passed = np.zeros(num_lanes, np.int64)

    def advance(self, num_steps: int, ends: Ends | None) -> npt.NDArray[np.uint8]:
        """Return `[T, N]` counts for the next T steps; `ends` marks episodes' last steps, None: there are none."""
        steps = np.arange(num_steps)[:, None]
        firsts = np.full((num_steps + 1, len(self._passed)), -MAX_HISTORY, np.int64)
        firsts[0] = -self._passed
        if ends is not None:
            firsts[1:][ends] = np.broadcast_to(steps + 1, ends.shape)[ends]
        # What lies before the block is older than any episode that begins in it, and an end follows all before it.
        firsts = np.maximum.accumulate(firsts, axis=0)
        self._passed = np.minimum(num_steps - firsts[-1], MAX_HISTORY)
        return np.asarray(np.minimum(steps - firsts[:-1], MAX_HISTORY), np.uint8)

    def restart(self) -> None:
        """Begin an episode in every lane."""
        self._passed[:] = 0


class EpisodeEnds:
    """Finds the ends of episodes in the blocks of a table."""

    def __init__(self, pattern: Pattern) -> None:
        self._crosses = pattern.episode_end is EpisodeEnd.CROSS
        self._columns = () if self._crosses and pattern.max_stack == 1 else pattern.end_columns

    def find(
        self, columns: Mapping[str, Array], num_steps: int, lane_ends: npt.NDArray[np.bool_] | None
    ) -> tuple[Ends | None, Ends | None]:
        """Return where windows may not go on, and where stacks may not reach back to, `[T, N]`; None: nowhere.

        Ends that a column marks are of no account to windows that cross them; those that the writer told are.
        """
        marked = self._marked(columns)
        told: Ends | None = None
        if lane_ends is not None and lane_ends.any():
            told = np.zeros((num_steps, len(lane_ends)), np.bool_)
            told[-1] = lane_ends
        both = told if marked is None else marked if told is None else marked | told
        return (told if self._crosses else both), both

    def _marked(self, columns: Mapping[str, Array]) -> Ends | None:
        marked: Ends | None = None
        for path in self._columns:
            column = columns[path].astype(np.bool_)
            marked = column if marked is None else marked | column
        return marked if marked is not None and marked.any() else None
