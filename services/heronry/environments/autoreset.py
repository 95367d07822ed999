"""Gymnasium's vector environments in their three autoreset modes, behind one interface.

NEXT_STEP: the step after an episode's end ignores the action, resets, and rewards 0; that row is
masked out. SAME_STEP: the ending step resets and shows the next episode, the final observation
comes in `final_obs`. DISABLED: the caller resets, by mask.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from heronry.environments.codecs import ActionCodec, ObservationCodec
from heronry.environments.vector import Step
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import Array, FloatArray

Engine = gymnasium.vector.VectorEnv[Any, Any, Any]
_Bools = npt.NDArray[np.bool_]


class AutoresettingEnvironment:
    """A `VectorEnvironment` over a Gymnasium vector environment; the mode is the engine's own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._observations = ObservationCodec(engine.single_observation_space)
        self._actions = ActionCodec(engine.single_action_space)
        self._mode = _mode_of(engine)
        self._resets_next: _Bools = np.zeros(engine.num_envs, np.bool_)

    @property
    def num_envs(self) -> int:
        return int(self._engine.num_envs)

    @property
    def observation_space(self) -> ObservationSpace:
        return self._observations.space

    @property
    def action_space(self) -> ActionSpace:
        return self._actions.space

    def reset(self, seeds: Sequence[int]) -> Array:
        """Begin the first episodes; an engine with one generator for all takes the first seed."""
        self._resets_next = np.zeros(self.num_envs, np.bool_)
        takes_list = hasattr(self._engine.unwrapped, "env_fns")
        seed = [int(s) for s in seeds] if takes_list else int(seeds[0])
        observation, _ = self._engine.reset(seed=seed)  # type: ignore[arg-type]  # lists are typed in subclasses only
        return self._observations.encode(observation)

    def step(self, actions: Array) -> Step:
        observation, reward, terminated, truncated, info = self._engine.step(self._actions.encode(actions))
        shown = self._observations.encode(observation)
        rewards: FloatArray = np.asarray(reward, np.float32)
        if self._mode is AutoresetMode.NEXT_STEP:
            mask = ~self._resets_next
            self._resets_next = np.logical_or(terminated, truncated)
            return Step(shown, rewards, terminated, truncated, shown, mask)
        ended = np.logical_or(terminated, truncated)
        mask = np.ones(len(ended), np.bool_)
        if not ended.any():
            return Step(shown, rewards, terminated, truncated, shown, mask)
        if self._mode is AutoresetMode.SAME_STEP:
            return Step(shown, rewards, terminated, truncated, self._final(shown, ended, info), mask)
        # An engine may show one buffer for ever: the reset would write over the final observations.
        final = shown.copy()
        return Step(self._reset(final, ended), rewards, terminated, truncated, final, mask)

    def close(self) -> None:
        self._engine.close()

    def _final(self, shown: Array, ended: _Bools, info: dict[str, Any]) -> Array:
        """Return the successors: `shown` with the final observations where episodes ended."""
        successors = shown.copy()
        final = info["final_obs"]
        rows = np.stack([np.asarray(final[i]) for i in np.flatnonzero(ended)])
        successors[ended] = self._observations.encode(rows)
        return successors

    def _reset(self, final: Array, ended: _Bools) -> Array:
        """Reset where episodes ended; return what to act on next, leaving `final` as it is."""
        observation, _ = self._engine.reset(options={"reset_mask": ended.copy()})
        shown = final.copy()
        shown[ended] = self._observations.encode(observation)[ended]
        return shown


def _mode_of(engine: Engine) -> AutoresetMode:
    mode = engine.metadata.get("autoreset_mode")
    if mode is None:
        allowed = ", ".join(m.name for m in AutoresetMode)
        raise InvalidArgumentError.of("environment.metadata.autoreset_mode", None, allowed)
    return AutoresetMode(mode)
