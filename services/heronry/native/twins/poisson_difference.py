"""Differences of Poisson numbers in Python's floats, value by value, in the very operations of the native ones."""

import math
from typing import Final

from heronry.native.arrays import Indices, Keys
from heronry.native.twins.elementary_functions import logarithm_of_one
from heronry.native.twins.word_stream import WordStream, add_draws

_MAX_MEAN: Final = 2.0**39
_HIGHER: Final = 1.01
_FIRST_STIRLING_ERRORS: Final = (
    *(0.0, 0.08106146679532726, 0.0413406959554093, 0.02767792568499834, 0.020790672103765093),
    *(0.016644691189821193, 0.013876128823070748, 0.01189670994589177, 0.010411265261972096, 0.009255462182712733),
    *(0.00833056343336287, 0.007573675487951841, 0.00694284010720953, 0.006408994188004207, 0.0059513701127588475),
    0.00555473355196280,
)


def add_poisson_difference(words: Keys, mean: float, total: Indices) -> tuple[int, int]:
    """Add draws while the words last."""
    if not 0 < mean <= _MAX_MEAN:
        raise ValueError("a mean outside 0 to 2^39")
    draw = _arrivals if mean < 10 else _transformed
    return add_draws(words, total, lambda stream: draw(stream, mean) - draw(stream, mean))


def _arrivals(words: WordStream, mean: float) -> int:
    left, count = mean + logarithm_of_one(_uniform(words)), 0
    while left > 0:
        left += logarithm_of_one(_uniform(words))
        count += 1
    return count


def _transformed(words: WordStream, mean: float) -> int:
    whole = math.floor(mean)
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = _HIGHER * (1.1239 + 1.1328 / (b - 3.4))
    v_r = (0.9177 - 3.6224 / (b - 2.0)) / _HIGHER
    while True:
        u = _uniform(words) - 0.5
        v = _uniform(words)
        u_s = 0.5 - abs(u)
        if u_s < 0.013 and v > u_s:
            continue
        k = math.floor((2.0 * a / u_s + b) * u + (mean - whole) + 0.43) + whole
        if u_s >= 0.07 and v <= v_r:
            return k
        if not 0 <= k <= 1 << 52:
            continue
        if logarithm_of_one(v * inverse_alpha / (a / (u_s * u_s) + b)) <= _log_probability(float(k), mean):
            return k


def _log_probability(k: float, mean: float) -> float:
    if k == 0:
        return -mean
    return -0.5 * logarithm_of_one(6.283185307179586 * k) - _stirling_error(k) - _deviance(k, mean)


def _stirling_error(k: float) -> float:
    if k < len(_FIRST_STIRLING_ERRORS):
        return _FIRST_STIRLING_ERRORS[int(k)]
    square = k * k
    sum_ = 0.0005952380952380953 - 0.0008417508417508417 / square
    for term in (0.0007936507936507937, 0.002777777777777778, 0.08333333333333333):
        sum_ = term - sum_ / square
    return sum_ / k


def _deviance(k: float, mean: float) -> float:
    difference = k - mean
    if abs(difference) >= 0.1 * (k + mean):
        return k * logarithm_of_one(k / mean) - difference
    v = difference / (k + mean)
    sum_, power, i = difference * v, 2.0 * k * v, 3
    while True:
        power *= v * v
        longer = sum_ + power / i
        if longer == sum_:
            return sum_
        sum_, i = longer, i + 2


def _uniform(words: WordStream) -> float:
    return float((words.take() >> 11) + 1) * 2.0**-53
