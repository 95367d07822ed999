"""The least noise by which a run stays within an epsilon."""

import functools
import importlib
import math
from collections.abc import Callable
from typing import Final

from heronry.privacy.accounting.accountant import Accountant
from heronry.privacy.accounting.mechanism import Mechanism
from heronry.privacy.accounting.one_steps import OneSteps
from heronry.types.errors import ConfigurationError
from heronry.types.privacy import NeighbourRelation

# Logarithms: noise is looked for from a thousandth to ten million.
_SMALLEST: Final = math.log(1e-3)
_LARGEST: Final = math.log(1e7)
# Above it accountants differ by more than anyone plans for, and distributions grow large.
LARGEST_TARGET: Final = 100.0
_TOLERANCE: Final = 1e-5
_ROUGH: Final = 1e-2
_DIGITS: Final = 6
_STEP: Final = 0.2


def least_noise_multiplier(mechanism: Mechanism, relation: NeighbourRelation, epsilon: float, delta: float) -> float:
    """Return the least noise multiplier that spends at most `epsilon`, rounded up to six digits.

    A rough figure says where to look; the smallest sound bound decides.

    Raises:
      ConfigurationError: no noise in reach does it.
    """
    steps = OneSteps(relation)

    @functools.cache  # a distribution takes seconds
    def exact(noise_multiplier: float) -> float:
        return _composed(mechanism, noise_multiplier, steps).epsilon(delta).epsilon

    def rough(noise_multiplier: float) -> float:
        return _composed(mechanism, noise_multiplier, steps).rough_epsilon(delta)

    return _rounded_up(exact, epsilon, _root(exact, epsilon, _root(rough, epsilon, 1.0, _ROUGH), _TOLERANCE))


def _composed(mechanism: Mechanism, noise_multiplier: float, steps: OneSteps) -> Accountant:
    accountant = Accountant(steps.relation, steps)
    accountant.compose(mechanism.event(noise_multiplier))
    return accountant


def _root(epsilon_of: Callable[[float], float], target: float, start: float, tolerance: float) -> float:
    """Return where a falling function meets the target, in logarithms: it is nearly a line there."""

    @functools.cache  # the search asks for the ends of its bracket again
    def gap(log_noise: float) -> float:
        return math.log(min(max(epsilon_of(math.exp(log_noise)), 1e-12), 1e12) / target)

    low, high = _bracket(gap, math.log(start), target)
    if low == high:
        return math.exp(high)
    brentq = importlib.import_module("scipy.optimize").brentq
    return math.exp(brentq(gap, low, high, xtol=tolerance))


def _bracket(gap: Callable[[float], float], start: float, target: float) -> tuple[float, float]:
    """Return the logarithms of a noise that spends more than the target and of one that does not."""
    low = high = start
    step = _STEP
    while gap(high) > 0:
        low, high, step = high, high + step, step * 2
        if high > _LARGEST:
            raise ConfigurationError.of("target_epsilon", target, f"what noise up to {math.exp(_LARGEST):.3g} reaches")
    if low < high:
        return low, high
    step = _STEP
    while gap(low) <= 0:
        low, high, step = low - step, low, step * 2
        if low < _SMALLEST:
            return high, high
    return low, high


def _rounded_up(epsilon_of: Callable[[float], float], target: float, noise_multiplier: float) -> float:
    """Return a number of few digits, from above, that spends no more than the target for sure."""
    unit = 10.0 ** (math.floor(math.log10(noise_multiplier)) + 1 - _DIGITS)
    steps = math.ceil(noise_multiplier / unit)
    for extra in (0, 1, 3, 10, 30, 100):
        rounded = float(f"{(steps + extra) * unit:.{_DIGITS}g}")
        if epsilon_of(rounded) <= target:
            return rounded
    raise ConfigurationError.of("target_epsilon", target, "what the accountants settle on")
