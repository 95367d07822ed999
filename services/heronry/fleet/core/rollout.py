"""Collects unrolls: T steps of N environments as columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from heronry.environments.vector import VectorEnvironment
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.columns import ColumnSpec
from heronry.types.tensors import Array, ElementType


@dataclass(frozen=True)
class Unroll:
    """One block of experience and what it cost.

    Attributes:
      columns: `[T, N, ...]` each, owned by the receiver.
      num_steps: rows that are experience: those that `mask` holds.
      environment_time_s, inference_time_s: spent stepping, spent in the policy.
    """

    columns: dict[str, Array]
    num_steps: int
    environment_time_s: float
    inference_time_s: float


class Rollout:
    """Steps environments with a policy; keeps them between unrolls. For one thread.

    Args:
      environment: is stepped; its lanes go on from one unroll to the next.
      policy: has weights when `collect` is called.
      rng: of the actions.
      clock: monotonic seconds.
      may_go_on: asked before each step; False gives the unroll up. May block, to pause.
    """

    def __init__(
        self,
        environment: VectorEnvironment,
        policy: BehaviourPolicy,
        rng: np.random.Generator,
        clock: Callable[[], float],
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        self._environment = environment
        self._policy = policy
        self._rng = rng
        self._clock = clock
        self._may_go_on = may_go_on
        self._observation: Array = np.empty(0)

    def reset(self, seeds: Sequence[int]) -> None:
        """Begin the first episodes."""
        self._observation = self._environment.reset(seeds)

    def collect(self, num_steps: int) -> Unroll | None:
        """Return the next unroll, or None when it was given up: what it held is lost then."""
        num_envs = self._environment.num_envs
        columns = _empty_columns(self._environment, num_steps)
        self._policy.begin(num_steps, num_envs, self._rng)
        inference_s = environment_s = 0.0
        for step in range(num_steps):
            if not self._may_go_on():
                return None
            before = self._clock()
            columns["observation"][step] = self._observation
            self._policy.act(step, self._observation, columns["action"][step])
            acted = self._clock()
            self._step(step, columns)
            inference_s += acted - before
            environment_s += self._clock() - acted
        log_probabilities = self._policy.log_probabilities()
        if log_probabilities is not None:
            columns["log_probability"] = log_probabilities
        return Unroll(columns, int(np.count_nonzero(columns["mask"])), environment_s, inference_s)

    def _step(self, step: int, columns: dict[str, Array]) -> None:
        taken = self._environment.step(columns["action"][step])
        columns["reward"][step] = taken.reward
        columns["terminated"][step] = taken.terminated
        columns["truncated"][step] = taken.truncated
        columns["next_observation"][step] = taken.next_observation
        columns["mask"][step] = taken.mask
        self._observation = taken.observation


def experience_columns(
    observation_space: ObservationSpace, action_space: ActionSpace, *, with_log_probability: bool
) -> tuple[ColumnSpec, ...]:
    """Return the signatures of the columns that a fleet writes."""
    observed = ElementType.of(observation_space.element_type)
    acted = ElementType.FLOAT32 if action_space.is_continuous else ElementType.INT64
    columns = [
        ColumnSpec("observation", observed, observation_space.shape),
        ColumnSpec("action", acted, action_space.shape),
        ColumnSpec("reward", ElementType.FLOAT32, ()),
        ColumnSpec("terminated", ElementType.BOOL, ()),
        ColumnSpec("truncated", ElementType.BOOL, ()),
        ColumnSpec("next_observation", observed, observation_space.shape),
        ColumnSpec("mask", ElementType.BOOL, ()),
    ]
    if with_log_probability:
        columns.append(ColumnSpec("log_probability", ElementType.FLOAT32, ()))
    return tuple(columns)


def _empty_columns(environment: VectorEnvironment, num_steps: int) -> dict[str, Array]:
    """Return fresh columns: the unroll before this one may still be on its way."""
    specs = experience_columns(environment.observation_space, environment.action_space, with_log_probability=False)
    leading = (num_steps, environment.num_envs)
    return {s.path: np.empty((*leading, *s.shape), s.element_type.dtype) for s in specs}
