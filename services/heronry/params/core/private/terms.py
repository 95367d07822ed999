"""The figures of one release: bound, grid, noise, denominator."""

import math
from dataclasses import dataclass
from typing import Final

# Noise spans about a million steps: rounding adds a thousandth to the sensitivity of 10 M parameters.
_STEPS_A_DEVIATION: Final = 2.0**20


@dataclass(frozen=True)
class ReleaseTerms:
    """What one release is made by; all of it public and fixed before the first contribution is looked at.

    `sum_i rint(w_i * clip(g_i, clipping_norm) / step) + rint(N(0, noise_std^2) / step)`, times `step / denominator`.

    Attributes:
      clipping_norm: L2 bound of one contribution.
      step: width of the integer grid; a power of two.
      sensitivity: L2 bound of what one contribution adds to the sum, its rounding to the grid counted.
      noise_std: standard deviation of the noise on the sum, in the unit of the values.
      denominator: what the sum is divided by; never what arrived.
      max_weight: that weights are divided by.
    """

    clipping_norm: float
    step: float
    sensitivity: float
    noise_std: float
    denominator: float
    max_weight: float

    @classmethod
    def of(
        cls, clipping_norm: float, noise_multiplier: float, num_parameters: int, denominator: float, max_weight: float
    ) -> "ReleaseTerms":
        """Lay the grid and scale the noise to the sensitivity on it.

        Rounding moves each of `P` coordinates by half a step at most: the bound grows by `step sqrt(P) / 2`.
        """
        step = 2.0 ** math.floor(math.log2(noise_multiplier * clipping_norm / _STEPS_A_DEVIATION))
        sensitivity = clipping_norm + step * math.sqrt(num_parameters) / 2
        # The products below are rounded: upwards, as less noise than claimed would be a lie.
        noise_std = math.nextafter(noise_multiplier * sensitivity, math.inf)
        return cls(clipping_norm, step, sensitivity, noise_std, denominator, max_weight)

    @property
    def noise_steps(self) -> float:
        """The noise's standard deviation in steps of the grid."""
        return self.noise_std / self.step
