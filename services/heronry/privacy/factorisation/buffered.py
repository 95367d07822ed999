"""Buffered linear Toeplitz matrices: the memory of a few vectors for any horizon.

C's generating function is rational, c(x) = prod_i (1 - θ̂_i x) / (1 - θ_i x). It is held as forgetting rates,
θ = exp(-rate), which keep their precision where θ is close to 1.

Source: McMahan, Xiao and Zhang 2024, "A hassle-free algorithm for strong differential privacy in federated
learning systems"; Dvijotham et al. 2024, "Efficient and near-optimal noise generation for streaming differential
privacy".
"""

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np

from heronry.native.arrays import Reals
from heronry.privacy.factorisation.recurrence import Draw, LinearRecurrence, Recurrence
from heronry.privacy.factorisation.sensitivity import toeplitz_sensitivity
from heronry.types.errors import InvalidArgumentError

# Forgets within one release, as far as float64 can tell; larger ones make residues underflow.
LARGEST_RATE: Final = 80.0


@dataclass(frozen=True)
class BufferedToeplitz:
    """c_0 = 1, c_t = sum_i ω_i θ_i^(t-1).

    Rates that interlace (rate_1 < inverse_1 < rate_2 < inverse_2 ...) give ω > 0 and c_1 = sum_i θ_i - θ̂_i < 1, so
    that C is non-negative and does not increase: what the sensitivity rests on.

    Attributes:
      rates: of C's poles θ.
      inverse_rates: of the poles θ̂ of C^-1; as many.
    """

    rates: tuple[float, ...]
    inverse_rates: tuple[float, ...]

    def __post_init__(self) -> None:
        interlaced = [rate for pair in zip(self.rates, self.inverse_rates, strict=False) for rate in pair]
        rising = [0.0, *interlaced, LARGEST_RATE]
        is_paired = 0 < len(self.rates) == len(self.inverse_rates)
        if not (is_paired and all(a < b for a, b in itertools.pairwise(rising))):
            allowed = f"between 0 and {LARGEST_RATE:g}, rising from rate to inverse rate in turn"
            raise InvalidArgumentError.of("rates", (self.rates, self.inverse_rates), allowed)

    @property
    def num_buffers(self) -> int:
        """Vectors that are kept."""
        return len(self.rates)

    def decays(self) -> Reals:
        """Return θ, [buffers]."""
        return np.asarray(np.exp(-np.array(self.rates)))

    def weights(self) -> Reals:
        """Return ω, [buffers]."""
        return residues(np.array(self.rates), np.array(self.inverse_rates))

    def coefficients(self, horizon: int) -> Reals:
        """Return the first column of C, [T]."""
        return _column(np.array(self.rates), self.weights(), horizon)

    def prefix_variances(self, horizon: int) -> Reals:
        """Return the variance of each prefix sum of the noise, [T], for Z of variance 1."""
        rates, inverse_rates = np.array(self.rates), np.array(self.inverse_rates)
        prefix = prefix_coefficients(rates, inverse_rates, np.arange(horizon, dtype=np.float64))
        return np.cumsum(prefix * prefix)

    def sensitivity(self, horizon: int, max_participations: int, min_separation: int) -> float:
        """Return how far one unit moves `C X`, at most, with contributions of norm 1."""
        return toeplitz_sensitivity(self.coefficients(horizon), max_participations, min_separation)

    def recurrence(self, num_parameters: int, draw: Draw) -> Recurrence:
        """Return the recurrence from release 0; `draw` gives the streams again for a replay."""
        return _BufferedRecurrence(self, num_parameters, draw)


class _BufferedRecurrence(LinearRecurrence):
    """y_t = z_t - sum_i ω_i s_i, then s_i <- θ_i s_i + y_t."""

    def __init__(self, strategy: BufferedToeplitz, num_parameters: int, draw: Draw) -> None:
        super().__init__(strategy.num_buffers, num_parameters, draw)
        self._weights = [float(weight) for weight in strategy.weights()]
        self._decays = [float(decay) for decay in strategy.decays()]

    def _advance(self, z: Reals, vectors: Reals, scratch: Reals) -> None:
        for weight, vector in zip(self._weights, vectors, strict=True):
            np.multiply(vector, weight, out=scratch)
            np.subtract(z, scratch, out=z)
        for decay, vector in zip(self._decays, vectors, strict=True):
            np.multiply(vector, decay, out=vector)
            np.add(vector, z, out=vector)


def residues(rates: Reals, other_rates: Reals) -> Reals:
    """Return ω of prod_i (1 - θ'_i x) / (1 - θ_i x) = 1 + sum_i ω_i x / (1 - θ_i x).

    Args:
      rates: of θ, [..., buffers], all different.
      other_rates: of θ', [..., buffers].
    """
    # Ones on the diagonal, where θ_i - θ_i stands: no factor.
    apart = _decay_differences(rates, rates) + np.eye(rates.shape[-1])
    return np.asarray(np.prod(_decay_differences(rates, other_rates), axis=-1) / np.prod(apart, axis=-1))


def prefix_coefficients(rates: Reals, inverse_rates: Reals, index: Reals) -> Reals:
    """Return the first column of A C^-1 at `index`, [..., len(index)]; A makes prefix sums.

    It is a sum of positive terms only, so that no digits are lost.
    """
    amounts = residues(inverse_rates, rates) / np.expm1(-inverse_rates)
    limit = np.prod(np.expm1(-rates) / np.expm1(-inverse_rates), axis=-1, keepdims=True)
    falling = np.exp(-inverse_rates[..., None] * index)
    return np.asarray(limit + np.einsum("...b,...bt->...t", amounts, falling))


def _decay_differences(rates: Reals, other_rates: Reals) -> Reals:
    """Return exp(-rate_i) - exp(-other_j), [..., buffers, buffers], without cancellation at either end."""
    gaps = other_rates[..., None, :] - rates[..., None]
    nearest_one = np.exp(-np.minimum(other_rates[..., None, :], rates[..., None]))
    return np.asarray(np.sign(gaps) * nearest_one * -np.expm1(-np.abs(gaps)))


def _column(rates: Reals, weights: Reals, horizon: int) -> Reals:
    return np.concatenate([[1.0], weights @ np.exp(-np.outer(rates, np.arange(horizon - 1)))])
