"""Environments of one kind stepped one after another, for engines that are not vectorised."""

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np

from heronry.environments.codecs import ActionCodec, ObservationCodec
from heronry.environments.vector import Step
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.tensors import Array

# What an environment shows and takes is its own affair; the codecs below give it a type.
SingleEnvironment = gymnasium.Env[Any, Any]


class SingleEnvironments:
    """A `VectorEnvironment` that resets an environment in the step that ends its episode.

    No row is lost to resetting, and each environment has a seed of its own.
    """

    def __init__(self, make: Callable[[], SingleEnvironment], num_envs: int) -> None:
        self._environments = [make() for _ in range(num_envs)]
        self._observations = ObservationCodec(self._environments[0].observation_space)
        self._actions = ActionCodec(self._environments[0].action_space)

    @property
    def num_envs(self) -> int:
        return len(self._environments)

    @property
    def observation_space(self) -> ObservationSpace:
        return self._observations.space

    @property
    def action_space(self) -> ActionSpace:
        return self._actions.space

    def reset(self, seeds: Sequence[int]) -> Array:
        first = [e.reset(seed=int(s))[0] for e, s in zip(self._environments, seeds, strict=True)]
        return self._encode(first)

    def step(self, actions: Array) -> Step:
        """Step every environment; one whose episode ended is reset at once."""
        successors: list[Any] = []
        shown: list[Any] = []
        figures: list[tuple[float, bool, bool]] = []
        executed = self._actions.encode(actions)
        for environment, action in zip(self._environments, executed, strict=True):
            observation, reward, terminated, truncated, _ = environment.step(action)
            has_ended = bool(terminated or truncated)
            # An environment may show one buffer for ever: the reset would write over the final observation.
            successors.append(np.array(observation) if has_ended else observation)
            figures.append((float(reward), bool(terminated), bool(truncated)))
            shown.append(environment.reset()[0] if has_ended else observation)
        return self._assemble(successors, shown, figures)

    def close(self) -> None:
        for environment in self._environments:
            environment.close()

    def _assemble(self, successors: list[Any], shown: list[Any], figures: list[tuple[float, bool, bool]]) -> Step:
        reward, terminated, truncated = zip(*figures, strict=True)
        ended = any(terminated) or any(truncated)
        next_observation = self._encode(successors)
        return Step(
            observation=self._encode(shown) if ended else next_observation,
            reward=np.array(reward, np.float32),
            terminated=np.array(terminated, np.bool_),
            truncated=np.array(truncated, np.bool_),
            next_observation=next_observation,
            mask=np.ones(len(figures), np.bool_),
        )

    def _encode(self, observations: list[Any]) -> Array:
        return self._observations.encode(np.stack(observations))
