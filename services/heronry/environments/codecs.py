"""Gymnasium's spaces as plain descriptions, and the conversions at the environment's edge."""

import gymnasium
import numpy as np

from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import Array


class ObservationCodec:
    """Makes stored observations of what environments return."""

    def __init__(self, space: gymnasium.Space[object]) -> None:
        self._categories = 0
        self._start = 0
        if isinstance(space, gymnasium.spaces.Discrete):
            self._categories, self._start = int(space.n), int(space.start)
            self.space = ObservationSpace((self._categories,))
        elif isinstance(space, gymnasium.spaces.Box):
            stored = np.dtype(np.float32) if space.dtype == np.float64 else np.dtype(space.dtype)
            self.space = ObservationSpace(tuple(int(n) for n in space.shape), stored.name)
        else:
            raise _unsupported("observation_space", space)
        self._dtype = np.dtype(self.space.element_type)

    def encode(self, observations: Array) -> Array:
        """Return observations `[N, ...]` in their stored form; a copy only where that differs."""
        if not self._categories:
            return observations.astype(self._dtype, copy=False)
        categories = np.asarray(observations, np.int64).reshape(-1) - self._start
        encoded = np.zeros((len(categories), self._categories), np.float32)
        encoded[np.arange(len(categories)), categories] = 1.0
        return encoded


class ActionCodec:
    """Makes what environments accept of the actions that policies choose."""

    def __init__(self, space: gymnasium.Space[object]) -> None:
        self._start = 0
        self._box: gymnasium.spaces.Box | None = None
        if isinstance(space, gymnasium.spaces.Discrete):
            self._start = int(space.start)
            self.space = ActionSpace("discrete", num_actions=int(space.n))
        elif isinstance(space, gymnasium.spaces.Box) and np.issubdtype(space.dtype, np.floating):
            self._box = space
            low, high = (tuple(float(b) for b in bound.reshape(-1)) for bound in (space.low, space.high))
            self.space = ActionSpace("box", shape=tuple(int(n) for n in space.shape), low=low, high=high)
        else:
            raise _unsupported("action_space", space)

    def encode(self, actions: Array) -> Array:
        """Return actions `[N, ...]` as the environments execute them: within bounds, counted from their start."""
        if self._box is not None:
            clipped: Array = np.clip(actions, self._box.low, self._box.high).astype(self._box.dtype, copy=False)
            return clipped
        return np.asarray(actions, np.int64) + self._start if self._start else actions


def _unsupported(field: str, space: gymnasium.Space[object]) -> InvalidArgumentError:
    kinds = "Box" if field == "observation_space" else "Box of reals"
    return InvalidArgumentError.of(f"environment.{field}", str(space), f"{kinds}, Discrete")
