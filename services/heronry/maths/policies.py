"""How actions are chosen from a network's outputs.

A sampler acts for a whole unroll: its random numbers are drawn once at the start and its
log-probabilities computed once at the end, so that a step costs two or three array operations.
Drawing is apart from acting: several samplers may act for parts of the lanes with one unroll's
numbers, and C++ may act with them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from heronry.maths.action_masks import masked, nth_allowed, parts
from heronry.maths.spaces import ActionSpace
from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import Array, FloatArray

# NumPy sums fewer than eight numbers one after the other.
_FEW = 8
_MANY = 2**62
_LOG_SQRT_2PI = float(0.5 * np.log(2.0 * np.pi))


Randoms = Mapping[str, npt.NDArray[Any]]
"""The random numbers of one unroll by name, `[T, N, ...]` each, of whatever type the sampler draws."""


def lanes_of(randoms: Randoms, lanes: slice) -> Randoms:
    """Return the random numbers of some lanes."""
    return {name: array[:, lanes] for name, array in randoms.items()}


class Sampler(Protocol):
    """Chooses actions for unrolls of `[T, N]` steps."""

    def draw(self, num_steps: int, num_lanes: int, rng: np.random.Generator) -> Randoms:
        """Return the random numbers of one unroll; changes nothing but `rng`."""
        ...

    def begin(self, num_steps: int, num_lanes: int, randoms: Randoms) -> None:
        """Start an unroll with numbers that `draw` returned; they are used up."""
        ...

    def choose(self, step: int, outputs: FloatArray, actions: Array, mask: Array | None = None) -> None:
        """Write the actions of step `step`, `[N, ...]`, for the head's outputs `[N, n]`.

        What `mask` `[N, n]` excludes is not chosen, and has no part in the probabilities.

        Raises:
          InvalidArgumentError: the mask leaves a lane nothing to choose.
        """
        ...

    def log_probabilities(self) -> FloatArray | None:
        """Return those of the unroll's actions `[T, N]`, or None when nobody needs them."""
        ...


class CategoricalSampler:
    """Draws from softmax(logits) by the Gumbel-max rule: argmax of logits plus Gumbel noise.

    Of several choices at once each is drawn by itself, and their log-probabilities are summed.

    Args:
      num_choices: of each component of an action; one number for a discrete space.

    Source: Maddison et al. 2014, "A* Sampling", section 2.
    """

    def __init__(self, *num_choices: int) -> None:
        self._num_choices = num_choices
        self._noise: FloatArray = np.empty((0, 0, sum(num_choices)), np.float32)
        self._logits = self._noise
        self._actions: npt.NDArray[np.int64] = np.empty((0, 0, len(num_choices)), np.int64)

    def draw(self, num_steps: int, num_lanes: int, rng: np.random.Generator) -> Randoms:
        return {"gumbel": rng.gumbel(size=(num_steps, num_lanes, sum(self._num_choices))).astype(np.float32)}

    def begin(self, num_steps: int, num_lanes: int, randoms: Randoms) -> None:
        self._noise = randoms["gumbel"]
        self._logits = np.empty((num_steps, num_lanes, sum(self._num_choices)), np.float32)
        self._actions = np.empty((num_steps, num_lanes, len(self._num_choices)), np.int64)

    def choose(self, step: int, outputs: FloatArray, actions: Array, mask: Array | None = None) -> None:
        logits, noise, chosen = self._logits[step], self._noise[step], self._actions[step]
        logits[...] = masked(outputs, mask, self._num_choices)
        np.add(noise, logits, out=noise)
        for component, noisy in enumerate(parts(noise, self._num_choices)):
            noisy.argmax(axis=1, out=chosen[:, component])
        actions[...] = chosen.reshape(actions.shape)

    def log_probabilities(self) -> FloatArray:
        return choice_log_probabilities(self._logits, self._actions, self._num_choices)

    def log_probabilities_of(self, logits: FloatArray, actions: npt.NDArray[np.int64]) -> FloatArray:
        """Return those of actions `[T, N, ...]` that were chosen elsewhere, from logits `[T, N, n]`."""
        return choice_log_probabilities(logits, actions.reshape(*logits.shape[:2], -1), self._num_choices)


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

    def draw(self, num_steps: int, num_lanes: int, rng: np.random.Generator) -> Randoms:
        return {"normal": rng.standard_normal((num_steps, num_lanes, self._size), dtype=np.float32)}

    def begin(self, num_steps: int, num_lanes: int, randoms: Randoms) -> None:
        self._normal = randoms["normal"]
        self._deviation = self._normal * np.exp(self._log_std)

    @property
    def deviation(self) -> FloatArray:
        """What the unroll's actions differ by from their means, `[T, N, A]`."""
        return self._deviation

    def choose(self, step: int, outputs: FloatArray, actions: Array, mask: Array | None = None) -> None:
        np.add(outputs, self._deviation[step], out=actions.reshape(outputs.shape))

    def log_probabilities(self) -> FloatArray:
        density = -0.5 * np.square(self._normal) - self._log_std - np.float32(_LOG_SQRT_2PI)
        total: FloatArray = density.sum(axis=-1, dtype=np.float32)
        return total


class EpsilonGreedySampler:
    """Takes the action of the highest value, but any allowed action with probability `epsilon`."""

    def __init__(self, num_actions: int, epsilon: float, *, is_masked: bool = False) -> None:
        self.epsilon = epsilon
        self._num_actions = num_actions
        # How many actions are allowed is not known when the numbers are drawn.
        self._num_random = _MANY if is_masked else num_actions
        self._explores: npt.NDArray[np.bool_] = np.empty((0, 0), np.bool_)
        self._random: npt.NDArray[np.int64] = np.empty((0, 0), np.int64)

    def draw(self, num_steps: int, num_lanes: int, rng: np.random.Generator) -> Randoms:
        shape = (num_steps, num_lanes)
        return {"explores": rng.random(shape) < self.epsilon, "action": rng.integers(self._num_random, size=shape)}

    def begin(self, num_steps: int, num_lanes: int, randoms: Randoms) -> None:
        self._explores = randoms["explores"]
        self._random = randoms["action"]

    def choose(self, step: int, outputs: FloatArray, actions: Array, mask: Array | None = None) -> None:
        actions[:] = masked(outputs, mask, (self._num_actions,)).argmax(axis=1)
        random = self._random[step] if mask is None else nth_allowed(mask, self._random[step])
        np.copyto(actions, random, where=self._explores[step])

    def log_probabilities(self) -> None:
        return None


class GreedySampler:
    """Takes the likeliest action, or the one of the highest value."""

    def __init__(self, action_space: ActionSpace) -> None:
        self._num_choices = action_space.num_choices

    def draw(self, num_steps: int, num_lanes: int, rng: np.random.Generator) -> Randoms:
        """Draw nothing: the choice is certain."""
        return {}

    def begin(self, num_steps: int, num_lanes: int, randoms: Randoms) -> None:
        """Take nothing."""

    def choose(self, step: int, outputs: FloatArray, actions: Array, mask: Array | None = None) -> None:
        if not self._num_choices:
            actions[...] = outputs.reshape(actions.shape)
            return
        chosen = actions.reshape(len(outputs), -1)
        for component, logits in enumerate(parts(masked(outputs, mask, self._num_choices), self._num_choices)):
            chosen[:, component] = logits.argmax(axis=1)
        actions[...] = chosen.reshape(actions.shape)

    def log_probabilities(self) -> None:
        return None


def choice_log_probabilities(
    logits: FloatArray, actions: npt.NDArray[np.int64], num_choices: Sequence[int]
) -> FloatArray:
    """Return the summed log-probabilities of several choices: logits `[..., L]`, actions `[..., C]` -> `[...]`."""
    of_components = [
        categorical_log_probabilities(part, actions[..., component])
        for component, part in enumerate(parts(logits, num_choices))
    ]
    return sum(of_components[1:], start=of_components[0])


def categorical_log_probabilities(logits: FloatArray, actions: npt.NDArray[np.int64]) -> FloatArray:
    """Return log softmax(logits)[action]: logits `[..., A]`, actions `[...]` -> `[...]`."""
    if logits.shape[-1] >= _FEW:
        shifted = logits - logits.max(axis=-1, keepdims=True)
        normaliser = np.log(np.exp(shifted).sum(axis=-1))
        taken: FloatArray = np.take_along_axis(shifted, actions[..., np.newaxis], axis=-1)[..., 0]
        taken -= normaliser
        return taken
    # The same operations in the same order choice by choice, five times as fast for a few of them.
    columns = np.moveaxis(logits, -1, 0).copy()
    columns -= columns.max(axis=0)
    of_chosen: FloatArray = np.choose(actions, list(columns))
    np.exp(columns, out=columns)
    of_chosen -= np.log(columns.sum(axis=0))
    return of_chosen


def sampler_for(algorithm: str, action_space: ActionSpace, *, greedy: bool = False, epsilon: float = 0.0) -> Sampler:
    """Return the sampler that an algorithm acts with on a space."""
    if greedy:
        return GreedySampler(action_space)
    if acting_head(algorithm) == "q":
        return EpsilonGreedySampler(action_space.size, epsilon, is_masked=action_space.is_masked)
    if action_space.is_continuous:
        return GaussianSampler(action_space.size)
    return CategoricalSampler(*action_space.num_choices)


def acting_head(algorithm: str) -> str:
    """Return the head of an algorithm's network that chooses actions.

    Raises:
      InvalidArgumentError: the algorithm is unknown.
    """
    heads = {"ppo": "policy", "external": "policy", "dqn": "q"}
    if algorithm not in heads:
        raise InvalidArgumentError.of("algorithm.name", algorithm, ", ".join(heads))
    return heads[algorithm]
