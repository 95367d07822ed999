"""The strategy that a model's settings ask for."""

from typing import Protocol

from heronry.native.arrays import Reals
from heronry.privacy.factorisation.banded import BandedToeplitz
from heronry.privacy.factorisation.buffer_fit import fit_buffers
from heronry.privacy.factorisation.recurrence import Draw, Recurrence
from heronry.privacy.factorisation.tree import TreeAggregation
from heronry.types.privacy import BandedFactorisation, BufferedFactorisation, CorrelatedNoise


class Strategy(Protocol):
    """A strategy matrix C: what its noise does to prefix sums, what a unit does to it, and how it is streamed."""

    def prefix_variances(self, horizon: int) -> Reals:
        """Return the variance of each prefix sum of the noise, [T], for Z of variance 1."""

    def sensitivity(self, horizon: int, max_participations: int, min_separation: int) -> float:
        """Return how far one unit moves `C X`, at most, with contributions of norm 1."""

    def recurrence(self, num_parameters: int, draw: Draw) -> Recurrence:
        """Return the recurrence from release 0; `draw` gives the standard normals of earlier streams again."""


def strategy_of(noise: CorrelatedNoise) -> Strategy:
    """Return the strategy of `noise`, with its parameters fitted."""
    match noise.factorisation:
        case BandedFactorisation(band):
            # Diagonals beyond the horizon have no entry, and would cost a vector each.
            return BandedToeplitz(min(band, noise.horizon))
        case BufferedFactorisation(num_buffers):
            return fit_buffers(num_buffers, noise.horizon, noise.max_participations, noise.min_separation)
        case _:
            return TreeAggregation()


def noise_deviation(noise: CorrelatedNoise, strategy: Strategy) -> float:
    """Return the standard deviation of Z in units of a sum's sensitivity; the horizon then costs GaussianDpEvent(z)."""
    sensitivity = strategy.sensitivity(noise.horizon, noise.max_participations, noise.min_separation)
    return noise.noise_multiplier * sensitivity
