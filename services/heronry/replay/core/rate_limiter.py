"""Decides whether a table may insert or sample, and says why when it may not."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from heronry.types.blocking import Waiting
from heronry.types.tables import RateLimiter


@dataclass
class Limiter:
    """A table's rate limiter: the settings in force and the counters since the last reset.

    `can_sample(n)`: `inserts - deletes >= min_size` and `inserts * spi - samples - n >= min_diff`.
    `can_insert(n)`: `inserts + n - deletes <= min_size` or `(inserts + n) * spi - samples <= max_diff`.

    A change of settings keeps the counters and counts from the next decision on. Deleting back below
    `min_size` stops sampling and frees inserting.

    Source: the formulas of Reverb's rate limiter.
    """

    settings: RateLimiter
    num_inserts: int = 0
    num_samples: int = 0
    num_deletes: int = 0

    @property
    def size(self) -> int:
        """Items that count as present: inserted and not deleted."""
        return self.num_inserts - self.num_deletes

    def can_sample(self, count: int = 1) -> bool:
        """Tell whether `count` samples at once are allowed."""
        return self.size >= self.settings.min_size and self._after_sampling(count) >= self.settings.min_diff

    def can_insert(self, count: int = 1) -> bool:
        """Tell whether `count` inserts at once are allowed."""
        return self.size + count <= self.settings.min_size or self._after_inserting(count) <= self.settings.max_diff

    def samples_allowed(self, limit: int) -> int:
        """Return how many of `limit` samples are allowed one after the other, while nothing is deleted."""
        if limit < 1 or self.size < self.settings.min_size:
            return 0
        headroom = self._after_sampling(0) - self.settings.min_diff
        count = _floor_within(headroom, limit)
        return _last_true(lambda n: self._after_sampling(n) >= self.settings.min_diff, count, limit)

    def inserts_allowed(self, limit: int) -> int:
        """Return how many of `limit` inserts are allowed one after the other, evictions included.

        An eviction only happens above `max_size >= min_size`, where the first clause is false already:
        the allowed inserts are a prefix, the longer one of the two clauses.
        """
        spi = self.settings.samples_per_insert
        headroom = (self.settings.max_diff - self._after_inserting(0)) / spi
        count = _floor_within(headroom, limit)
        by_ratio = _last_true(lambda n: self._after_inserting(n) <= self.settings.max_diff, count, limit)
        return max(0, by_ratio, min(limit, self.settings.min_size - self.size))

    def sample_waiting(self) -> Waiting:
        """Say why one sample is refused, and how many inserts that takes at least."""
        min_size, size = self.settings.min_size, self.size
        if size < min_size:
            return Waiting("sample", "inserts - deletes", size, min_size, needed=min_size - size)
        term = "inserts * samples_per_insert - samples - 1"
        value, bound = self._after_sampling(1), self.settings.min_diff
        needed = max(0, math.ceil((bound - value) / self.settings.samples_per_insert))
        return Waiting("sample", term, value, bound, needed=needed)

    def insert_waiting(self) -> Waiting:
        """Say why one insert is refused, and how many samples that takes at least."""
        term = "(inserts + 1) * samples_per_insert - samples"
        value, bound = self._after_inserting(1), self.settings.max_diff
        return Waiting("insert", term, value, bound, needed=max(0, math.ceil(value - bound)))

    def reset(self) -> None:
        """Zero the counters."""
        self.num_inserts = self.num_samples = self.num_deletes = 0

    def _after_sampling(self, count: int) -> float:
        return self.num_inserts * self.settings.samples_per_insert - self.num_samples - count

    def _after_inserting(self, count: int) -> float:
        return (self.num_inserts + count) * self.settings.samples_per_insert - self.num_samples


def _floor_within(value: float, limit: int) -> int:
    return math.floor(min(max(value, 0.0), float(limit)))


def _last_true(allowed: Callable[[int], bool], count: int, limit: int) -> int:
    """Correct an estimate by rounding of at most a few steps against the exact predicate."""
    while count < limit and allowed(count + 1):
        count += 1
    while count > 0 and not allowed(count):
        count -= 1
    return count
