"""CartPole through the fleet service into replay over gRPC: service processes of their own on this machine.

Floor: 60 bytes of columns a step go through one stream once; the fleet computes what the in-process row shows.
"""

import asyncio
from collections.abc import Iterator
from functools import partial

from heronry.bench.fleet.mesh import rate_of, running
from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.rows import Row

_WINDOW_S = 4.0
_NUM_REPEATS = 3
_CASE = "fleet.service.cartpole.256"
_LANES = {"num_envs": 256, "unroll_length": 64}


def service(peers: Peers, goal: float) -> Iterator[Row]:
    """Yield steps a second that reach the table."""
    del peers
    rates = asyncio.run(_rates())
    yield Row.of(_CASE, rates, "steps/s", "higher", goal=goal, settings={**_LANES, "acknowledgement": "memory"})


async def _rates() -> list[float]:
    async with running({"id": "CartPole-v1"}, _LANES) as mesh:
        return [await rate_of(mesh, _WINDOW_S) for _ in range(_NUM_REPEATS)]


SERVICE_MEASUREMENTS = (Measurement((_CASE,), partial(service, goal=500e3), 5 + _WINDOW_S * _NUM_REPEATS),)
