"""Collects unrolls with any environments and any policy, step by step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from heronry.environments.vector import Bools, Step, VectorEnvironment
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.unroll import Collected, Columns, write_next_action_masks
from heronry.maths.networks import Tensors
from heronry.maths.policies import Randoms
from heronry.types.tensors import Array


class LaneGroup(Protocol):
    """Some lanes of a fleet with a policy of their own; for one thread at a time."""

    @property
    def shares_successors(self) -> bool:
        """Whether each row's `next_observation` is the next row's `observation`, whatever ended between."""
        ...

    def reset(self, seeds: Sequence[int]) -> None:
        """Begin the first episodes, one seed a lane."""
        ...

    def load(self, tensors: Tensors) -> None:
        """Act with these weights from the next unroll on.

        Raises:
          SchemaMismatchError: they do not fit the network of the run and this environment.
        """
        ...

    def collect(self, columns: Columns, randoms: Randoms) -> Collected | None:
        """Fill the columns `[T, n, ...]` of the next unroll, but `episode_id`; None when it was given up."""
        ...

    def close(self) -> None:
        """Release the environments."""
        ...


@dataclass
class Times:
    """Seconds of an unroll that the policy and the environments took."""

    inference_s: float = 0.0
    environment_s: float = 0.0

    def add(self, inference_s: float, environment_s: float) -> None:
        """Add those of a step."""
        self.inference_s += inference_s
        self.environment_s += environment_s


class Rollout:
    """A `LaneGroup` that asks the policy, then the environments, in every step.

    Args:
      environment: is stepped; its lanes go on from one unroll to the next. Closed with the group.
      policy: has weights when `collect` is called.
      clock: monotonic seconds.
      may_go_on: asked before each step; False gives the unroll up. May block, to pause.
    """

    def __init__(
        self,
        environment: VectorEnvironment,
        policy: BehaviourPolicy,
        clock: Callable[[], float],
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        self._environment = environment
        self._policy = policy
        self._clock = clock
        self._may_go_on = may_go_on
        self._cut: Bools | None = None
        self._given_up: Bools | None = None
        self._observation: Array = np.empty(0)

    @property
    def shares_successors(self) -> bool:
        """False: most environments show an ended episode's last observation beside the next one's first."""
        return False

    def reset(self, seeds: Sequence[int]) -> None:
        self._observation = self._environment.reset(seeds)
        self._policy.begin_episodes(np.ones(len(seeds), np.bool_))

    def load(self, tensors: Tensors) -> None:
        self._policy.load(tensors)

    def collect(self, columns: Columns, randoms: Randoms) -> Collected | None:
        num_steps, num_lanes = columns["reward"].shape
        self._policy.begin(num_steps, num_lanes, randoms)
        self._cut = self._given_up = None
        times = self._take_steps(num_steps, columns)
        if times is None:
            return None
        log_probabilities = self._policy.log_probabilities()
        if log_probabilities is not None:
            columns["log_probability"][...] = log_probabilities
        following = self._environment.action_mask
        if "next_action_mask" in columns and following is not None:
            write_next_action_masks(columns, following)
        return Collected(times.environment_s, times.inference_s, self._cut, self._given_up)

    def close(self) -> None:
        self._environment.close()

    def _take_steps(self, num_steps: int, columns: Columns) -> Times | None:
        times = Times()
        for step in range(num_steps):
            if not self._may_go_on():
                return None
            before = self._clock()
            self._act(step, columns)
            acted = self._clock()
            self._note(step, columns, self._environment.step(columns["action"][step]))
            times.add(acted - before, self._clock() - acted)
        return times

    def _act(self, step: int, columns: Columns) -> None:
        columns["observation"][step] = self._observation
        mask = self._environment.action_mask
        if mask is not None:
            columns["action_mask"][step] = mask
        self._policy.act(step, columns["observation"][step], columns["action"][step], mask)

    def _note(self, step: int, columns: Columns, taken: Step) -> None:
        columns["reward"][step] = taken.reward
        columns["terminated"][step] = taken.terminated
        columns["truncated"][step] = taken.truncated
        columns["next_observation"][step] = taken.next_observation
        columns["mask"][step] = taken.mask
        if taken.lost is not None:
            self._give_up(step, columns, taken.lost)
        if self._policy.has_memory:
            # Where the engine shows an ended episode's last observation first, the row that it masks begins another.
            self._policy.begin_episodes(taken.terminated | taken.truncated | ~taken.mask)
        self._observation = taken.observation

    def _give_up(self, step: int, columns: Columns, lost: Bools) -> None:
        """End the episodes that an environment's death cut off: nothing follows the row before this one."""
        # Neither do stacks and windows of replay go on from this row, which shows what the dead one had shown.
        columns["truncated"][step] |= lost
        if step == 0:
            self._cut = lost
            return
        ended = columns["terminated"][step - 1] | columns["truncated"][step - 1]
        # What was masked there had no episode that could end.
        given_up = lost & columns["mask"][step - 1] & ~ended
        columns["truncated"][step - 1] |= given_up
        if self._given_up is None:
            self._given_up = np.zeros(columns["mask"].shape, np.bool_)
        self._given_up[step - 1] |= given_up
