"""A policy of one hidden layer whose weights are one flat vector."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

NUM_OBSERVED, HIDDEN = 4, 16
NUM_PARAMETERS = HIDDEN * (NUM_OBSERVED + 2) + 1
# Public constants that bring position, velocity, angle and angular velocity to a common size.
_SCALE = np.array([1.0, 1.0, 0.1, 1.0], np.float32)


def initial_weights(seed: int) -> Array:
    """Return [P] weights of a policy that hardly prefers either action."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(0, NUM_OBSERVED**-0.5, HIDDEN * NUM_OBSERVED)
    head = rng.normal(0, 0.1 * HIDDEN**-0.5, HIDDEN)
    return np.concatenate([hidden, np.zeros(HIDDEN), head, [0.0]]).astype(np.float32)


def features(state: npt.NDArray[np.floating]) -> Array:
    """Return [4, B] inputs of the policy for these states."""
    return state.astype(np.float32) / _SCALE[:, None]


def hidden_and_logit(weights: Array, inputs: Array) -> tuple[Array, Array]:
    """Return [H, B] hidden values and [B] log odds of pushing right."""
    kernel, bias, head, offset = _parts(weights)
    hidden = np.tanh(kernel @ inputs + bias[:, None])
    return hidden, head @ hidden + offset


def probability(logit: Array) -> Array:
    """Return the probability of pushing right at these log odds."""
    # The logistic function by tanh, which takes logits of any size without a warning.
    half: Array = np.tanh(np.float32(0.5) * logit)
    return np.float32(0.5) * (np.float32(1) + half)


def logit_gradient(weights: Array, inputs: Array, hidden: Array, outer: Array) -> Array:
    """Return [P], the sum over the batch of `outer` times the gradient of the log odds."""
    head = _parts(weights)[2]
    back = outer * head[:, None] * (1 - hidden * hidden)
    parts = (back @ inputs.T).ravel(), back.sum(axis=1), hidden @ outer, outer.sum(keepdims=True)
    return np.concatenate(parts)


def _parts(weights: Array) -> tuple[Array, Array, Array, Array]:
    end = HIDDEN * NUM_OBSERVED
    kernel = weights[:end].reshape(HIDDEN, NUM_OBSERVED)
    return kernel, weights[end : end + HIDDEN], weights[end + HIDDEN : end + 2 * HIDDEN], weights[-1:]
