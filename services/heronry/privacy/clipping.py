"""A clipping norm that follows a quantile of the contributions' norms, privately.

Every contribution adds, beside its values, a vote: +1/2 when it was *not* clipped, -1/2 when it was. A unit moves the
sum of votes by 1/2 at most, and an absent one votes 0. The noised sum, over the public denominator, tells which share
stayed whole. A release clips and noises with one and the same norm; the votes change the next one's.

Source: Andrew et al. 2021, "Differentially private learning with adaptive clipping", algorithm 1.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

from heronry.types.privacy import QuantileClipping

# Norms that a clip can take: the range of ordinary float32 numbers.
_LEAST_NORM: Final = 2.0**-126
_LARGEST_NORM: Final = 2.0**127


@dataclass(frozen=True)
class QuantileClip:
    """The clip of one release.

    Attributes:
      settings: what it follows, and how fast.
      norm: at which this release clips, and by which its noise is scaled; above 0, finite.
    """

    settings: QuantileClipping
    norm: float

    @classmethod
    def first(cls, settings: QuantileClipping) -> "QuantileClip":
        """Return the clip of the first release."""
        return cls(settings, min(max(settings.initial_norm, _LEAST_NORM), _LARGEST_NORM))

    def vote(self, contribution_norm: float) -> float:
        """Return what a contribution adds to the count: 1/2 when it stays whole, -1/2 when it is clipped."""
        return 0.5 if contribution_norm <= self.norm else -0.5

    def after(self, noisy_votes: float, denominator: float) -> "QuantileClip":
        """Return the clip of the next release.

        Args:
          noisy_votes: the sum of the votes plus N(0, count_noise^2). The noise is drawn whoever came: with no vote
            at all the share reads as 1/2, and noise.
          denominator: public; never the number that came.
        """
        if not (math.isfinite(noisy_votes) and denominator > 0):
            raise ValueError(f"votes {noisy_votes} over {denominator} (expected finite, over a positive number)")
        share_whole = noisy_votes / denominator + 0.5
        step = self.settings.learning_rate * (share_whole - self.settings.quantile)
        # Bounded as a logarithm: a wild count would overflow the factor.
        log_norm = min(max(math.log(self.norm) - step, math.log(_LEAST_NORM)), math.log(_LARGEST_NORM))
        return replace(self, norm=math.exp(log_norm))


def vector_noise_multiplier(noise_multiplier: float, count_noise: float) -> float:
    """Return the noise multiplier left to the values when the votes take their share: (z^-2 - (2 sigma_b)^-2)^-1/2.

    Values and votes together then cost what one Gaussian of `noise_multiplier` costs. Votes have a sensitivity of 1/2,
    so their own multiplier is twice `count_noise`, which has to be above half of `noise_multiplier`.

    Source: Andrew et al. 2021, theorem 1.
    """
    share = noise_multiplier / (2 * count_noise)
    if not share < 1:
        raise ValueError(f"count noise {count_noise} (expected above {noise_multiplier / 2})")
    return noise_multiplier / math.sqrt((1 - share) * (1 + share))
