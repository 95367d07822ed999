"""Environments with a policy that is sampled in every step, in this process, as a fleet's actor does it.

Floor of CartPole with an MLP 64-64: 4,480 multiplications and 128 tanh a step.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from heronry.bench.fleet.engines import minatar_acting_turn
from heronry.bench.fleet.turns import Turn, rates_in_turn
from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.rows import Row
from heronry.environments.making import read_spaces
from heronry.environments.settings import EnvironmentSettings
from heronry.environments.vector import VectorEnvironment
from heronry.fleet.core.actor import Actor, ActorSettings
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.lane_settings import LaneSettings
from heronry.fleet.core.lanes import make_actor
from heronry.maths.forward_backends import make_forward
from heronry.maths.networks import Layers, network_for
from heronry.maths.policies import sampler_for
from heronry.types.tensors import Array

_REPEAT_S = 1.0
_NUM_REPEATS = 5
_UNROLL = 64
_SMALL_CONVOLUTION: dict[str, object] = {
    "convolution": [{"channels": 16, "kernel": 3, "stride": 1}],
    "hidden": [128],
    "activation": "relu",
}


@dataclass(frozen=True)
class ActingCase:
    """An environment, so many lanes and a network, beside another engine with the NumPy network.

    Attributes:
      peer: `gymnasium`, or a game of the MinAtar package.
    """

    key: str
    environment: str
    num_lanes: int
    network: dict[str, object] = field(default_factory=lambda: {"hidden": [64, 64], "activation": "tanh"})
    goal: float | None = None
    peer: str = "gymnasium"

    @property
    def case(self) -> str:
        """The row."""
        return f"fleet.acting.{self.key}"


CASES = (
    ActingCase("cartpole.256", "CartPole-v1", 256, goal=3e6),
    ActingCase("cartpole.16", "CartPole-v1", 16, goal=900e3),
    ActingCase("minatar_breakout.256", "MinAtar/Breakout-v0", 256, _SMALL_CONVOLUTION, peer="breakout"),
)


def acting(peers: Peers, case: ActingCase) -> Iterator[Row]:
    """Yield steps a second of unrolls with every column filled."""
    del peers
    ours = _actor(case, "auto", "auto")
    theirs = _actor(case, "gymnasium", "numpy") if case.peer == "gymnasium" else None
    beside = _turn(theirs) if theirs is not None else _package_turn(case)
    try:
        turns = [_turn(ours)] if beside is None else [_turn(ours), beside]
        rates = rates_in_turn(turns, _REPEAT_S, _NUM_REPEATS)
    finally:
        for actor in (ours, theirs):
            if actor is not None:
                actor.close()
    settings: dict[str, object] = {"lanes": case.num_lanes, "unroll_length": _UNROLL, "network": case.network}
    reference: dict[str, object] = {}
    if beside is not None:
        title = "Gymnasium's engine" if theirs is not None else "the MinAtar package, one environment"
        reference = {"reference": f"{title}, network in NumPy", "reference_value": statistics.median(rates[1])}
    yield Row.of(case.case, rates[0], "steps/s", "higher", goal=case.goal, settings=settings, **reference)


def _package_turn(case: ActingCase) -> Turn | None:
    """Return a turn of the MinAtar package with the case's network, sampled, one environment."""
    observations, actions = read_spaces(EnvironmentSettings(case.environment))
    network = network_for("ppo", Layers.of_dict(case.network), observations, actions)
    rng = np.random.default_rng(1)
    forward = make_forward("numpy", network, "policy", network.init(rng))
    sampler, chosen = sampler_for("ppo", actions), np.empty(1, np.int64)

    def choose(shown: Array) -> int:
        sampler.begin(1, 1, sampler.draw(1, 1, rng))
        sampler.choose(0, forward(shown[np.newaxis].astype(np.uint8)), chosen)
        return int(chosen[0])

    return minatar_acting_turn(case.peer, choose)


def _turn(actor: Actor) -> Turn:
    def turn() -> int:
        unroll = actor.collect(None)
        return 0 if unroll is None else unroll.num_steps

    return turn


def _actor(case: ActingCase, engine: str, backend: str) -> Actor:
    layers = Layers.of_dict(case.network)
    made: list[VectorEnvironment] = []

    def make_policy(environment: VectorEnvironment, position: int) -> BehaviourPolicy:
        del position
        made.append(environment)
        spaces = environment.observation_space, environment.action_space
        return BehaviourPolicy.of_spaces("ppo", layers, spaces, backend=backend)

    settings = EnvironmentSettings(case.environment, engine=engine)  # type: ignore[arg-type]  # one of its names
    lanes = LaneSettings(settings, case.num_lanes)
    how = ActorSettings("ppo", _UNROLL, None, run_seed=1, fleet_index=0)
    actor = make_actor(lanes, how, make_policy, time.perf_counter, lambda: True)
    network = network_for("ppo", layers, made[0].observation_space, made[0].action_space)
    actor.begin(1)
    # A policy that is not almost uniform: its episodes are of the length that a learner sees.
    tensors = {name: 3.0 * tensor for name, tensor in network.init(np.random.default_rng(1)).items()}
    actor.collect(tensors)
    return actor


ACTING_MEASUREMENTS = tuple(
    Measurement((case.case,), partial(acting, case=case), 2 * _REPEAT_S * _NUM_REPEATS) for case in CASES
)
