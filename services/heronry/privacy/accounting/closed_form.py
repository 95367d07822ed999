"""Gaussian mechanisms in closed form, with nothing but the standard library: clients account with it too.

Source: Balle and Wang 2018, "Improving the Gaussian Mechanism for Differential Privacy", Theorem 8. Gaussians compose
to a Gaussian, `z^-2 = sum_i z_i^-2` (Dong, Roth and Su 2019, Corollary 3.3): the result is exact, no bound is tighter.
"""

import math
from collections.abc import Callable
from typing import Final

from heronry.types.errors import InvalidArgumentError

_MOST_HALVINGS: Final = 200
# Below it the tail is taken from its series, whose relative error there is under 1e-12.
_SERIES_BELOW: Final = -30.0


def gaussian_epsilon(noise_multiplier: float, num_releases: int, delta: float) -> float:
    """Return the epsilon at `delta` of `num_releases` Gaussian releases; rounded upwards.

    Args:
      noise_multiplier: standard deviation of the noise over the L2 sensitivity; above 0.
      num_releases: of the same data; at least 1.
      delta: between 0 and 1, exclusive.
    """
    _check(noise_multiplier=noise_multiplier, num_releases=num_releases)
    _check_delta(delta)
    sigma = noise_multiplier / math.sqrt(num_releases)
    log_delta = math.log(delta)
    if log_delta_of(sigma, 0.0) <= log_delta:
        return 0.0
    high = 1.0
    while log_delta_of(sigma, high) > log_delta:
        high *= 2
    return _least(lambda epsilon: log_delta_of(sigma, epsilon) <= log_delta, 0.0, high)


def gaussian_noise_multiplier(epsilon: float, num_releases: int, delta: float) -> float:
    """Return the least noise multiplier by which `num_releases` Gaussian releases spend at most `epsilon` at `delta`.

    The classic `sqrt(2 ln(1.25 / delta)) / epsilon` wastes 30 % at epsilon 1 and is unsound above it.
    """
    _check(epsilon=epsilon, num_releases=num_releases)
    _check_delta(delta)
    log_delta = math.log(delta)
    low, high = 1.0, 1.0
    while log_delta_of(low, epsilon) <= log_delta:
        low /= 2
    while log_delta_of(high, epsilon) > log_delta:
        high *= 2
    sigma = _least(lambda sigma: log_delta_of(sigma, epsilon) <= log_delta, low, high)
    return sigma * math.sqrt(num_releases)


def log_delta_of(sigma: float, epsilon: float) -> float:
    """Return the logarithm of the least delta of a Gaussian mechanism of sensitivity 1.

    `delta = Phi(1 / (2 sigma) - epsilon sigma) - e^epsilon Phi(-1 / (2 sigma) - epsilon sigma)`.
    """
    first = _log_normal_cdf(1 / (2 * sigma) - epsilon * sigma)
    second = epsilon + _log_normal_cdf(-1 / (2 * sigma) - epsilon * sigma)
    # Rounding can turn the two around where delta is nothing.
    return first + math.log1p(-math.exp(second - first)) if second < first else -math.inf


def _log_normal_cdf(x: float) -> float:
    if x > _SERIES_BELOW:
        return math.log(math.erfc(-x / math.sqrt(2)) / 2)
    inverse = 1 / (x * x)
    series = inverse * (-1 + inverse * (3 + inverse * (-15 + inverse * 105)))
    return -x * x / 2 - math.log(-x * math.sqrt(2 * math.pi)) + math.log1p(series)


def _least(is_enough: Callable[[float], bool], low: float, high: float) -> float:
    """Return the least value that is enough, from above; `high` is."""
    for _ in range(_MOST_HALVINGS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _check(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise InvalidArgumentError.of(name, value, "above 0, finite")


def _check_delta(delta: float) -> None:
    if not 0 < delta < 1:
        raise InvalidArgumentError.of("delta", delta, "between 0 and 1, exclusive")
