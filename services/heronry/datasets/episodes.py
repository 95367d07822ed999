"""Where episodes begin and end in runs of steps."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heronry.types.experience import Run
from heronry.types.tables import TableDefinition

_MAX_LANES = 65_536
_USUAL_ENDS = ("terminated", "truncated")


def end_columns_of(definition: TableDefinition) -> tuple[str, ...]:
    """Return the columns that mark an episode's last step: the pattern's, or the usual ones."""
    return definition.pattern.end_columns or _USUAL_ENDS


def episode_starts(run: Run, end_columns: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return for each step whether an episode is known to begin there; the run's first step is left open.

    Where the run tells its history the step that has none is a beginning, otherwise the step after an end.
    """
    starts = np.zeros(run.num_steps, np.bool_)
    if run.history is not None:
        starts[:] = run.history == 0
    for name in end_columns:
        if name in run.columns:
            starts[1:] |= run.columns[name][:-1].astype(np.bool_).reshape(run.num_steps - 1)
    return starts


@dataclass
class _Lane:
    """What is remembered of a lane: its newest step, the episode that is in, and where that began."""

    newest_step: int
    episode: int
    episode_start: int
    has_ended: bool


class EpisodeNumbers:
    """Numbers the episodes of runs as they come, from 0; one that goes on in a later run keeps its number.

    Remembers the lanes seen last, at most 65,536.
    """

    def __init__(self, end_columns: Sequence[str]) -> None:
        self._end_columns = tuple(end_columns)
        self._lanes: OrderedDict[int, _Lane] = OrderedDict()
        self._num_episodes = 0

    def of(self, run: Run) -> npt.NDArray[np.int64]:
        """Return the `[T]` episode numbers of a run's steps."""
        starts = episode_starts(run, self._end_columns)
        first = self._first_number(run, begins=bool(starts[0]) and run.history is not None)
        starts[0] = False
        later = np.cumsum(starts)
        numbers = np.where(later == 0, first, self._num_episodes + later - 1)
        self._num_episodes += int(later[-1])
        self._remember(run, starts, int(numbers[-1]))
        return numbers.astype(np.int64)

    def _first_number(self, run: Run, *, begins: bool) -> int:
        lane = self._lanes.get(run.lane)
        if lane is not None:
            overlaps = lane.episode_start <= run.first_step <= lane.newest_step
            goes_on = run.first_step == lane.newest_step + 1 and not lane.has_ended and not begins
            if overlaps or goes_on:
                return lane.episode
        self._num_episodes += 1
        return self._num_episodes - 1

    def _remember(self, run: Run, starts: npt.NDArray[np.bool_], episode: int) -> None:
        begun = np.flatnonzero(starts)
        newest_step = run.first_step + run.num_steps - 1
        known = self._lanes.pop(run.lane, None)
        is_same = known is not None and known.episode == episode
        first = known.episode_start if known is not None and is_same else run.first_step
        start = run.first_step + int(begun[-1]) if len(begun) else first
        ends = (run.columns[name][-1] for name in self._end_columns if name in run.columns)
        self._lanes[run.lane] = _Lane(newest_step, episode, start, any(bool(np.any(end)) for end in ends))
        if len(self._lanes) > _MAX_LANES:
            self._lanes.popitem(last=False)
