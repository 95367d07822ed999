"""EnvPool's environments through the fleet service, beside EnvPool alone with random actions.

The policies are small, for environments and transport are what is measured: HalfCheetah has an MLP 64-64,
Pong four filters of 8 x 8 and 16 hidden units. A step of Pong sends two pictures, 56 KB.
"""

import asyncio
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from heronry.bench.fleet.engines import pool_turn
from heronry.bench.fleet.mesh import rate_of, running
from heronry.bench.fleet.turns import rate
from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.rows import Row

_WINDOW_S = 5.0
_ALONE_S = 3.0
_NUM_REPEATS = 5
_UNROLL = 64
_GOAL = 0.85
"""Of EnvPool alone."""


@dataclass(frozen=True)
class PoolCase:
    """A task of EnvPool."""

    key: str
    name: str
    network: dict[str, object] = field(default_factory=lambda: {"hidden": [64, 64], "activation": "tanh"})
    num_lanes: int = 16

    @property
    def case(self) -> str:
        """The row."""
        return f"fleet.envpool.{self.key}"


_TINY_CONVOLUTION: dict[str, object] = {
    "convolution": [{"channels": 4, "kernel": 8, "stride": 8}],
    "hidden": [16],
    "activation": "relu",
}
CASES = (PoolCase("pong.16", "Pong-v5", _TINY_CONVOLUTION), PoolCase("half_cheetah.16", "HalfCheetah-v4"))


def pool(peers: Peers, case: PoolCase) -> Iterator[Row]:
    """Yield steps a second of both, in turn: EnvPool alone before and after each window of the service."""
    del peers
    turn = pool_turn(case.name, case.num_lanes)
    if turn is None:
        return
    alone, through = [rate(turn, _ALONE_S)], []
    for _ in range(_NUM_REPEATS):
        through.append(asyncio.run(_through(case)))
        alone.append(rate(turn, _ALONE_S))
    settings: dict[str, object] = {"lanes": case.num_lanes, "unroll_length": _UNROLL, "network": case.network}
    yield Row.of(
        case.case,
        through,
        "steps/s",
        "higher",
        settings=settings,
        reference="EnvPool alone, random actions",
        reference_value=statistics.median(alone),
    )
    # The machine's pace changes by more than the difference: each window is compared with those beside it.
    shares = [2 * ours / (before + after) for ours, before, after in zip(through, alone, alone[1:], strict=False)]
    yield Row.of(f"{case.case}.of_envpool", shares, "of EnvPool alone", "higher", goal=_GOAL, settings=settings)


async def _through(case: PoolCase) -> float:
    environment = {"id": case.name, "engine": "envpool"}
    async with running(environment, {"num_envs": case.num_lanes, "unroll_length": _UNROLL}, case.network) as mesh:
        return await rate_of(mesh, _WINDOW_S)


POOL_MEASUREMENTS = tuple(
    Measurement(
        (case.case, f"{case.case}.of_envpool"), partial(pool, case=case), _NUM_REPEATS * (_WINDOW_S + _ALONE_S + 6)
    )
    for case in CASES
)
