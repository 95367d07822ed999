"""Where the episodes of a writer's lanes end, to tell which items lie in one that goes on."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from heronry.types.columns import Columns

Lanes = npt.NDArray[np.int32]


class LaneEnds:
    """Follows the lanes of one connection; steps count from its first one."""

    def __init__(self, end_columns: Sequence[str], num_lanes: int) -> None:
        self._end_columns = tuple(end_columns)
        self._num_steps = 0
        self._lasts = np.full(num_lanes, -1, np.int64)

    def see(self, columns: Columns, num_steps: int, lane_ends: npt.NDArray[np.bool_] | None) -> Lanes:
        """Take note of a block and return the lanes in which an episode ends."""
        ends = np.zeros((num_steps, len(self._lasts)), np.bool_)
        for path in self._end_columns:
            ends |= columns[path].astype(np.bool_)
        if lane_ends is not None:
            ends[-1] |= lane_ends
        lanes = np.flatnonzero(ends.any(axis=0))
        self._lasts[lanes] = self._num_steps + num_steps - 1 - ends[::-1, lanes].argmax(axis=0)
        self._num_steps += num_steps
        return lanes.astype(np.int32)

    def open_lanes(self, lasts: npt.NDArray[np.int64], lanes: npt.NDArray[np.int64]) -> Lanes:
        """Return the lane of each item that ends at a step of `lasts` behind its lane's last end, otherwise -1."""
        return np.where(lasts > self._lasts[lanes], lanes, -1).astype(np.int32)

    @property
    def num_steps(self) -> int:
        """Steps seen in each lane."""
        return self._num_steps
