"""Fits the rates of a buffered Toeplitz matrix to a horizon and a pattern of participation.

What is least is RMS error of the prefix sums times sensitivity: the error at equal epsilon. Both are sums of
exponentials, so that a horizon of a million releases costs as much as one of a thousand.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from scipy.optimize import minimize

from heronry.native.arrays import Reals
from heronry.privacy.factorisation.buffered import BufferedToeplitz, prefix_coefficients, residues

# Sums of smooth functions are taken term by term up to here, then by quadrature over growing panels.
_EXACT_TERMS: Final = 64
_PANEL_GROWTH: Final = 1.5
_PANEL_POINTS: Final = 5
# Odds (1 - θ) / θ between which the search begins; the first are over the horizon, as are the least allowed.
_FIRST_ODDS: Final = 3.0
_LAST_ODDS: Final = 1.0
_LEAST_ODDS: Final = 1e-4
_LARGEST_LOG_ODDS: Final = 2.0
# Logarithms of neighbouring odds' ratios less 1: closer ones lose the digits of their residues ...
_LEAST_GAP: Final = -6.0
# ... and all of them together stay below the largest rate.
_LARGEST_GAP: Final = 9.0
_LARGEST_SPAN: Final = 75.0
# Of the forward differences: about the square root of float64's precision.
_STEP: Final = 1.5e-8
# Digits of a rate that are kept: a written strategy is short, and the error is flat around its least.
_DIGITS: Final = 8


@dataclass(frozen=True)
class _Sum:
    """Takes the place of `sum_{s < n} f(s)`: f at `index`, weighed with `weights`."""

    index: Reals
    weights: Reals


@dataclass(frozen=True)
class _Objective:
    """Logarithm of RMS error times sensitivity, twice; for many points at once, [..., 2 buffers].

    Points are free: what they stand for stays between `lowest` and `highest`.
    """

    horizon: int
    num_blocks: int
    separation: int
    releases: _Sum
    blocks: _Sum
    lowest: Reals
    highest: Reals

    def with_gradient(self, point: Reals) -> tuple[float, Reals]:
        """Return the value and its forward differences, of one evaluation of all the points that they need."""
        values = self.at(np.vstack([point, point + _STEP * np.eye(len(point))]))
        return float(values[0]), np.asarray((values[1:] - values[0]) / _STEP)

    def at(self, points: Reals) -> Reals:
        rates, inverse_rates = self.rates_of(points)
        square_error = self._square_error(rates, inverse_rates)
        return np.asarray(np.log(square_error) + np.log(self._square_norm(rates, inverse_rates)))

    def rates_of(self, points: Reals) -> tuple[Reals, Reals]:
        """Return rates and inverse rates, [..., buffers], interlaced whatever the points are."""
        bounded = self.lowest + (self.highest - self.lowest) * (1 + np.tanh(points)) / 2
        factors = np.exp(bounded)
        factors[..., 1:] += 1
        # Odds (1 - θ) / θ may grow by any factor: their rates log(1 + odds) grow by the logarithm of it.
        rates = np.log1p(np.cumprod(factors, axis=-1))
        return rates[..., ::2], rates[..., 1::2]

    def start(self) -> Reals:
        """Return the point whose odds are spread evenly, as logarithms, between the horizon and one release."""
        least = _FIRST_ODDS / self.horizon
        odds = np.geomspace(least, max(_LAST_ODDS, 4 * least), len(self.lowest))
        bounded = np.log(np.concatenate([odds[:1], odds[1:] / odds[:-1] - 1]))
        shares = (bounded - self.lowest) / (self.highest - self.lowest)
        return np.asarray(np.arctanh(np.clip(2 * shares - 1, -0.99, 0.99)))

    def _square_error(self, rates: Reals, inverse_rates: Reals) -> Reals:
        prefix = prefix_coefficients(rates, inverse_rates, self.releases.index)
        shares = 1 - self.releases.index / self.horizon
        return np.asarray(np.sum(prefix * prefix * self.releases.weights * shares, axis=-1))

    def _square_norm(self, rates: Reals, inverse_rates: Reals) -> Reals:
        weights = residues(rates, inverse_rates)
        rest = self.horizon - (self.num_blocks - 1) * self.separation
        last = self._block_norms(rates, weights, np.array([self.num_blocks - 1.0]), rest)[..., 0]
        between = self._block_norms(rates, weights, self.blocks.index, self.separation)
        return np.asarray(last + np.sum(between * self.blocks.weights, axis=-1))

    def _block_norms(self, rates: Reals, weights: Reals, block: Reals, length: int) -> Reals:
        """Return the squared norms of sum_j C[:, j b] over the `length` rows from row `block * b` on."""
        apart = (rates * self.separation)[..., None]
        # A buffer holds a geometric series of all participations up to the block's own, and before it.
        after = np.expm1(-apart * (block + 1)) / np.expm1(-apart)
        before = np.expm1(-apart * block) / np.expm1(-apart)
        first = 1 + np.einsum("...b,...bj->...j", weights * np.exp(-rates * (self.separation - 1)), before)
        pairs = rates[..., None] + rates[..., None, :]
        series = np.expm1(-pairs * (length - 1)) / np.expm1(-pairs)
        products = weights[..., None] * weights[..., None, :] * series
        return np.asarray(first * first + np.einsum("...aj,...ab,...bj->...j", after, products, after))


@lru_cache(maxsize=64)
def fit_buffers(num_buffers: int, horizon: int, max_participations: int, min_separation: int) -> BufferedToeplitz:
    """Return the strategy with `num_buffers` buffers and the least RMS error of the prefix sums at equal epsilon.

    Deterministic on one build of SciPy; a horizon that outlives its process keeps the strategy's document.
    Takes some hundredths of a second; remembered for the life of the process.

    Source: McMahan, Xiao and Zhang 2024, section 4 (the participation's sensitivity is part of what is least).
    """
    separation = min(min_separation, horizon)
    num_blocks = min(max_participations, -(-horizon // separation))
    num_gaps = 2 * num_buffers - 1
    lowest = np.array([np.log(_LEAST_ODDS / horizon)] + [_LEAST_GAP] * num_gaps)
    highest = np.array([_LARGEST_LOG_ODDS] + [min(_LARGEST_GAP, _LARGEST_SPAN / num_gaps)] * num_gaps)
    sums = (_sum_of(horizon), _sum_of(num_blocks - 1))
    objective = _Objective(horizon, num_blocks, separation, *sums, lowest, highest)
    # Not L-BFGS-B: on steps as small as these its threads wait for each other thirty times as long as they work.
    options = {"maxiter": 200, "gtol": 1e-5}
    found = minimize(objective.with_gradient, objective.start(), jac=True, method="BFGS", options=options)
    rates, inverse_rates = objective.rates_of(found.x)
    return BufferedToeplitz(_shortened(rates), _shortened(inverse_rates))


def _shortened(rates: Reals) -> tuple[float, ...]:
    return tuple(float(f"{rate:.{_DIGITS}g}") for rate in rates)


def _sum_of(num_terms: int) -> _Sum:
    exact = np.arange(min(num_terms, _EXACT_TERMS), dtype=np.float64)
    if num_terms <= _EXACT_TERMS:
        return _Sum(exact, np.ones_like(exact))
    points, weights = np.polynomial.legendre.leggauss(_PANEL_POINTS)
    num_panels = int(np.ceil(np.log(num_terms / _EXACT_TERMS) / np.log(_PANEL_GROWTH)))
    # A term stands for the unit interval around its index.
    edges = np.geomspace(_EXACT_TERMS - 0.5, num_terms - 0.5, num_panels + 1)
    halves, middles = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2
    index = np.concatenate([exact, (middles + halves * points).ravel()])
    return _Sum(index, np.concatenate([np.ones_like(exact), (halves * weights).ravel()]))
