"""How the cost of a sample grows with the table."""

import math
from collections.abc import Iterator
from functools import partial

from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.replay.load import Load
from heronry.bench.replay.rates import NUM_WINDOWS, WARM_UP_S
from heronry.bench.replay.rig import Rig
from heronry.bench.rows import Row

SIZES = (10_000, 1_000_000, 10_000_000)
_SAMPLERS = ("prioritized", "uniform")
_CREDITS = 8
_SECONDS = 30.0


def _case(sampler: str) -> str:
    return f"replay.scaling.{sampler}.sample_10k_to_10m"


def sample_cost(peers: Peers, sampler: str) -> Iterator[Row]:
    """Yield the server's CPU time of a sample at the largest size by that at the smallest, looked at in turn.

    The goal is the ratio of the sizes' logarithms.
    """
    del peers
    costs: dict[int, list[float]] = {size: [] for size in SIZES}
    with Rig(1) as rig:
        for size in SIZES:
            rig.create_table(str(size), payload="small", items="transition", max_size=size, sampler=sampler)
            rig.fill(Load("fill", str(size)), size)
        for _ in range(NUM_WINDOWS):
            for size in SIZES:
                rig.prepare(Load("sample", str(size), credits=_CREDITS))
                rig.figures(WARM_UP_S)
                costs[size].append(rig.figures().server_cpu_us)
    ratios = [large / small for small, large in zip(costs[SIZES[0]], costs[SIZES[-1]], strict=True)]
    goal = math.log(SIZES[-1]) / math.log(SIZES[0])
    settings = {"credits": _CREDITS} | {f"server_us_at_{size}": min(values) for size, values in costs.items()}
    yield Row.of(_case(sampler), ratios, "times", "lower", goal=goal, settings=settings)


SCALING_MEASUREMENTS = tuple(
    Measurement((_case(sampler),), partial(sample_cost, sampler=sampler), _SECONDS) for sampler in _SAMPLERS
)
