"""What noise costs, in CPU seconds of this process, beside NumPy's generator, which is not a cryptographic one.

Floor: the keystream alone, 8 bytes a value, and one pass over the sum.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from heronry.bench.measurement import Measurement
from heronry.bench.params.checks import MiscountError
from heronry.bench.peers import Peers
from heronry.bench.rows import Row
from heronry.privacy.noise import NoiseKey, add_discrete_gaussian, add_rounded_normals, add_skellam

_SIGMA_STEPS = 1 << 20
_NUM_REPEATS = 7
_SPREAD_OFF = 0.01
"""Of a million draws' standard deviation: 14 of its own."""
_MILLION = 1_000_000
Integers = npt.NDArray[np.int64]
Draw = Callable[[Integers], None]


@dataclass(frozen=True)
class NoiseCase:
    """Noise of one kind.

    Attributes:
      closes_at: CPU seconds that are the least.
      draw: adds fresh noise of `_SIGMA_STEPS`.
    """

    name: str
    num_values: int
    draw: Draw
    seconds: float
    goal: float | None = None
    closes_at: float | None = None

    @property
    def case(self) -> str:
        """The row."""
        return f"privacy.noise.{self.name}"


def _rounded(total: Integers) -> None:
    add_rounded_normals(NoiseKey.fresh(), 0, float(_SIGMA_STEPS), total)


def _discrete(total: Integers) -> None:
    add_discrete_gaussian(NoiseKey.fresh(), 0, _SIGMA_STEPS, total)


def _skellam(total: Integers) -> None:
    add_skellam(NoiseKey.fresh(), 0, float(_SIGMA_STEPS) ** 2, total)


CASES = (
    NoiseCase("rounded.10m", 10 * _MILLION, _rounded, 4.0, 0.080, 0.130),
    NoiseCase("discrete.1m", _MILLION, _discrete, 2.0),
    NoiseCase("skellam.1m", _MILLION, _skellam, 2.0),
)


def noise(peers: Peers, case: NoiseCase) -> Iterator[Row]:
    """Yield what a vector of noise takes, in turn with NumPy."""
    del peers
    total = np.zeros(case.num_values, np.int64)
    generator = np.random.default_rng(0)
    ours, theirs = [], []
    for _ in range(_NUM_REPEATS + 1):
        total.fill(0)
        ours.append(_cpu_s(case.draw, total))
        _check(total)
        theirs.append(_cpu_s(partial(_numpy, generator), total))
    settings: dict[str, object] = {"values": case.num_values, "threads": 2, "sigma_steps": _SIGMA_STEPS}
    if case.closes_at is not None:
        settings["closes_at"] = case.closes_at
    beside = {"reference": "NumPy's normals, rounded", "reference_value": statistics.median(theirs[1:])}
    yield Row.of(case.case, ours[1:], "CPU s", "lower", goal=case.goal, settings=settings, **beside)


def _numpy(generator: np.random.Generator, total: Integers) -> None:
    values = generator.standard_normal(len(total))
    values *= _SIGMA_STEPS
    total += np.rint(values, out=values).astype(np.int64)


def _cpu_s(draw: Draw, total: Integers) -> float:
    begun = time.process_time()
    draw(total)
    return time.process_time() - begun


def _check(total: Integers) -> None:
    spread = float(np.std(total))
    if not math.isclose(spread, _SIGMA_STEPS, rel_tol=_SPREAD_OFF):
        raise MiscountError(f"noise of standard deviation {spread}, not {_SIGMA_STEPS}")


NOISE_MEASUREMENTS = tuple(Measurement((case.case,), partial(noise, case=case), case.seconds) for case in CASES)
