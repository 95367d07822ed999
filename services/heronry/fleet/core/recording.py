"""Plays one episode and keeps its pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from heronry.environments.vector import VectorEnvironment
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.films import Frame
from heronry.fleet.core.seeds import evaluation_generator
from heronry.types.errors import AbortedError, InvalidArgumentError
from heronry.types.recordings import MAX_FRAMES_PER_SECOND, MAX_RECORDED_STEPS, RecordingOrder

MAX_FILM_BYTES: Final = 1 << 30
"""Of the pictures of an episode before they are encoded."""


@dataclass(frozen=True)
class FilmedEpisode:
    """An episode's pictures, one a step and the one before the first; its return and length."""

    frames: list[Frame]
    episode_return: float
    length: int
    ended: bool


def check_order(order: RecordingOrder) -> None:
    """Refuse numbers that no recording takes.

    Raises:
      InvalidArgumentError: names the number and its range.
    """
    if not 1 <= order.max_steps <= MAX_RECORDED_STEPS:
        raise InvalidArgumentError.of("max_steps", order.max_steps, f"1 to {MAX_RECORDED_STEPS:,}")
    if not 1 <= order.frames_per_second <= MAX_FRAMES_PER_SECOND:
        raise InvalidArgumentError.of("frames_per_second", order.frames_per_second, f"1 to {MAX_FRAMES_PER_SECOND}")
    if not 0 <= order.seed < 2**63:
        raise InvalidArgumentError.of("seed", order.seed, "0 to 2**63 - 1")


def film_episode(
    environment: VectorEnvironment,
    policy: BehaviourPolicy,
    seed: int,
    max_steps: int,
    may_go_on: Callable[[], bool] = lambda: True,
) -> FilmedEpisode:
    """Play the first lane's episode to its end, or for `max_steps`.

    Raises:
      FailedPreconditionError: the environment cannot be drawn here.
      InvalidArgumentError: its pictures take too much memory.
      AbortedError: `may_go_on` said no, or the environment died.
    """
    rng, num_lanes = evaluation_generator(seed), environment.num_envs
    space = environment.action_space
    actions = np.empty((num_lanes, *space.shape), np.float32 if space.is_continuous else np.int64)
    observations = environment.reset(range(seed, seed + num_lanes))
    frames = [environment.render(0)]
    episode_return = 0.0
    for length in range(1, max_steps + 1):
        if not may_go_on():
            raise AbortedError("the recording was given up before its episode ended")
        policy.begin(1, num_lanes, policy.draw(1, num_lanes, rng))
        policy.act(0, observations, actions, environment.action_mask)
        taken = environment.step(actions)
        if taken.lost is not None and taken.lost[0]:
            raise AbortedError(f"the environment died in step {length} of the episode that was recorded")
        episode_return += float(taken.reward[0])
        if taken.terminated[0] or taken.truncated[0]:
            # What is shown now belongs to the next episode already.
            return FilmedEpisode(frames, episode_return, length, ended=True)
        observations = taken.observation
        frames.append(environment.render(0))
        _check_size(frames, max_steps)
    return FilmedEpisode(frames, episode_return, max_steps, ended=False)


def _check_size(frames: list[Frame], max_steps: int) -> None:
    # One picture is of the time before the first step.
    most = MAX_FILM_BYTES // frames[0].nbytes - 1
    if len(frames) > most + 1:
        height, width = frames[0].shape[:2]
        allowed = f"at most {most:,} for pictures of {width} x {height} pixels: they would take too much memory"
        raise InvalidArgumentError.of("max_steps", max_steps, allowed)
