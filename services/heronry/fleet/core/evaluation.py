"""Judges a policy by fresh episodes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heronry.environments.settings import EnvironmentSettings
from heronry.environments.vector import Watched
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.judged_episodes import JudgedEpisodes, make_episodes
from heronry.fleet.core.seeds import evaluation_generator
from heronry.maths.networks import Layers, Tensors
from heronry.types.errors import AbortedError, InvalidArgumentError

MAX_EPISODES = 10_000

# Episodes played side by side; more lanes would only spin for the last of them.
_MAX_LANES = 128
# Of simulators fewer: each is a program of unknown size.
_MAX_SIMULATORS = 16
# A sampling policy draws its random numbers for as many steps at once.
_DRAWN_STEPS = 32


@dataclass(frozen=True)
class EpisodeResults:
    """Return and length of each episode, in the order of their seeds."""

    returns: tuple[float, ...]
    lengths: tuple[int, ...]


def evaluate_policy(
    environment: EnvironmentSettings,
    network: Mapping[str, object],
    tensors: Tensors,
    num_episodes: int,
    seed: int,
    *,
    greedy: bool = True,
    algorithm: str = "ppo",
    may_go_on: Callable[[], bool] = lambda: True,
    watch: Callable[[Watched], object] = lambda _: None,
) -> EpisodeResults:
    """Play fresh episodes with a policy; episode i begins as `reset(seed=seed + i)`.

    Args:
      environment: made anew for this evaluation.
      network: as in the run spec.
      tensors: the weights.
      num_episodes: 1 to 10,000.
      seed: of the first episode, at least 0.
      greedy: False samples as in training, Q-learning without exploring.
      algorithm: whose network it is: `ppo`, `dqn` or `external`.
      may_go_on: asked before each step.
      watch: given what may hang in this process, once it is made.

    Raises:
      InvalidArgumentError: a number outside its range, or a space that is not supported.
      SchemaMismatchError: the weights are those of another network or environment.
      AbortedError: `may_go_on` said no.
    """
    check_request(num_episodes, seed)
    rng = evaluation_generator(seed)
    returns: list[float] = []
    lengths: list[int] = []
    num_lanes = lanes_side_by_side(environment, num_episodes)
    episodes = make_episodes(environment, num_lanes)
    try:
        if episodes.watched is not None:
            watch(episodes.watched)
        for first in range(seed, seed + num_episodes, num_lanes):
            policy = _policy(episodes, network, algorithm, greedy=greedy)
            policy.load(tensors)
            wave = _play(episodes, policy, range(first, first + num_lanes), rng, may_go_on)
            returns.extend(wave.returns)
            lengths.extend(wave.lengths)
    finally:
        episodes.close()
    # Lanes of the last wave may be more than there are episodes left.
    return EpisodeResults(tuple(returns[:num_episodes]), tuple(lengths[:num_episodes]))


def lanes_side_by_side(environment: EnvironmentSettings, num_episodes: int) -> int:
    """Return how many episodes are played at a time, so that waves are alike and few lanes idle in the last."""
    most = _MAX_SIMULATORS if environment.command else _MAX_LANES
    num_waves = -(-num_episodes // most)
    return -(-num_episodes // num_waves)


def check_request(num_episodes: int, seed: int) -> None:
    """Refuse numbers that no evaluation takes.

    Raises:
      InvalidArgumentError: names the number and its range.
    """
    if not 1 <= num_episodes <= MAX_EPISODES:
        raise InvalidArgumentError.of("num_episodes", num_episodes, f"1 to {MAX_EPISODES:,}")
    if not 0 <= seed < 2**63:
        raise InvalidArgumentError.of("seed", seed, "0 to 2**63 - 1")


def _policy(
    episodes: JudgedEpisodes, network: Mapping[str, object], algorithm: str, *, greedy: bool
) -> BehaviourPolicy:
    return BehaviourPolicy.of_spaces(algorithm, Layers.of_dict(network), episodes.spaces, greedy=greedy)


def _play(
    episodes: JudgedEpisodes,
    policy: BehaviourPolicy,
    seeds: Sequence[int],
    rng: np.random.Generator,
    may_go_on: Callable[[], bool],
) -> EpisodeResults:
    """Play one episode in each lane; a lane counts until its first episode has ended."""
    observations = episodes.begin(seeds)
    num_lanes = len(observations)
    _, action_space = episodes.spaces
    action_type = np.float32 if action_space.is_continuous else np.int64
    actions = np.empty((num_lanes, *action_space.shape), action_type)
    returns = np.zeros(num_lanes, np.float64)
    lengths = np.zeros(num_lanes, np.int64)
    # Lanes beyond the seeds only make an environment of several agents whole.
    is_live = np.arange(num_lanes) < len(seeds)
    step = 0
    while is_live.any():
        if not may_go_on():
            raise AbortedError("the evaluation was given up before its last episode ended")
        if step % _DRAWN_STEPS == 0:
            policy.begin(_DRAWN_STEPS, num_lanes, policy.draw(_DRAWN_STEPS, num_lanes, rng))
        policy.act(step % _DRAWN_STEPS, observations, actions, episodes.action_mask)
        observations, rewards, ended = episodes.step(actions)
        np.add(returns, rewards, out=returns, where=is_live)
        lengths += is_live
        is_live &= ~ended
        if episodes.begun_anew is not None:
            # What a dead environment has played is no whole episode; another one takes its place.
            unfinished = episodes.begun_anew & is_live
            returns[unfinished], lengths[unfinished] = 0.0, 0
        step += 1
    return EpisodeResults(tuple(returns[: len(seeds)].tolist()), tuple(lengths[: len(seeds)].tolist()))
