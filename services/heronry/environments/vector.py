"""What the fleet needs of environments stepped side by side, whatever engine runs them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.tensors import Array, FloatArray


class Step(NamedTuple):
    """One step of N environments.

    Attributes:
      observation: `[N, ...]`, what the next action is chosen from: after an episode's end the
        next episode's first, where the engine shows it already.
      reward: `[N]` float32.
      terminated, truncated: `[N]` bool; False in rows that `mask` excludes.
      next_observation: `[N, ...]`, the true successor of the state that was acted in, at an
        episode's end its final observation.
      mask: `[N]` bool; False where the engine ignored the action to reset, so that the row is no
        experience.
    """

    observation: Array
    reward: FloatArray
    terminated: npt.NDArray[np.bool_]
    truncated: npt.NDArray[np.bool_]
    next_observation: Array
    mask: npt.NDArray[np.bool_]


class VectorEnvironment(Protocol):
    """N environments that begin a new episode by themselves; owned by one thread."""

    @property
    def num_envs(self) -> int:
        """N."""
        ...

    @property
    def observation_space(self) -> ObservationSpace:
        """Of one environment, as its observations are stored."""
        ...

    @property
    def action_space(self) -> ActionSpace:
        """Of one environment."""
        ...

    def reset(self, seeds: Sequence[int]) -> Array:
        """Begin the first episodes; return their first observations `[N, ...]`."""
        ...

    def step(self, actions: Array) -> Step:
        """Step every environment once; the arrays returned are the caller's."""
        ...

    def close(self) -> None:
        """Release what the environments hold."""
        ...
