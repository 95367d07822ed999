"""Counts and times of central inference."""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np

_NUM_RECENT: Final = 4096
_BATCH_ROWS: Final = tuple(2.0**i for i in range(13))
_LATENCIES_S: Final = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0)


class Histogram:
    """Counts values by bounds; each bound belongs to the bucket below it."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class InferenceFigures:
    """What was done since the run began; written by one thread, read by any."""

    def __init__(self) -> None:
        self.num_steps = 0
        self.num_rows = 0
        self.num_batches = 0
        self.num_repeated = 0
        self.evaluation_time_s = 0.0
        self.batch_rows = Histogram(_BATCH_ROWS)
        self.latencies = Histogram(_LATENCIES_S)
        self._recent_s: deque[float] = deque(maxlen=_NUM_RECENT)

    def add_batch(self, num_rows: int, evaluation_s: float) -> None:
        """Count a batch that was evaluated."""
        self.num_batches += 1
        self.num_rows += num_rows
        self.evaluation_time_s += evaluation_s
        self.batch_rows.add(num_rows)

    def add_step(self, latency_s: float) -> None:
        """Count a step that was answered."""
        self.num_steps += 1
        self.latencies.add(latency_s)
        self._recent_s.append(latency_s)

    def latency_s(self, percent: float) -> float:
        """Return a percentile of the last latencies; 0 before the first."""
        recent = self._recent_s.copy()
        return float(np.percentile(recent, percent)) if recent else 0.0
