"""Losses on plain arrays: what the torch versions are compared with.

Axes: B batch, A actions. Everything is computed in the arguments' precision; float64 gives a
reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.int64]


def log_softmax(logits: Real) -> Real:
    """Return log softmax over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: Real = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def categorical_entropy(logits: Real) -> Real:
    """Return the entropy in nats of softmax(logits), [B]."""
    log_probabilities = log_softmax(logits)
    entropy: Real = -(np.exp(log_probabilities) * log_probabilities).sum(axis=-1)
    return entropy


def masked_logits(logits: Real, mask: npt.NDArray[np.bool_]) -> Real:
    """Return logits with -inf for what is not allowed."""
    return np.where(mask, logits, -np.inf)


def choices_log_probability(logits: Real, actions: Integers, num_choices: Sequence[int]) -> Real:
    """Return the summed log-probabilities of several choices, [B].

    Args:
      logits: [B, sum of num_choices], of each choice after the other; -inf where it is not allowed.
      actions: [B, len(num_choices)].
      num_choices: of each component.
    """
    total: Real = np.zeros(len(logits))
    for component, part in enumerate(np.split(logits, np.cumsum(num_choices)[:-1], axis=1)):
        total = total + np.take_along_axis(log_softmax(part), actions[:, component, None], axis=1)[:, 0]
    return total


def choices_entropy(logits: Real, num_choices: Sequence[int]) -> Real:
    """Return the entropy in nats of several independent choices, [B]; what is not allowed has no part in it."""
    total: Real = np.zeros(len(logits))
    for part in np.split(logits, np.cumsum(num_choices)[:-1], axis=1):
        log_probabilities = log_softmax(part)
        finite = np.where(np.isfinite(log_probabilities), log_probabilities, 0.0)
        total = total - (np.exp(log_probabilities) * finite).sum(axis=1)
    return total


def gaussian_log_probability(means: Real, log_std: Real, actions: Real) -> Real:
    """Return log N(actions; means, exp(log_std)), summed over components: [B]."""
    normal = (actions - means) * np.exp(-log_std)
    density: Real = -0.5 * np.square(normal) - log_std - 0.5 * np.log(2 * np.pi)
    total: Real = density.sum(axis=-1)
    return total


def gaussian_entropy(log_std: Real) -> Real:
    """Return the entropy in nats of independent normals, summed over components."""
    entropy: Real = (log_std + 0.5 * np.log(2 * np.pi * np.e)).sum(axis=-1)
    return entropy


def normalize(advantages: Real) -> Real:
    """Return advantages with mean 0 and standard deviation 1; fewer than two are left alone."""
    if advantages.size < 2:
        return advantages
    result: Real = (advantages - advantages.mean()) / (advantages.std(ddof=1) + 1e-8)
    return result


def clipped_surrogate(log_ratios: Real, advantages: Real, clip: float) -> Real:
    """Return PPO's objective per sample, to be maximised, [B].

    Args:
      log_ratios: log π(a) - log μ(a) of the new over the behaviour policy.
      advantages: normalised or not.
      clip: bound of |π/μ - 1| beyond which there is nothing to gain.

    Source: Schulman et al. 2017, "Proximal policy optimization algorithms", equation 7.
    """
    ratios = np.exp(log_ratios)
    return np.minimum(ratios * advantages, np.clip(ratios, 1 - clip, 1 + clip) * advantages)


def approximate_kl(log_ratios: Real) -> float:
    """Return an estimate of KL(behaviour || new) that is never negative: mean((r - 1) - log r).

    Source: Schulman 2020, "Approximating KL divergence", k3.
    """
    return float((np.expm1(log_ratios) - log_ratios).mean())


@dataclass(frozen=True)
class PpoCoefficients:
    """Weights of PPO's loss."""

    clip: float
    value: float
    entropy: float


def ppo_loss(
    log_ratios: Real, advantages: Real, values: Real, returns: Real, entropy: Real, coefficients: PpoCoefficients
) -> float:
    """Return PPO's loss, to be minimised; the value term is the plain mean square.

    Source: Schulman et al. 2017, equation 9 with its signs turned.
    """
    policy = clipped_surrogate(log_ratios, advantages, coefficients.clip).mean()
    value = np.square(values - returns).mean()
    return float(coefficients.value * value - policy - coefficients.entropy * entropy.mean())


def huber(errors: Real, threshold: float = 1.0) -> Real:
    """Return 0.5 e^2 within `threshold`, linear with the same slope beyond."""
    size = np.abs(errors)
    return np.where(size <= threshold, 0.5 * np.square(errors), threshold * (size - 0.5 * threshold))


def double_q_targets(
    rewards: Real,
    discounts: Real,
    next_online: Real,
    next_target: Real,
    *,
    double: bool = True,
    next_mask: npt.NDArray[np.bool_] | None = None,
) -> Real:
    """Return r + γ^k q_target(s', argmax q(s')), [B].

    Args:
      rewards: [B], the discounted sum of the window's rewards.
      discounts: [B], γ^k, 0 at termination.
      next_online: [B, A] of the online network, which chooses when `double`.
      next_target: [B, A] of the target network, which values.
      double: False lets the target network choose as well.
      next_mask: [B, A], what may be chosen in s'; None: everything.

    Source: van Hasselt et al. 2016, "Deep reinforcement learning with double Q-learning", equation 4.
    """
    values = next_online if double else next_target
    chosen = (values if next_mask is None else masked_logits(values, next_mask)).argmax(axis=-1)
    return rewards + discounts * np.take_along_axis(next_target, chosen[:, None], axis=-1)[:, 0]
