"""A process that aggregates contributions by the service's own rules, and by NumPy."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from heronry.bench.params import numpy_rules
from heronry.bench.params.command_loop import run
from heronry.bench.params.models import Floats, tensors_of
from heronry.native import measure
from heronry.params.core.aggregation import Accumulator, Contribution, Difference, accumulator_of, weighted_mean
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import ParameterLayout
from heronry.types.aggregation import Aggregation, AggregationRule, Krum, Median, TrimmedMean, WeightedMean
from heronry.types.tensors import ModelSchema

_SCALE = np.float32(0.01)
_SHIFT = 7919
_GROWTH = 0.01
_TOLERANCE = 1e-6
_POOL_BYTES = 1 << 30
_REFERENCES: dict[str, numpy_rules.Reference] = {
    "weighted_mean": numpy_rules.weighted_mean,
    "median": numpy_rules.median,
    "trimmed_mean": numpy_rules.trimmed_mean,
    "krum": numpy_rules.krum,
}


def rule_of(name: str, num_contributions: int) -> AggregationRule:
    """Return the rule with the figures that the peer has for so many contributions."""
    rules: dict[str, AggregationRule] = {
        "weighted_mean": WeightedMean(),
        "median": Median(),
        "trimmed_mean": TrimmedMean(numpy_rules.NUM_TRIMMED),
        "krum": Krum(num_contributions // numpy_rules.NUM_BYZANTINE_SHARE),
    }
    return rules[name]


class AggregateCommands:
    """Holds the contributions; each command is one aggregation of all of them."""

    def __init__(self) -> None:
        self._rule = ""
        self._vectors: list[Floats] = []
        self._weights: list[float] = []
        self._contributions: list[Contribution] = []
        self._accumulators: dict[str, Accumulator] = {}
        self._expected: Floats = np.empty(0, np.float32)

    async def make(self, rule: str, num_contributions: int, num_floats: int) -> dict[str, float]:
        """Make contributions and measure them, as the service does when they arrive; tell what that took."""
        self._rule = rule
        base = np.random.default_rng(0).standard_normal(num_floats, np.float32) * _SCALE
        # Each longer than the one before: which of them is nearest to its neighbours is no matter of rounding.
        self._vectors = [np.roll(base * np.float32(1 + _GROWTH * i), _SHIFT * i) for i in range(num_contributions)]
        self._weights = [100.0 + i for i in range(num_contributions)]
        begun = time.process_time()
        measured = [measure(vector) for vector in self._vectors]
        measure_cpu_s = time.process_time() - begun
        weights = self._weights if rule == "weighted_mean" else [1.0] * num_contributions
        self._contributions = [
            Contribution(Difference(vector), 1.0, weight, *figures)
            for vector, weight, figures in zip(self._vectors, weights, measured, strict=True)
        ]
        self._expected = _REFERENCES[rule](self._vectors, self._weights)
        return {"measure_cpu_s": measure_cpu_s}

    async def accumulate(self, way: str, folder: str, grid_step: float, max_held_bytes: int) -> dict[str, float]:
        """Count all contributions in the service's accumulator and take the result."""
        if way not in self._accumulators:
            layout = ParameterLayout(ModelSchema.of(tensors_of(self._vectors[0].size)))
            rule = rule_of(self._rule, len(self._vectors))
            aggregation = Aggregation(rule, grid_step, max_held_bytes)
            arguments = (layout, len(self._vectors), BufferPool(_POOL_BYTES), Path(folder))
            self._accumulators[way] = accumulator_of(aggregation, *arguments)
        return self._timed(lambda: self._accumulated(self._accumulators[way]), tolerance=max(grid_step, _TOLERANCE))

    async def one_pass(self) -> dict[str, float]:
        """Take the weighted mean of vectors that are all there, in one pass over them."""
        out = np.empty_like(self._expected)

        def mean() -> Floats:
            weighted_mean(self._vectors, self._weights, out)
            return out

        return self._timed(mean)

    async def numpy(self) -> dict[str, float]:
        """Do the same in NumPy."""
        return self._timed(lambda: _REFERENCES[self._rule](self._vectors, self._weights))

    async def close(self) -> None:
        """Let go of files."""
        for accumulator in self._accumulators.values():
            accumulator.close()

    def _accumulated(self, accumulator: Accumulator) -> Floats:
        newest = self._expected
        accumulator.clear()
        begun = time.perf_counter()
        for contribution in self._contributions:
            accumulator.add(accumulator.prepare(contribution, newest))
        self._adding_s = time.perf_counter() - begun
        mean = accumulator.mean(newest)
        return np.asarray(mean.evaluated(newest, lambda: np.empty_like(self._expected)), np.float32)

    def _timed(self, aggregate: Callable[[], Floats], tolerance: float = _TOLERANCE) -> dict[str, float]:
        self._adding_s = 0.0
        begun, cpu_begun = time.perf_counter(), time.process_time()
        result = aggregate()
        cpu_s, seconds = time.process_time() - cpu_begun, time.perf_counter() - begun
        if not np.allclose(result, self._expected, atol=tolerance):
            raise RuntimeError(f"{self._rule}: another result than NumPy's: no figure")
        return {"seconds": seconds, "cpu_s": cpu_s, "adding_s": self._adding_s}


if __name__ == "__main__":
    run(AggregateCommands())
