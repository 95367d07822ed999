"""Environments alone, random actions, one thread.

Floor of CartPole: 36 bytes written a step (two observations, reward, two flags), some 40 operations
without a branch, so that 16 lanes fit an AVX-512 instruction.
"""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from heronry.bench.fleet.engines import gymnasium_turn, minatar_turn, native_turn, pool_turn
from heronry.bench.fleet.turns import Turn, rates_in_turn
from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.rows import Row

_REPEAT_S = 0.5
_NUM_REPEATS = 5
_BLOCK = 64
"""Steps of a call where the caller has its actions: what a fleet's block is."""


@dataclass(frozen=True)
class SteppingCase:
    """A game with so many lanes.

    Attributes:
      key: of the row.
      name: of the game.
      peers: engines beside it: `gymnasium`, `envpool`, `minatar`.
      goal: steps a second.
    """

    key: str
    name: str
    num_lanes: int = 256
    peers: tuple[str, ...] = ("gymnasium",)
    goal: float | None = None

    @property
    def case(self) -> str:
        """The row."""
        return f"fleet.stepping.{self.key}"

    @property
    def cases(self) -> tuple[str, ...]:
        """All rows: in blocks, and a call for each step, beside each peer."""
        return (self.case, *(f"{self.case}.each_call.{peer}" for peer in self.peers))


CASES = (
    SteppingCase("cartpole.256", "CartPole-v1", peers=("gymnasium", "envpool"), goal=60e6),
    SteppingCase("cartpole.16", "CartPole-v1", 16, peers=("gymnasium", "envpool")),
    SteppingCase("mountain_car.256", "MountainCar-v0"),
    SteppingCase("mountain_car_continuous.256", "MountainCarContinuous-v0"),
    SteppingCase("pendulum.256", "Pendulum-v1"),
    SteppingCase("acrobot.256", "Acrobot-v1"),
    SteppingCase("minatar_breakout.256", "MinAtar/Breakout-v0", peers=("minatar",)),
    SteppingCase("minatar_seaquest.256", "MinAtar/Seaquest-v0", peers=("minatar",)),
)


def stepping(peers: Peers, case: SteppingCase) -> Iterator[Row]:
    """Yield steps a second in blocks, and of single calls beside each engine that is installed."""
    del peers
    found = {peer: _peer_turn(peer, case) for peer in case.peers}
    beside = {peer: turn for peer, turn in found.items() if turn is not None}
    turns = [native_turn(case.name, case.num_lanes, _BLOCK), native_turn(case.name, case.num_lanes), *beside.values()]
    in_blocks, in_calls, *others = rates_in_turn(turns, _REPEAT_S, _NUM_REPEATS)
    settings: dict[str, object] = {"lanes": case.num_lanes, "threads": 1, "steps_a_call": _BLOCK}
    yield Row.of(case.case, in_blocks, "steps/s", "higher", goal=case.goal, settings=settings)
    for peer, rates in zip(beside, others, strict=True):
        reference = {"reference": _TITLES[peer], "reference_value": statistics.median(rates)}
        row = f"{case.case}.each_call.{peer}"
        yield Row.of(row, in_calls, "steps/s", "higher", settings=settings | {"steps_a_call": 1}, **reference)


_TITLES = {
    "gymnasium": "Gymnasium's vector environment",
    "envpool": "EnvPool, threads as it chooses",
    "minatar": "the MinAtar package, one environment",
}


def _peer_turn(peer: str, case: SteppingCase) -> Turn | None:
    if peer == "gymnasium":
        return gymnasium_turn(case.name, case.num_lanes)
    if peer == "envpool":
        return pool_turn(case.name, case.num_lanes)
    return minatar_turn(case.name.removeprefix("MinAtar/").removesuffix("-v0").lower())


STEPPING_MEASUREMENTS = tuple(
    Measurement(case.cases, partial(stepping, case=case), (2 + len(case.peers)) * _REPEAT_S * _NUM_REPEATS)
    for case in CASES
)
