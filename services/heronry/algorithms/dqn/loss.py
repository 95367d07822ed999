"""The temporal-difference loss in torch; `heronry.maths.losses` is its oracle."""

import torch
from torch import Tensor

from heronry.algorithms.dqn.windows import Transitions


def targets(transitions: Transitions, next_online: Tensor, next_target: Tensor, *, double: bool) -> Tensor:
    """Return r + γ^k q_target(s', argmax q(s')), [B]; the argmax is over what s' allows.

    Source: van Hasselt et al. 2016, "Deep reinforcement learning with double Q-learning", equation 4.
    """
    values = next_online if double else next_target
    if transitions.successor_masks is not None:
        values = values.masked_fill(~transitions.successor_masks, -torch.inf)
    chosen = values.argmax(1, keepdim=True)
    return torch.addcmul(transitions.rewards, transitions.discounts, next_target.gather(1, chosen)[:, 0])


def td_errors(values: Tensor, transitions: Transitions, target: Tensor) -> Tensor:
    """Return q(s, a) - target, [B]."""
    return values.gather(1, transitions.actions[:, None])[:, 0] - target


def weighted_huber(errors: Tensor, weights: Tensor) -> Tensor:
    """Return the mean of the weighted Huber losses of the errors."""
    per_item = torch.nn.functional.huber_loss(errors, torch.zeros_like(errors), reduction="none")
    return torch.mean(per_item * weights)
