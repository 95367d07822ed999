"""Random numbers of episodes, one stream a lane; the very bits of the native ones.

Word i is a hash of (seed, episode, i), so that no lane depends on another. Source of the hash: Steele, Lea and Flood
2014, SplitMix64's finaliser.
"""

import numpy as np

from heronry.native.arrays import Indices, Keys, Reals

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


class Random:
    """The streams of N lanes' episodes; every draw is for lanes `which` alone."""

    def __init__(self, num_lanes: int) -> None:
        self._keys = np.zeros(num_lanes, np.uint64)
        self.num_drawn = np.zeros(num_lanes, np.uint64)

    def begin(self, which: Indices, seeds: Keys, episodes: Keys) -> None:
        """Begin the streams of these episodes."""
        self._keys[which] = _mixed(_mixed(seeds + _GOLDEN) + _GOLDEN * (episodes + np.uint64(1)))
        self.num_drawn[which] = 0

    def words(self, which: Indices) -> Keys:
        """Return the next word of each lane."""
        self.num_drawn[which] += np.uint64(1)
        return _mixed(self._keys[which] + _GOLDEN * self.num_drawn[which])

    def uniforms(self, which: Indices, low: float = 0.0, high: float = 1.0) -> Reals:
        """Return numbers of [low, high)."""
        return low + (high - low) * ((self.words(which) >> np.uint64(11)).astype(np.float64) * 2.0**-53)

    def below(self, which: Indices, bound: int) -> Indices:
        """Return numbers of 0 to bound - 1; none is likelier than another by more than bound / 2^32."""
        products = (self.words(which) >> np.uint64(32)) * np.uint64(bound)
        return (products >> np.uint64(32)).astype(np.int64)


def _mixed(z: Keys) -> Keys:
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return z ^ (z >> np.uint64(31))
