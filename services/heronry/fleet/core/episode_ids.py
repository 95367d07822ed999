"""Numbers the episodes of N lanes."""

import numpy as np
import numpy.typing as npt

_Bools = npt.NDArray[np.bool_]
_Indices = npt.NDArray[np.int64]


class EpisodeIds:
    """Gives every row the number of its episode, `ordinal * N + lane`: unique in a fleet and start."""

    def __init__(self, num_lanes: int) -> None:
        self._stride = num_lanes
        self._next: _Indices = np.arange(num_lanes, dtype=np.int64)

    def cut(self, lost: _Bools) -> None:
        """Count an episode that was given up between two unrolls where `lost` `[N]` is set."""
        self._next = self._next + self._stride * lost

    def next(self, ended: _Bools) -> _Indices:
        """Return the numbers of an unroll `[T, N]`: the row after one that `ended` `[T, N]` is the next episode's."""
        num_ended: _Indices = np.cumsum(ended, axis=0, dtype=np.int64)
        ids = self._next + self._stride * (num_ended - ended)
        self._next = self._next + self._stride * num_ended[-1]
        return ids
