"""How far behind the newest behaviour version an item lies."""

import numpy as np
import numpy.typing as npt

from heronry.types.version import ParameterVersion


class LagBound:
    """Tells which behaviour versions lie too far behind the newest seen.

    Without a bound none does. With one, a version of an older epoch always does: numbers of different
    epochs do not compare.
    """

    def __init__(self, max_lag: int | None) -> None:
        self._max_lag = max_lag
        self._newest = (0, 0)

    def see(self, version: ParameterVersion) -> None:
        """Take note of a version that acted."""
        self._newest = max(self._newest, (version.epoch, version.number))

    @property
    def is_bound(self) -> bool:
        """Whether there is a bound at all."""
        return self._max_lag is not None

    @property
    def newest(self) -> tuple[int, int]:
        """Epoch and number of the newest version seen; set when a table is recovered."""
        return self._newest

    @newest.setter
    def newest(self, newest: tuple[int, int]) -> None:
        self._newest = newest

    def is_lagging(self, epochs: npt.NDArray[np.uint64], numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Return for each version whether it lies too far behind."""
        if self._max_lag is None:
            return np.zeros(len(epochs), np.bool_)
        epoch, number = self._newest
        oldest = max(0, number - self._max_lag)
        return np.asarray((epochs < epoch) | ((epochs == epoch) & (numbers < oldest)))
