"""A continuous test that noise has the spread and the shape it should have."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from heronry.types.errors import InvalidArgumentError
from heronry.types.field_checks import finite_number

_MIN_SIGMA_STEPS: Final = 16.0


class NoiseSelfTest:
    """Watches the noise of each release: its spread by a chi-square test, its shape by one of Kolmogorov and Smirnov.

    The test of spread finds a standard deviation that is off by about 3 % or more in a sample of 65,536. A sample
    takes about 12 ms whatever the length of the vector. Not safe for use by several threads.

    Only `num_observed` and `num_alarms` may be shown outside: `ratio` and `p_value` are functions of secret noise, and
    told exactly they tell something about the sum under it. An alarm of sound noise is as rare as `false_alarm_rate`,
    so that showing it changes a claim's delta by no more than that for each release.

    Source: Massart 1990 bounds the second test's false alarms at any length and for integers, too.
    """

    def __init__(self, *, false_alarm_rate: float = 1e-12, num_sampled: int = 65_536) -> None:
        """Start without alarms.

        Args:
          false_alarm_rate: of one observation, both tests together; above 0, below 1.
          num_sampled: the most elements looked at.
        """
        self._threshold = finite_number("false_alarm_rate", false_alarm_rate, lambda p: 0 < p < 1, "0 to 1, open") / 2
        self._num_sampled = num_sampled
        self._num_observed = 0
        self._num_alarms = 0
        self._ratio = math.nan
        self._p_values = (1.0, 1.0)

    def observe(self, noise_in_steps: npt.NDArray[np.int64], sigma_steps: float) -> None:
        """Test one release's noise.

        Args:
          noise_in_steps: [P], on the grid; a total before the first contribution.
          sigma_steps: the standard deviation it should have, at least 16: below that the kinds of noise differ.

        Raises:
          InvalidArgumentError: no element, or a standard deviation too small.
        """
        sigma = finite_number("sigma_steps", sigma_steps, lambda s: s >= _MIN_SIGMA_STEPS, "at least 16")
        if not len(noise_in_steps):
            raise InvalidArgumentError.of("noise_in_steps", "no element", "at least one element")
        sample = np.sort(self._sample(noise_in_steps).astype(np.float64))
        # Rounding to whole steps adds 1/12 to the variance.
        self._ratio = math.sqrt(float(sample @ sample) / len(sample) / (sigma * sigma + 1 / 12))
        self._p_values = (_spread_p_value(sample, sigma), _shape_p_value(sample, sigma))
        self._num_observed += 1
        self._num_alarms += min(self._p_values) < self._threshold

    def _sample(self, noise: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        # Odd, so that it does not meet the same place of every block or chunk, which are powers of two.
        stride = max(1, len(noise) // self._num_sampled)
        return noise[:: stride - (stride % 2 == 0)][: self._num_sampled]

    @property
    def num_observed(self) -> int:
        """Releases tested."""
        return self._num_observed

    @property
    def num_alarms(self) -> int:
        """Releases whose noise failed a test."""
        return self._num_alarms

    @property
    def ratio(self) -> float:
        """Measured over wanted standard deviation of the last release; NaN before the first. Secret."""
        return self._ratio

    @property
    def spread_p_value(self) -> float:
        """How likely sound noise has a spread so far off, two-sided, in the last release. Secret."""
        return self._p_values[0]

    @property
    def ks_p_value(self) -> float:
        """A bound on how likely sound noise has a shape so far off in the last release. Secret."""
        return self._p_values[1]


def _spread_p_value(sample: npt.NDArray[np.float64], sigma: float) -> float:
    # What was rounded lay within half a step: the least and the largest that its squares can have summed up to.
    magnitudes = np.abs(sample)
    least, largest = (float(((magnitudes + half).clip(0) ** 2).sum()) / sigma**2 for half in (-0.5, 0.5))
    too_large, too_small = special.chdtrc(len(sample), least), special.chdtr(len(sample), largest)
    return min(1.0, 2 * float(min(too_large, too_small)))


def _shape_p_value(ordered: npt.NDArray[np.float64], sigma: float) -> float:
    count = len(ordered)
    up_to = np.searchsorted(ordered, ordered, side="right") / count
    below = np.searchsorted(ordered, ordered, side="left") / count
    # An integer stands for the unit interval about it.
    above = np.abs(special.ndtr((ordered + 0.5) / sigma) - up_to).max()
    under = np.abs(special.ndtr((ordered - 0.5) / sigma) - below).max()
    return min(1.0, 2 * math.exp(-2 * count * float(max(above, under)) ** 2))
