"""Where the items of lanes begin and end."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from heronry.types.patterns import EpisodeEnd, Pattern

Steps = npt.NDArray[np.int64]
Ends = npt.NDArray[np.bool_]


class Cut(NamedTuple):
    """K windows, in the order of their last step, then lane, then first step."""

    starts: Steps
    lasts: Steps
    lanes: Steps


class WindowCutter:
    """Cuts the steps of lanes that are written side by side into windows of `num_steps`, one every `period` steps.

    Blocks are of no account to a window. At the end of an episode a lane's windows begin anew with its next
    step; those that are unfinished are shortened there or dropped. Lanes share their windows until one
    of them ends on its own.
    """

    def __init__(self, pattern: Pattern, num_lanes: int) -> None:
        self._pattern = pattern
        self._shortens = pattern.episode_end is EpisodeEnd.SHORTEN
        self._lanes = np.arange(num_lanes)
        self._next = np.zeros(num_lanes, np.int64)
        self._is_aligned = True
        self._last_block = 0

    @property
    def keep_from(self) -> int:
        """First step that a window to come may begin with; of explicit ones those that reach into the last block."""
        if self._pattern.period == 0:
            return max(0, self._last_block - self._pattern.num_steps)
        return int(self._next[0] if self._is_aligned else self._next.min())

    def complete(self, begin: int, end: int, ends: Ends | None) -> Cut:
        """Return the windows that steps `begin` to `end` complete.

        Args:
          begin: the block's first step.
          end: one past its last.
          ends: `[T, N]`, an episode's last step; None: none in the block.
        """
        self._last_block = begin
        if self._pattern.period == 0:
            return Cut(self._lanes[:0], self._lanes[:0], self._lanes[:0])
        if self._is_aligned and (ends is None or not ends.any()):
            return self._cut_aligned(end)
        return self._cut_segments(begin, end, ends)

    def restart(self) -> None:
        """Drop the windows begun; the next step is the first one, 0, of all lanes."""
        self._next[:] = 0
        self._is_aligned = True
        self._last_block = 0

    def _cut_aligned(self, end: int) -> Cut:
        num_steps, period, num_lanes = self._pattern.num_steps, self._pattern.period, len(self._lanes)
        first = int(self._next[0])
        starts = np.arange(first, max(first, end - num_steps + 1), period)
        self._next[:] = first + len(starts) * period
        if num_lanes == 1:
            return Cut(starts, starts + (num_steps - 1), np.zeros(len(starts), np.int64))
        lanes = np.tile(self._lanes, len(starts))
        starts = np.repeat(starts, num_lanes)
        return Cut(starts, starts + (num_steps - 1), lanes)

    def _cut_segments(self, begin: int, end: int, ends: Ends | None) -> Cut:
        """Cut each lane from its next window's start to each end of an episode, and from there to the block's end."""
        num_steps, period = self._pattern.num_steps, self._pattern.period
        lanes, firsts, limits, is_ended = self._segments(begin, end, ends)
        whole = np.maximum(0, (limits - num_steps - firsts) // period + 1)
        counts = whole
        if self._shortens:
            reachable = np.maximum(0, (limits - self._pattern.min_steps - firsts) // period + 1)
            counts = np.where(is_ended, reachable, whole)
        last_of_lane = np.flatnonzero(np.append(lanes[1:] != lanes[:-1], True))
        following = np.where(is_ended, limits, firsts + whole * period)
        self._next[lanes[last_of_lane]] = following[last_of_lane]
        self._is_aligned = bool((self._next == self._next[0]).all())

        segment = np.repeat(np.arange(len(lanes)), counts)
        within = np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts)
        starts = firsts[segment] + within * period
        lasts = np.minimum(starts + num_steps, limits[segment]) - 1
        order = np.lexsort((starts, lanes[segment], lasts))
        return Cut(starts[order], lasts[order], lanes[segment][order])

    def _segments(self, begin: int, end: int, ends: Ends | None) -> tuple[Steps, Steps, Steps, Ends]:
        """Return lane, first start, one past the last step, and whether it ended there, by lane and then time."""
        if ends is None:
            lanes = self._lanes
            return lanes, self._next.copy(), np.full(len(lanes), end), np.zeros(len(lanes), np.bool_)
        ended_lanes, ended_steps = np.nonzero(ends.T)
        lanes = np.concatenate([ended_lanes, self._lanes])
        limits = np.concatenate([begin + ended_steps + 1, np.full(len(self._lanes), end)])
        is_ended = np.arange(len(lanes)) < len(ended_lanes)
        # An episode may end with the block: then the lane's open segment is empty and comes after it.
        order = np.lexsort((~is_ended, limits, lanes))
        lanes, limits, is_ended = lanes[order], limits[order], is_ended[order]
        is_first = np.append(True, lanes[1:] != lanes[:-1])
        firsts = np.where(is_first, self._next[lanes], np.append(0, limits[:-1]))
        return lanes, firsts, limits, is_ended
