"""PPO's loss in torch; `heronry.maths.losses` is its oracle.

Axes: S samples, A actions or components of an action.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from heronry.algorithms.ppo.samples import Samples

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True)
class Outputs:
    """What the network says about samples.

    Attributes:
      policy: [S, A], logits or means.
      values: [S].
      log_std: [A] of a Gaussian policy, None for a categorical one.
      num_choices: how many of the logits belong to each of several choices; empty for one.
    """

    policy: Tensor
    values: Tensor
    log_std: Tensor | None
    num_choices: tuple[int, ...] = ()


@dataclass(frozen=True)
class Loss:
    """The total to descend along, and its terms for the figures."""

    total: Tensor
    policy: Tensor
    value: Tensor
    entropy: Tensor
    log_ratios: Tensor


@dataclass(frozen=True)
class Coefficients:
    """Weights of the terms, and the clip of the ratio."""

    clip: float
    value: float
    entropy: float


def ppo_loss(outputs: Outputs, samples: Samples, advantages: Tensor, coefficients: Coefficients) -> Loss:
    """Return the clipped surrogate loss.

    Source: Schulman et al. 2017, "Proximal policy optimization algorithms", equations 7 and 9.
    """
    log_probabilities, entropy = _policy_terms(outputs, samples, needs_entropy=coefficients.entropy > 0)
    log_ratios = log_probabilities - samples.log_probabilities
    ratios = log_ratios.exp()
    clipped = ratios.clamp(1 - coefficients.clip, 1 + coefficients.clip)
    policy = -torch.min(ratios * advantages, clipped * advantages).mean()
    value = torch.nn.functional.mse_loss(outputs.values, samples.returns)
    total = torch.add(policy, value, alpha=coefficients.value)
    if coefficients.entropy > 0:
        total = torch.sub(total, entropy, alpha=coefficients.entropy)
    return Loss(total, policy, value, entropy, log_ratios)


def normalized(advantages: Tensor) -> Tensor:
    """Return advantages with mean 0 and standard deviation 1; a single one is left alone."""
    if len(advantages) < 2:
        return advantages
    return (advantages - advantages.mean()) / (advantages.std() + 1e-8)


def approximate_kl(log_ratios: Tensor) -> Tensor:
    """Return mean((r - 1) - log r), an estimate of KL(behaviour || new)."""
    return (torch.expm1(log_ratios) - log_ratios).mean()


def _policy_terms(outputs: Outputs, samples: Samples, *, needs_entropy: bool) -> tuple[Tensor, Tensor]:
    """Return the actions' log-probabilities [S] and the mean entropy; detached where no gradient needs it."""
    actions = samples.actions
    if outputs.log_std is None:
        logits = _masked(outputs.policy, samples.action_masks)
        if not outputs.num_choices:
            return _categorical_terms(logits, actions, needs_entropy=needs_entropy)
        terms = [
            _categorical_terms(logits_of_one, actions[:, component], needs_entropy=needs_entropy)
            for component, logits_of_one in enumerate(torch.split(logits, list(outputs.num_choices), 1))
        ]
        return torch.stack([chosen for chosen, _ in terms]).sum(0), torch.stack([entropy for _, entropy in terms]).sum()
    normal = (actions - outputs.policy) * torch.exp(-outputs.log_std)
    density = -0.5 * normal.square() - outputs.log_std - _HALF_LOG_2PI
    return density.sum(1), (outputs.log_std + (_HALF_LOG_2PI + 0.5)).sum()


def _categorical_terms(logits: Tensor, actions: Tensor, *, needs_entropy: bool) -> tuple[Tensor, Tensor]:
    log_softmax = torch.log_softmax(logits, 1)
    chosen = log_softmax.gather(1, actions[:, None])[:, 0]
    terms = log_softmax if needs_entropy else log_softmax.detach()
    return chosen, -(terms.exp() * terms).sum(1).mean()


def _masked(logits: Tensor, mask: Tensor | None) -> Tensor:
    """Return logits as the behaviour policy had them: without the choices that were not allowed.

    The least finite number gives them no probability; -inf would make their part of the entropy
    0 times infinity.
    """
    return logits if mask is None else logits.masked_fill(~mask, torch.finfo(logits.dtype).min)
