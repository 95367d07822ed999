"""The square root of the prefix-sum matrix, cut to a band.

Source: Fichtenberger, Henzinger and Upadhyay 2023 (the square root); Kalinin and Lampert 2024 (the band).
"""

from dataclasses import dataclass

import numpy as np

from heronry.native.arrays import Reals
from heronry.privacy.factorisation.recurrence import Draw, LinearRecurrence, Recurrence
from heronry.privacy.factorisation.sensitivity import toeplitz_sensitivity


@dataclass(frozen=True)
class BandedToeplitz:
    """Coefficients of (1 - x)^-1/2, the first `band` of them. A band of 1 is independent noise.

    Attributes:
      band: diagonals of C; `band - 1` vectors are kept. A band of the horizon or more is the whole square root.
    """

    band: int

    def coefficients(self, horizon: int) -> Reals:
        """Return the first column of C, [T]: c_0 = 1, c_j = c_{j-1} (2j - 1) / 2j."""
        index = np.arange(1, min(self.band, horizon))
        column = np.zeros(horizon)
        column[0] = 1.0
        column[1 : self.band] = np.cumprod((2 * index - 1) / (2 * index))
        return column

    def prefix_variances(self, horizon: int) -> Reals:
        """Return the variance of each prefix sum of the noise, [T], for Z of variance 1. O(T band)."""
        prefix = np.cumsum(self._inverse(horizon))
        return np.cumsum(prefix * prefix)

    def sensitivity(self, horizon: int, max_participations: int, min_separation: int) -> float:
        """Return how far one unit moves `C X`, at most, with contributions of norm 1."""
        return toeplitz_sensitivity(self.coefficients(horizon), max_participations, min_separation)

    def recurrence(self, num_parameters: int, draw: Draw) -> Recurrence:
        """Return the recurrence from release 0; `draw` gives the streams again for a replay."""
        return _BandedRecurrence(self, num_parameters, draw)

    def _inverse(self, horizon: int) -> Reals:
        """Return the first column of C^-1, [T]."""
        # 1 / c as a running dot product: the newest d_t comes last, so the coefficients run backwards.
        num_kept = min(self.band, horizon) - 1
        reversed_coefficients = self.coefficients(num_kept + 1)[:0:-1]
        padded = np.zeros(num_kept + horizon)
        padded[num_kept] = 1.0
        for t in range(num_kept + 1, num_kept + horizon):
            padded[t] = -reversed_coefficients @ padded[t - num_kept : t]
        return padded[num_kept:]


class _BandedRecurrence(LinearRecurrence):
    """y_t = z_t - sum_{0 < j < band} c_j y_{t-j}; the last `band - 1` of y in a ring, y_t at t modulo its size."""

    def __init__(self, strategy: BandedToeplitz, num_parameters: int, draw: Draw) -> None:
        super().__init__(strategy.band - 1, num_parameters, draw)
        self._coefficients = [float(c) for c in strategy.coefficients(strategy.band)]

    def _advance(self, z: Reals, vectors: Reals, scratch: Reals) -> None:
        size, t = len(vectors), self.num_releases
        for lag in range(1, min(size, t) + 1):
            np.multiply(vectors[(t - lag) % size], self._coefficients[lag], out=scratch)
            np.subtract(z, scratch, out=z)
        if size:
            vectors[t % size] = z
