"""Environments of one kind stepped one after another, for engines that are not vectorised."""

import contextlib
import copy
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np

from heronry.environments.codecs import ActionCodec, MaskReader, ObservationCodec
from heronry.environments.faults import LaneFault, fault_of
from heronry.environments.pictures import Picture, picture_of, refuse_picture
from heronry.environments.vector import Bools, Step
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.tensors import Array

# What an environment shows and takes is its own affair; the codecs below give it a type.
SingleEnvironment = gymnasium.Env[Any, Any]
Info = dict[str, Any]


class SingleEnvironments:
    """A `VectorEnvironment` that resets an environment in the step that ends its episode.

    No row is lost to resetting, and each environment has a seed of its own. Raises `LaneFault`
    for what an environment does wrong.

    Attributes:
      at_work: the lane that was asked last, and whether for a reset.
    """

    def __init__(self, make: Callable[[], SingleEnvironment], num_envs: int) -> None:
        self._environments = [make() for _ in range(num_envs)]
        first = self._environments[0]
        self._spaces = first.observation_space, first.action_space
        self._actions = ActionCodec(first.action_space)
        self._observations = ObservationCodec(first.observation_space, self._actions.space)
        self._masks = MaskReader(first.observation_space, self._actions.space)
        # None until an environment has been reset: masks are found in what it says then.
        self._is_masked: bool | None = None if self._masks.can_be_masked else False
        self._allowed: list[Bools | None] = [None] * num_envs
        self.at_work: tuple[int, bool] | None = None

    @property
    def num_envs(self) -> int:
        return len(self._environments)

    @property
    def releases_lock(self) -> bool:
        return False

    @property
    def action_mask(self) -> Bools | None:
        if not self._is_masked:
            return None
        everything = np.ones(self._actions.space.num_logits, np.bool_)
        return np.stack([everything if row is None else row for row in self._allowed])

    @property
    def observation_space(self) -> ObservationSpace:
        return self._observations.space

    @property
    def action_space(self) -> ActionSpace:
        """Of one environment; resets the first one if none was yet."""
        if self._is_masked is None:
            self._note_mask(0, *self._begin(0, 0))
            self._is_masked = self._allowed[0] is not None
        return self._actions.space.with_mask(is_masked=self._is_masked)

    def reset(self, seeds: Sequence[int]) -> Array:
        first: list[Any] = []
        for lane, seed in enumerate(seeds):
            observation, info = self._begin(lane, int(seed))
            first.append(observation)
            self._note_mask(lane, observation, info)
        if self._is_masked is None:
            self._is_masked = any(row is not None for row in self._allowed)
        return self._encode(first)

    def step(self, actions: Array) -> Step:
        """Step every environment; one whose episode ended is reset at once."""
        successors: list[Any] = []
        shown: list[Any] = []
        figures: list[tuple[float, bool, bool]] = []
        executed = self._actions.encode_each(actions)
        for lane, environment in enumerate(self._environments):
            self.at_work = lane, False
            try:
                observation, reward, terminated, truncated, info = environment.step(executed[lane])
                figures.append((float(reward), bool(terminated), bool(truncated)))
            except BaseException as error:
                raise fault_of(error, lane, "step()") from error
            if terminated or truncated:
                # An environment may show one buffer for ever: the reset would write over the final observation.
                successors.append(_copied(observation))
                observation, info = self._begin(lane)
            else:
                successors.append(observation)
            shown.append(observation)
            if self._is_masked:
                self._note_mask(lane, observation, info)
        return self._assemble(successors, shown, figures)

    def render(self, lane: int) -> Picture:
        environment = self._environments[lane]
        name = environment.spec.id if environment.spec is not None else type(environment.unwrapped).__name__
        if environment.render_mode != "rgb_array":
            raise refuse_picture(name, f"its render mode is {environment.render_mode!r}")
        return picture_of(environment.render, name)

    def close(self) -> None:
        with contextlib.ExitStack() as closing:
            # All of them, also where one raises.
            for environment in self._environments:
                closing.callback(environment.close)

    def _begin(self, lane: int, seed: int | None = None) -> tuple[Any, Info]:
        """Begin an episode; a seed begins them anew."""
        environment = self._environments[lane]
        self.at_work = lane, True
        try:
            observation, info = environment.reset(seed=seed)
        except BaseException as error:
            raise fault_of(error, lane, "reset()") from error
        names = "observation_space", "action_space"
        for name, declared in zip(names, self._spaces, strict=True):
            now = getattr(environment, name)
            if now is not declared and now != declared:
                raise LaneFault(lane, f"changed its {name}: it is {now} now, it was {declared}")
        return observation, info

    def _note_mask(self, lane: int, observation: Any, info: Info) -> None:  # noqa: ANN401 - any environment's
        try:
            self._allowed[lane] = self._masks.row(observation, info)
        except BaseException as error:
            raise fault_of(error, lane, "its action mask") from error

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
        return encode_lanes(self._observations, observations)


def encode_lanes(codec: ObservationCodec, observations: list[Any]) -> Array:
    """Return one observation a lane as `[N, ...]`.

    Raises:
      LaneFault: names the lane whose observation the space does not hold.
    """
    try:
        return codec.encode_each(observations)
    except Exception as error:
        raise _culprit(codec, observations, error) from error


def _culprit(codec: ObservationCodec, observations: list[Any], error: Exception) -> LaneFault:
    for lane, observation in enumerate(observations):
        try:
            codec.encode_each([observation])
        except Exception as own:  # noqa: BLE001 - of what the environment returned
            return LaneFault(lane, f"showed what its space does not hold: {own}")
    return LaneFault(None, f"showed what its space does not hold: {error}")


def _copied(observation: Any) -> Any:  # noqa: ANN401 - any environment's
    return np.array(observation) if isinstance(observation, np.ndarray) else copy.deepcopy(observation)
