"""Returns and lengths of training episodes."""

from collections import deque

import numpy as np
import numpy.typing as npt

from heronry.types.tensors import FloatArray

_Bools = npt.NDArray[np.bool_]


class EpisodeStatistics:
    """Sums rewards of N lanes over blocks and keeps the last `window` episodes."""

    def __init__(self, num_lanes: int, window: int = 100) -> None:
        self.num_episodes = 0
        self._returns: deque[float] = deque(maxlen=window)
        self._lengths: deque[int] = deque(maxlen=window)
        self._open_returns = np.zeros(num_lanes, np.float64)
        self._open_lengths = np.zeros(num_lanes, np.int64)

    @property
    def mean_return(self) -> float:
        """Of the last episodes; 0 before the first has ended."""
        return float(np.mean(self._returns)) if self._returns else 0.0

    @property
    def mean_length(self) -> float:
        """Of the last episodes; 0 before the first has ended."""
        return float(np.mean(self._lengths)) if self._lengths else 0.0

    def cut(self, lanes: _Bools | None = None) -> None:
        """Forget the open episodes of some lanes `[N]`; None: of all."""
        chosen = slice(None) if lanes is None else lanes
        self._open_returns[chosen] = 0.0
        self._open_lengths[chosen] = 0

    def add(self, reward: FloatArray, ended: _Bools, mask: _Bools, given_up: _Bools | None = None) -> None:
        """Count a block `[T, N]`; rows outside `mask` are no steps, episodes that end `given_up` have not finished."""
        finished = np.argwhere(ended & mask)
        if not len(finished):
            self._open_returns += np.where(mask, reward, 0.0).sum(axis=0, dtype=np.float64)
            self._open_lengths += mask.sum(axis=0)
            return
        returns = np.cumsum(np.where(mask, reward, 0.0), axis=0, dtype=np.float64) + self._open_returns
        lengths = np.cumsum(mask, axis=0, dtype=np.int64) + self._open_lengths
        # What each lane's finished episodes took of the running sums.
        spent_return = np.zeros_like(self._open_returns)
        spent_length = np.zeros_like(self._open_lengths)
        for step, lane in finished:
            if given_up is None or not given_up[step, lane]:
                self._returns.append(float(returns[step, lane] - spent_return[lane]))
                self._lengths.append(int(lengths[step, lane] - spent_length[lane]))
                self.num_episodes += 1
            spent_return[lane] = returns[step, lane]
            spent_length[lane] = lengths[step, lane]
        self._open_returns = returns[-1] - spent_return
        self._open_lengths = lengths[-1] - spent_length
