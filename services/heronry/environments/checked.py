"""Checks what environments return, and names those that break their contract."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from heronry.environments.faults import LaneFault, hang_of
from heronry.environments.vector import Bools, Step, VectorEnvironment, Work
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import EnvironmentFaultError
from heronry.types.tensors import Array


@runtime_checkable
class _OneByOne(Protocol):
    """An engine that tells which lane is at work, and whether it is being reset."""

    at_work: tuple[int, bool] | None


class CheckedEnvironment:
    """A `VectorEnvironment` around an engine; raises `EnvironmentFaultError` for what its environments do wrong.

    After a fault the environments must be reset or closed.

    Args:
      engine: raises `LaneFault`.
      name: of the environments, for messages.
    """

    def __init__(self, engine: VectorEnvironment, name: str, first_index: int = 0) -> None:
        self._engine = engine
        self._name = name
        self._first_index = first_index
        num_envs = engine.num_envs
        self._seeds = [0] * num_envs
        self._episodes: npt.NDArray[np.int64] = np.zeros(num_envs, np.int64)
        # The step of the fleet before each episode's first: one assignment an episode, not one a step.
        self._begun_at: npt.NDArray[np.int64] = np.zeros(num_envs, np.int64)
        self._now = 0
        self._is_asked = False
        self._drawn_lane: int | None = None

    @property
    def engine(self) -> VectorEnvironment:
        """What steps the environments."""
        return self._engine

    @property
    def num_envs(self) -> int:
        return self._engine.num_envs

    @property
    def releases_lock(self) -> bool:
        return self._engine.releases_lock

    @property
    def action_mask(self) -> Bools | None:
        return self._engine.action_mask

    @property
    def observation_space(self) -> ObservationSpace:
        return self._engine.observation_space

    @property
    def action_space(self) -> ActionSpace:
        """Of one environment; may begin an episode to see whether choices are masked."""
        try:
            return self._engine.action_space
        except LaneFault as fault:
            raise self._named(fault, 0) from fault

    @property
    def work(self) -> Work | None:
        """What is under way; safe from any thread."""
        call, drawn = self._now, self._drawn_lane
        if drawn is not None:
            return Work(-1 - call, drawn, False)
        if not self._is_asked:
            return None
        at_work = self._engine.at_work if isinstance(self._engine, _OneByOne) else None
        return Work(call, None, call == 0) if at_work is None else Work(call, *at_work)

    def hung(self, work: Work, limit_s: float) -> EnvironmentFaultError:
        """Return the fault of an environment that has been at this work for longer."""
        return self._named(LaneFault(work.lane, hang_of(work, limit_s)), 0 if work.is_reset else None)

    def reset(self, seeds: Sequence[int]) -> Array:
        """Begin the first episodes.

        Raises:
          EnvironmentFaultError: an environment raised, or showed what its space does not hold.
        """
        self._seeds = [int(seed) for seed in seeds]
        self._episodes[:] = 0
        self._begun_at[:] = self._now = 0
        self._is_asked = True
        try:
            shown = self._engine.reset(seeds)
            check_observations(shown)
        except LaneFault as fault:
            raise self._named(fault, 0) from fault
        finally:
            self._is_asked = False
        return shown

    def step(self, actions: Array) -> Step:
        """Step every environment once.

        Raises:
          EnvironmentFaultError: as `reset`, or a reward is not finite.
          InvalidArgumentError: the action space does not hold the actions.
        """
        self._now += 1
        self._is_asked = True
        try:
            step = self._engine.step(actions)
            self._check(step)
        except LaneFault as fault:
            raise self._named(fault) from fault
        finally:
            self._is_asked = False
        self._count(step, self._now)
        return step

    def render(self, lane: int) -> npt.NDArray[np.uint8]:
        self._drawn_lane = lane
        try:
            return self._engine.render(lane)
        finally:
            self._drawn_lane = None

    def close(self) -> None:
        self._engine.close()

    def _check(self, step: Step) -> None:
        check_rewards(step.reward)
        check_observations(step.next_observation)
        if step.observation is not step.next_observation:
            check_observations(step.observation)

    def _count(self, step: Step, number: int) -> None:
        ended = np.logical_or(step.terminated, step.truncated)
        if ended.any():
            self._episodes += ended
            self._begun_at[ended] = number
        if not step.mask.all():
            self._begun_at[~step.mask] = number

    def _named(self, fault: LaneFault, number: int | None = None) -> EnvironmentFaultError:
        """Name the environments; `number` is the step of all, the last one where it is None, 0 for a reset."""
        lane = fault.lane if fault.lane is not None else 0
        is_known = fault.lane is not None or self.num_envs == 1
        number = self._now if number is None else number
        return EnvironmentFaultError.of(
            self._name,
            fault.what,
            index=self._first_index + lane if is_known else self._any_index(),
            seed=self._seeds[lane],
            episode=int(self._episodes[lane]),
            step=0 if number == 0 else int(number - self._begun_at[lane]),
        )

    def _any_index(self) -> str:
        first = self._first_index
        return f"one of {first} to {first + self.num_envs - 1}, the figures are of {first}"


def check_rewards(rewards: npt.NDArray[np.floating[Any]]) -> None:
    """Refuse rewards that are not finite.

    Raises:
      LaneFault: names the first lane that has one.
    """
    finite = np.isfinite(rewards)
    if not finite.all():
        lane = int(np.argmin(finite))
        raise LaneFault(lane, f"returned the reward {rewards[lane]}")


def check_observations(observations: Array) -> None:
    """Refuse observations with a number that is not finite.

    Raises:
      LaneFault: names the first lane that has one.
    """
    if observations.dtype == np.uint8 or np.isfinite(observations).all():
        return
    rows = observations.reshape(len(observations), -1)
    lane = int(np.argmin(np.isfinite(rows).all(axis=1)))
    position = int(np.argmin(np.isfinite(rows[lane])))
    raise LaneFault(lane, f"showed {rows[lane, position]} at position {position} of its observation")
