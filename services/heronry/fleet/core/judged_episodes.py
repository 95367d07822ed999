"""Episodes played side by side, each from a seed of its own, none begun anew."""

from collections.abc import Sequence
from typing import Any, Protocol

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.envs.classic_control.cartpole import CartPoleEnv, CartPoleVectorEnv

from heronry.environments.codecs import ActionCodec, ObservationCodec
from heronry.environments.making import has_vector_entry_point, make_single
from heronry.environments.settings import EnvironmentSettings
from heronry.environments.single import SingleEnvironment
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.tensors import Array

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]


class JudgedEpisodes(Protocol):
    """N lanes with one episode each; what a lane shows after its episode's end means nothing."""

    @property
    def spaces(self) -> tuple[ObservationSpace, ActionSpace]:
        """Of one environment."""
        ...

    def begin(self, seeds: Sequence[int]) -> Array:
        """Begin an episode in each lane exactly as `reset(seed=...)` would; return `[N, ...]`."""
        ...

    def step(self, actions: Array) -> tuple[Array, _Floats, _Bools]:
        """Return observations `[N, ...]`, rewards `[N]` and whether each lane's episode ended in this step."""
        ...

    def close(self) -> None:
        """Release the environments."""
        ...


class SingleEpisodes:
    """One environment a lane: any environment at all."""

    def __init__(self, environments: Sequence[SingleEnvironment]) -> None:
        self._environments = list(environments)
        self._observations = ObservationCodec(self._environments[0].observation_space)
        self._actions = ActionCodec(self._environments[0].action_space)
        self._shown: list[Any] = []
        self._is_live = [True] * len(self._environments)

    @property
    def spaces(self) -> tuple[ObservationSpace, ActionSpace]:
        return self._observations.space, self._actions.space

    def begin(self, seeds: Sequence[int]) -> Array:
        self._shown = [e.reset(seed=int(s))[0] for e, s in zip(self._environments, seeds, strict=True)]
        self._is_live = [True] * len(self._shown)
        return self._observations.encode(np.stack(self._shown))

    def step(self, actions: Array) -> tuple[Array, _Floats, _Bools]:
        rewards = np.zeros(len(self._shown), np.float64)
        ended = np.zeros(len(self._shown), np.bool_)
        executed = self._actions.encode(actions)
        for lane, environment in enumerate(self._environments):
            if not self._is_live[lane]:
                continue
            self._shown[lane], rewards[lane], terminated, truncated, _ = environment.step(executed[lane])
            ended[lane] = terminated or truncated
            self._is_live[lane] = not ended[lane]
        return self._observations.encode(np.stack(self._shown)), rewards, ended

    def close(self) -> None:
        for environment in self._environments:
            environment.close()


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

    def begin(self, seeds: Sequence[int]) -> Array:
        states = np.empty((4, len(seeds)), np.float64)
        for lane, seed in enumerate(seeds):
            self._single.reset(seed=int(seed))
            states[:, lane] = self._single.state
        self._engine.reset(seed=0)
        self._engine.state = states  # type: ignore[assignment]  # declared by its initial None
        first: Array = states.T.astype(np.float32)
        return first

    def step(self, actions: Array) -> tuple[Array, _Floats, _Bools]:
        observation, reward, terminated, truncated, _ = self._engine.step(np.asarray(actions, np.int64))
        return observation, reward.astype(np.float64), np.logical_or(terminated, truncated)

    def close(self) -> None:
        self._engine.close()
        self._single.close()  # type: ignore[no-untyped-call]  # Gymnasium left it without types


def make_episodes(settings: EnvironmentSettings, num_lanes: int) -> JudgedEpisodes:
    """Return lanes for episodes of one environment.

    Raises:
      EnvironmentNotFoundError, InvalidArgumentError: as `make_environment`.
    """
    first = make_single(settings)
    if type(first.unwrapped) is CartPoleEnv and has_vector_entry_point(settings):
        arguments: dict[str, Any] = dict(settings.kwargs)  # what they are, the constructor knows
        engine = gymnasium.make_vec(settings.id, num_envs=num_lanes, **arguments).unwrapped
        if type(engine) is CartPoleVectorEnv:
            return CartPoleEpisodes(engine, first.unwrapped)
    return SingleEpisodes([first, *(make_single(settings) for _ in range(num_lanes - 1))])
