"""The ways in which judged episodes are run: single environments, any engine, and CartPole's short cut."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.envs.classic_control.cartpole import CartPoleEnv, CartPoleVectorEnv

from heronry.environments.checked import check_observations, check_rewards
from heronry.environments.codecs import ActionCodec, MaskReader, ObservationCodec
from heronry.environments.faults import LaneFault, fault_of, hang_of
from heronry.environments.single import SingleEnvironment, encode_lanes
from heronry.environments.vector import Bools, VectorEnvironment, Watched, Work
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import EnvironmentFaultError
from heronry.types.tensors import Array

Floats = npt.NDArray[np.float64]


class SingleEpisodes:
    """One environment a lane, which rests when its episode has ended: rewards in double precision.

    Args:
      environments: one a lane.
      name: of theirs, for messages.
    """

    def __init__(self, environments: Sequence[SingleEnvironment], name: str) -> None:
        self._environments = list(environments)
        self._name = name
        first = self._environments[0]
        self._actions = ActionCodec(first.action_space)
        self._observations = ObservationCodec(first.observation_space, self._actions.space)
        self._masks = MaskReader(first.observation_space, self._actions.space)
        self._seeds: list[int] = []
        self._shown: list[Any] = []
        self._allowed: list[Bools | None] = []
        self._is_live: list[bool] = []
        self._num_steps = 0
        # Of all waves: two of them never look alike.
        self._num_calls = 0
        self._work: Work | None = None

    @property
    def spaces(self) -> tuple[ObservationSpace, ActionSpace]:
        return self._observations.space, self._actions.space

    @property
    def action_mask(self) -> Bools | None:
        if all(row is None for row in self._allowed):
            return None
        everything = np.ones(self._actions.space.num_logits, np.bool_)
        return np.stack([everything if row is None else row for row in self._allowed])

    @property
    def begun_anew(self) -> Bools | None:
        return None

    @property
    def watched(self) -> Watched:
        return self

    @property
    def work(self) -> Work | None:
        """What is under way; safe from any thread."""
        return self._work

    def hung(self, work: Work, limit_s: float) -> EnvironmentFaultError:
        """Return the fault of an environment that has been at this work for longer."""
        return self._named(hang_of(work, limit_s), work.lane or 0)

    def begin(self, seeds: Sequence[int]) -> Array:
        """Begin exactly as `reset(seed=...)` of the environments does."""
        self._seeds = [int(seed) for seed in seeds]
        self._num_steps = 0
        self._is_live = [True] * len(self._seeds)
        self._shown, self._allowed = [], []
        for lane, (environment, seed) in enumerate(zip(self._environments, self._seeds, strict=True)):
            self._num_calls += 1
            self._work = Work(self._num_calls, lane, True)
            try:
                shown, info = environment.reset(seed=seed)
                self._allowed.append(self._masks.row(shown, info))
            except BaseException as error:
                raise self._fault(error, lane, "reset()") from error
            finally:
                self._work = None
            self._shown.append(shown)
        return self._encode(np.zeros(len(self._shown)), "reset()")

    def step(self, actions: Array) -> tuple[Array, Floats, Bools]:
        self._num_steps += 1
        self._num_calls += 1
        rewards = np.zeros(len(self._shown), np.float64)
        ended = np.zeros(len(self._shown), np.bool_)
        executed = self._actions.encode_each(actions)
        for lane, environment in enumerate(self._environments):
            if not self._is_live[lane]:
                continue
            self._work = Work(self._num_calls, lane, False)
            try:
                self._shown[lane], rewards[lane], terminated, truncated, info = environment.step(executed[lane])
                self._allowed[lane] = self._masks.row(self._shown[lane], info)
            except BaseException as error:
                raise self._fault(error, lane, "step()") from error
            finally:
                self._work = None
            ended[lane] = terminated or truncated
            self._is_live[lane] = not ended[lane]
        return self._encode(rewards, "step()"), rewards, ended

    def _encode(self, rewards: Floats, doing: str) -> Array:
        try:
            check_rewards(rewards)
            shown = encode_lanes(self._observations, self._shown)
            check_observations(shown)
        except LaneFault as fault:
            raise self._fault(fault, fault.lane or 0, doing) from fault
        return shown

    def close(self) -> None:
        for environment in self._environments:
            environment.close()

    def _fault(self, error: BaseException, lane: int, doing: str) -> EnvironmentFaultError:
        return self._named(fault_of(error, lane, doing).what, lane)

    def _named(self, what: str, lane: int) -> EnvironmentFaultError:
        return EnvironmentFaultError.of(
            self._name, what, index=lane, seed=self._seeds[lane], episode=0, step=self._num_steps
        )


class CartPoleEpisodes:
    """Gymnasium's vectorised CartPole, started from the states that seeded single ones have.

    The vectorised environment has one generator for all lanes. Its arithmetic is bit for bit that
    of the single one, so that only the first states need to come from there.
    """

    def __init__(self, engine: CartPoleVectorEnv, single: CartPoleEnv) -> None:
        self._engine = engine
        self._single = single
        self._observations = ObservationCodec(engine.single_observation_space)
        self._actions = ActionCodec(engine.single_action_space)

    @property
    def spaces(self) -> tuple[ObservationSpace, ActionSpace]:
        return self._observations.space, self._actions.space

    @property
    def action_mask(self) -> Bools | None:
        return None

    @property
    def begun_anew(self) -> Bools | None:
        return None

    @property
    def watched(self) -> None:
        return None

    def begin(self, seeds: Sequence[int]) -> Array:
        """Begin exactly as `reset(seed=...)` of single environments would."""
        states = np.empty((4, len(seeds)), np.float64)
        for lane, seed in enumerate(seeds):
            self._single.reset(seed=int(seed))
            states[:, lane] = self._single.state
        self._engine.reset(seed=0)
        self._engine.state = states  # type: ignore[assignment]  # declared by its initial None
        first: Array = states.T.astype(np.float32)
        return first

    def step(self, actions: Array) -> tuple[Array, Floats, Bools]:
        observation, reward, terminated, truncated, _ = self._engine.step(np.asarray(actions, np.int64))
        return observation, reward.astype(np.float64), np.logical_or(terminated, truncated)

    def close(self) -> None:
        self._engine.close()
        self._single.close()  # type: ignore[no-untyped-call]  # Gymnasium left it without types


class VectorEpisodes:
    """The first episodes of a vector environment's lanes: any engine.

    Args:
      environment: its first reset begins the episodes.
    """

    def __init__(self, environment: VectorEnvironment) -> None:
        self._environment = environment
        self._lost: Bools | None = None

    @property
    def spaces(self) -> tuple[ObservationSpace, ActionSpace]:
        return self._environment.observation_space, self._environment.action_space

    @property
    def action_mask(self) -> Bools | None:
        return self._environment.action_mask

    @property
    def begun_anew(self) -> Bools | None:
        return self._lost

    @property
    def watched(self) -> Watched | None:
        return self._environment if isinstance(self._environment, Watched) else None

    def begin(self, seeds: Sequence[int]) -> Array:
        # Lanes beyond make the last environment whole; nobody looks at their episodes.
        beyond = self._environment.num_envs - len(seeds)
        self._lost = None
        return self._environment.reset([*seeds, *(seeds[-1] + 1 + i for i in range(beyond))])

    def step(self, actions: Array) -> tuple[Array, Floats, Bools]:
        step = self._environment.step(actions)
        self._lost = step.lost
        return step.observation, step.reward.astype(np.float64), np.logical_or(step.terminated, step.truncated)

    def close(self) -> None:
        self._environment.close()
