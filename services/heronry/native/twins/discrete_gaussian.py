"""The exact discrete Gaussian in Python's integers, value by value."""

from typing import Final

from heronry.native.arrays import Indices, Keys
from heronry.native.twins.word_stream import WordStream, add_draws

_MAX_SIGMA: Final = 1 << 24
_MAX_V: Final = 4096


def add_discrete_gaussian(words: Keys, sigma: int, total: Indices) -> tuple[int, int]:
    """Add draws while the words last."""
    if not isinstance(sigma, int) or sigma < 0:
        raise TypeError(f"sigma: {sigma!r}, needed: a whole number")
    if not 1 <= sigma <= _MAX_SIGMA:
        raise ValueError("a sigma outside 1 to 2^24")
    return add_draws(words, total, lambda stream: _discrete_gaussian(stream, sigma))


def _discrete_gaussian(words: WordStream, sigma: int) -> int:
    t = sigma + 1
    while True:
        y = _discrete_laplace(words, t)
        if _bernoulli_exp(words, (abs(y) * t - sigma * sigma) ** 2, 2 * (sigma * t) ** 2):
            return y


def _discrete_laplace(words: WordStream, t: int) -> int:
    while True:
        u = words.below(t)
        if not _bernoulli_exp_of_fraction(words, u, t):
            continue
        v = 0
        while v < _MAX_V and _bernoulli_exp_of_1(words):
            v += 1
        magnitude, is_negative = u + t * v, words.take() >> 63
        if not (is_negative and magnitude == 0):
            return -magnitude if is_negative else magnitude


def _bernoulli_exp(words: WordStream, n: int, d: int) -> bool:
    while n > d:
        if not _bernoulli_exp_of_1(words):
            return False
        n -= d
    return _bernoulli_exp_of_fraction(words, n, d)


def _bernoulli_exp_of_fraction(words: WordStream, n: int, d: int) -> bool:
    k = 1
    while (k == 1 or words.below(k) == 0) and _bernoulli(words, n, d):
        k += 1
    return k % 2 == 1


def _bernoulli_exp_of_1(words: WordStream) -> bool:
    k = 2
    while words.below(k) == 0:
        k += 1
    return k % 2 == 1


def _bernoulli(words: WordStream, n: int, d: int) -> bool:
    while n:
        digit, (quotient, n) = words.take() >> 34, divmod(n << 30, d)
        if digit != quotient:
            return digit < quotient
    return False
