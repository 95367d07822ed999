"""How actions are chosen from a network's outputs.

A sampler acts for a whole unroll: its random numbers are drawn once at the start and its
log-probabilities computed once at the end, so that a step costs two or three array operations.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from heronry.maths.spaces import ActionSpace
from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import Array, FloatArray

_LOG_SQRT_2PI = float(0.5 * np.log(2.0 * np.pi))


class Sampler(Protocol):
    """Chooses actions for unrolls of `[T, N]` steps."""

    def begin(self, num_steps: int, num_lanes: int, rng: np.random.Generator) -> None:
        """Draw the random numbers of one unroll."""
        ...

    def choose(self, step: int, outputs: FloatArray, actions: Array) -> None:
        """Write the actions of step `step`, `[N, ...]`, for the head's outputs `[N, n]`."""
        ...

    def log_probabilities(self) -> FloatArray | None:
        """Return those of the unroll's actions `[T, N]`, or None when nobody needs them."""
        ...


class CategoricalSampler:
    """Draws from softmax(logits) by the Gumbel-max rule: argmax of logits plus Gumbel noise.

    Source: Maddison et al. 2014, "A* Sampling", section 2.
    """

    def __init__(self, num_actions: int) -> None:
        self._num_actions = num_actions
        self._noise: FloatArray = np.empty((0, 0, num_actions), np.float32)
        self._logits = self._noise
        self._actions: npt.NDArray[np.int64] = np.empty((0, 0), np.int64)

    def begin(self, num_steps: int, num_lanes: int, rng: np.random.Generator) -> None:
        shape = (num_steps, num_lanes, self._num_actions)
        self._noise = rng.gumbel(size=shape).astype(np.float32)
        self._logits = np.empty(shape, np.float32)
        self._actions = np.empty(shape[:2], np.int64)

    def choose(self, step: int, outputs: FloatArray, actions: Array) -> None:
        self._logits[step] = outputs
        noise = self._noise[step]
        np.add(noise, outputs, out=noise)
        noise.argmax(axis=1, out=self._actions[step])
        actions[:] = self._actions[step]

    def log_probabilities(self) -> FloatArray:
        return categorical_log_probabilities(self._logits, self._actions)


class GaussianSampler:
    """Draws from a normal distribution with independent components.

    The actions are not clipped: their probabilities are those of the unbounded distribution, and
    the environment's edge clips what it executes.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._log_std: FloatArray = np.zeros(size, np.float32)
        self._normal: FloatArray = np.empty((0, 0, size), np.float32)
        self._deviation = self._normal

    def load(self, log_std: FloatArray) -> None:
        """Take the logarithm of the standard deviations, `[A]`; it holds from the next unroll on."""
        self._log_std = log_std.astype(np.float32)

    def begin(self, num_steps: int, num_lanes: int, rng: np.random.Generator) -> None:
        self._normal = rng.standard_normal((num_steps, num_lanes, self._size), dtype=np.float32)
        self._deviation = self._normal * np.exp(self._log_std)

    def choose(self, step: int, outputs: FloatArray, actions: Array) -> None:
        np.add(outputs, self._deviation[step], out=actions.reshape(outputs.shape))

    def log_probabilities(self) -> FloatArray:
        density = -0.5 * np.square(self._normal) - self._log_std - np.float32(_LOG_SQRT_2PI)
        total: FloatArray = density.sum(axis=-1, dtype=np.float32)
        return total


class EpsilonGreedySampler:
    """Takes the action of the highest value, but any action with probability `epsilon`."""

    def __init__(self, num_actions: int, epsilon: float) -> None:
        self.epsilon = epsilon
        self._num_actions = num_actions
        self._explores: npt.NDArray[np.bool_] = np.empty((0, 0), np.bool_)
        self._random: npt.NDArray[np.int64] = np.empty((0, 0), np.int64)

    def begin(self, num_steps: int, num_lanes: int, rng: np.random.Generator) -> None:
        shape = (num_steps, num_lanes)
        self._explores = rng.random(shape) < self.epsilon
        self._random = rng.integers(self._num_actions, size=shape)

    def choose(self, step: int, outputs: FloatArray, actions: Array) -> None:
        actions[:] = outputs.argmax(axis=1)
        np.copyto(actions, self._random[step], where=self._explores[step])

    def log_probabilities(self) -> None:
        return None


class GreedySampler:
    """Takes the likeliest action, or the one of the highest value."""

    def __init__(self, action_space: ActionSpace) -> None:
        self._is_continuous = action_space.is_continuous

    def begin(self, num_steps: int, num_lanes: int, rng: np.random.Generator) -> None:
        """Draw nothing: the choice is certain."""

    def choose(self, step: int, outputs: FloatArray, actions: Array) -> None:
        actions[:] = outputs.reshape(actions.shape) if self._is_continuous else outputs.argmax(axis=1)

    def log_probabilities(self) -> None:
        return None


def categorical_log_probabilities(logits: FloatArray, actions: npt.NDArray[np.int64]) -> FloatArray:
    """Return log softmax(logits)[action]: logits `[..., A]`, actions `[...]` -> `[...]`."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    normaliser = np.log(np.exp(shifted).sum(axis=-1))
    taken: FloatArray = np.take_along_axis(shifted, actions[..., np.newaxis], axis=-1)[..., 0]
    taken -= normaliser
    return taken


def acting_head(algorithm: str) -> str:
    """Return the head of an algorithm's network that chooses actions.

    Raises:
      InvalidArgumentError: the algorithm is unknown.
    """
    heads = {"ppo": "policy", "external": "policy", "dqn": "q"}
    if algorithm not in heads:
        raise InvalidArgumentError.of("algorithm.name", algorithm, ", ".join(heads))
    return heads[algorithm]
