"""EnvPool's environments through the fleet service, beside EnvPool alone with random actions.

The policy costs a core what it costs: Pong's network here is a small convolution, HalfCheetah's an MLP 64-64.
"""

import asyncio
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from heronry.bench.fleet.engines import pool_turn
from heronry.bench.fleet.mesh import rate_of, running
from heronry.bench.fleet.turns import rate
from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.rows import Row

_WINDOW_S = 4.0
_NUM_REPEATS = 3
_UNROLL = 64
_GOAL = 0.85
"""Of EnvPool alone."""


@dataclass(frozen=True)
class PoolCase:
    """A task of EnvPool."""

    key: str
    name: str
    num_lanes: int = 16

    @property
    def case(self) -> str:
        """The row."""
        return f"fleet.envpool.{self.key}"


CASES = (PoolCase("pong.16", "Pong-v5"), PoolCase("half_cheetah.16", "HalfCheetah-v4"))


def pool(peers: Peers, case: PoolCase) -> Iterator[Row]:
    """Yield steps a second of both, in turn: EnvPool alone before and after each window of the service."""
    del peers
    turn = pool_turn(case.name, case.num_lanes)
    if turn is None:
        return
    alone, through = [], []
    for _ in range(_NUM_REPEATS):
        alone.append(rate(turn, _WINDOW_S))
        through.append(asyncio.run(_through(case)))
    reference = statistics.median(alone)
    settings: dict[str, object] = {"lanes": case.num_lanes, "unroll_length": _UNROLL, "goal_ratio": _GOAL}
    yield Row.of(
        case.case,
        through,
        "steps/s",
        "higher",
        goal=_GOAL * reference,
        settings=settings,
        reference="EnvPool alone, random actions",
        reference_value=reference,
    )


async def _through(case: PoolCase) -> float:
    environment = {"id": case.name, "engine": "envpool"}
    async with running(environment, {"num_envs": case.num_lanes, "unroll_length": _UNROLL}) as mesh:
        return await rate_of(mesh, _WINDOW_S)


POOL_MEASUREMENTS = tuple(
    Measurement((case.case,), partial(pool, case=case), _NUM_REPEATS * (2 * _WINDOW_S + 6)) for case in CASES
)
