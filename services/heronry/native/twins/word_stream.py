"""Words of a stream one by one, for samplers that need now more, now fewer of them."""

from collections.abc import Callable

import numpy as np

from heronry.native.arrays import Indices, Keys
from heronry.native.twins.arguments import require, require_lengths


class StreamIsDryError(Exception):
    """The words do not suffice for the value begun."""


class WordStream:
    """Hands out words in their order."""

    def __init__(self, words: Keys) -> None:
        self._words = words.tolist()
        self.num_taken = 0

    def take(self) -> int:
        """Return the next word."""
        if self.num_taken == len(self._words):
            raise StreamIsDryError
        self.num_taken += 1
        return int(self._words[self.num_taken - 1])

    def below(self, bound: int) -> int:
        """Return one of 0 to bound - 1, each exactly as likely (Lemire 2019)."""
        surplus = (1 << 64) % bound
        while True:
            product = self.take() * bound
            if product % (1 << 64) >= surplus:
                return product >> 64


def add_draws(words: Keys, total: Indices, draw: Callable[[WordStream], int]) -> tuple[int, int]:
    """Add a draw to each element while the words last; returns the numbers of values and of words they took."""
    require(words=(words, np.uint64), total=(total, np.int64))
    require_lengths(len(words), words=words)
    require_lengths(len(total), total=total)
    stream, num_words = WordStream(words), 0
    for i in range(len(total)):
        try:
            total[i] += draw(stream)
        except StreamIsDryError:
            return i, num_words
        num_words = stream.num_taken
    return len(total), num_words
