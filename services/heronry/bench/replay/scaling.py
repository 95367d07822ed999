"""How the cost of a sample grows with the table."""

import math
from collections.abc import Iterator

from heronry.bench.peers import Peers
from heronry.bench.replay.load import Load
from heronry.bench.replay.rates import NUM_WINDOWS, WARM_UP_S
from heronry.bench.replay.rig import Rig
from heronry.bench.rows import Row

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
SCALING_CASES = ("replay.scaling.sample_10k_to_10m",)


def sample_cost(peers: Peers) -> Iterator[Row]:
    """Yield the server's CPU time of a prioritised sample at the largest size by that at the smallest.

    The goal is the ratio of the sizes' logarithms.
    """
    del peers
    costs: dict[int, list[float]] = {}
    for size in SIZES:
        with Rig(1) as rig:
            rig.create_table("bench", payload="small", items="transition", max_size=size, sampler="prioritized")
            load = Load("sample", "bench", credits=8)
            rig.fill(load, size)
            rig.prepare(load)
            rig.figures(WARM_UP_S)
            costs[size] = [rig.figures().server_cpu_us for _ in range(NUM_WINDOWS)]
    ratios = [large / small for small, large in zip(costs[SIZES[0]], costs[SIZES[-1]], strict=True)]
    goal = math.log(SIZES[-1]) / math.log(SIZES[0])
    settings = {f"server_us_at_{size}": min(values) for size, values in costs.items()}
    yield Row.of(SCALING_CASES[0], ratios, "times", "lower", goal=goal, settings=settings)
