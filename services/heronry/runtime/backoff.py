"""Pauses between attempts."""

import random


class Backoff:
    """Pauses that double from `first_s` to `last_s`, each drawn between half of it and all of it."""

    def __init__(self, first_s: float = 0.05, last_s: float = 1.0, rng: random.Random | None = None) -> None:
        self._first_s = first_s
        self._last_s = last_s
        self._rng = rng or random.Random()
        self._next_s = first_s

    def next_s(self) -> float:
        """Return the next pause."""
        pause = self._next_s * self._rng.uniform(0.5, 1.0)
        self._next_s = min(2 * self._next_s, self._last_s)
        return pause

    def reset(self) -> None:
        """Begin with the shortest pause again."""
        self._next_s = self._first_s
