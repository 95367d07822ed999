"""Joins runs to episodes, and cuts episodes into runs."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heronry.datasets.episodes import episode_starts
from heronry.types.columns import Columns
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import Run, RunItems
from heronry.types.patterns import EpisodeEnd, Pattern
from heronry.types.tensors import Array

MAX_STEPS = 65_536
_MAX_PENDING_BYTES = 256 << 20
_RUN_BYTES = 1 << 20


@dataclass
class _Open:
    """An episode that goes on: its steps so far, the next one's number, and their bytes."""

    pieces: list[Columns]
    next_step: int
    num_steps: int
    num_bytes: int


class EpisodeJoiner:
    """Joins runs of the same lane, and yields each episode once it has ended; each step once.

    A gap between two runs of a lane ends an episode, as does a length of 65,536 steps. At most 256 MiB are
    pending: the longest open episode is yielded unfinished when there are more.
    """

    def __init__(self, end_columns: tuple[str, ...]) -> None:
        self._end_columns = end_columns
        self._open: dict[int, _Open] = {}
        self._num_bytes = 0

    def add(self, run: Run) -> Iterator[dict[str, Array]]:
        """Take a run; yield the episodes that it completes, `[T, ...]` columns each."""
        known = self._open.get(run.lane)
        skipped = max(0, known.next_step - run.first_step) if known is not None else 0
        if skipped >= run.num_steps:
            return
        if known is not None and run.first_step > known.next_step:
            yield self._ended(run.lane)
        starts = episode_starts(run, self._end_columns)
        borders = sorted({skipped, *(np.flatnonzero(starts[skipped:]) + skipped).tolist(), run.num_steps})
        for start, stop in itertools.pairwise(borders):
            if starts[start] and run.lane in self._open:
                yield self._ended(run.lane)
            yield from self._extended(run, start, stop)

    def finish(self) -> Iterator[dict[str, Array]]:
        """Yield what has not ended."""
        for lane in list(self._open):
            yield self._ended(lane)

    def _extended(self, run: Run, start: int, stop: int) -> Iterator[dict[str, Array]]:
        piece = {path: np.array(values[start:stop]) for path, values in run.columns.items()}
        lane = self._open.setdefault(run.lane, _Open([], 0, 0, 0))
        lane.pieces.append(piece)
        lane.next_step = run.first_step + stop
        lane.num_steps += stop - start
        num_bytes = sum(values.nbytes for values in piece.values())
        lane.num_bytes += num_bytes
        self._num_bytes += num_bytes
        has_ended = any(np.any(piece[name][-1]) for name in self._end_columns if name in piece)
        if has_ended or lane.num_steps >= MAX_STEPS:
            yield self._ended(run.lane)
        while self._num_bytes > _MAX_PENDING_BYTES:
            yield self._ended(max(self._open, key=lambda number: self._open[number].num_bytes))

    def _ended(self, lane: int) -> dict[str, Array]:
        ended = self._open.pop(lane)
        self._num_bytes -= ended.num_bytes
        return {path: np.concatenate([piece[path] for piece in ended.pieces]) for path in ended.pieces[0]}


def items_of_episode(pattern: Pattern, num_steps: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Return first step and length of each item that a table makes of a whole episode.

    Raises:
      InvalidArgumentError: the pattern makes no items: they are the writers' to name.
    """
    if pattern.period == 0:
        raise InvalidArgumentError.of("pattern.period", 0, "at least 1: a dataset of episodes names no items")
    starts = np.arange(0, num_steps, pattern.period)
    lengths = np.minimum(pattern.num_steps, num_steps - starts)
    least = pattern.min_steps if pattern.episode_end is EpisodeEnd.SHORTEN else pattern.num_steps
    made = lengths >= least
    return starts[made].astype(np.uint32), lengths[made].astype(np.uint32)


def runs_of_episode(columns: Mapping[str, Array], pattern: Pattern, lane: int) -> Iterator[Run]:
    """Cut an episode into runs of about 1 MiB, each with the items that begin in it and the history they need."""
    num_steps = len(next(iter(columns.values())))
    starts, lengths = items_of_episode(pattern, num_steps)
    step_bytes = max(1, sum(values.nbytes for values in columns.values()) // num_steps)
    stride = max(1, _RUN_BYTES // step_bytes, pattern.num_steps)
    for begin in range(0, num_steps, stride):
        chosen = (starts >= begin) & (starts < begin + stride)
        if not chosen.any():
            continue
        first = max(0, begin - pattern.max_stack + 1)
        stop = int((starts[chosen] + lengths[chosen]).max())
        yield Run(
            lane=lane,
            first_step=first,
            columns={path: values[first:stop] for path, values in columns.items()},
            items=_fresh_items(starts[chosen] - np.uint32(first), lengths[chosen]),
            history=np.minimum(np.arange(stop - first), 255).astype(np.uint8),
        )


def _fresh_items(starts: npt.NDArray[np.uint32], lengths: npt.NDArray[np.uint32]) -> RunItems:
    none = np.zeros(len(starts), np.uint64)
    return RunItems(starts, lengths, none, np.ones(len(starts)), none.astype(np.uint32), none, none)
