"""Makes Q-learning's transitions of a batch of windows."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from heronry.maths.importance import importance_weights
from heronry.maths.returns import Steps, window_returns
from heronry.maths.spaces import flatten_observations
from heronry.types.errors import SchemaMismatchError
from heronry.types.experience import Batch

_COLUMNS = ("observation", "action", "reward", "terminated", "truncated", "next_observation", "mask")


@dataclass(frozen=True)
class Transitions:
    """n-step transitions on the device; B each.

    Attributes:
      observations, actions: of the window's first step.
      rewards: discounted sum over the k steps up to the episode's or the window's end.
      discounts: γ^k, 0 after termination.
      successors: the observation to bootstrap from, the true one of step k.
      weights: importance weights, 0 where the first step is no experience.
    """

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    discounts: Tensor
    successors: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.actions)

    def split(self, size: int) -> list["Transitions"]:
        """Deal the transitions out, one to each group in turn, to groups of at most `size`.

        A sample drawn in strata lies in the order of the table, oldest items mostly first. Consecutive
        items would be learnt from together then, each group a short stretch of time of its own.
        """
        columns = (self.observations, self.actions, self.rewards, self.discounts, self.successors, self.weights)
        num_groups = -(-len(self) // size)
        return [Transitions(*(column[first::num_groups] for column in columns)) for first in range(num_groups)]


def transitions_of(batch: Batch, discount: float, importance_exponent: float, device: torch.device) -> Transitions:
    """Return a batch's transitions.

    Raises:
      SchemaMismatchError: a column is missing.
    """
    columns = batch.columns
    missing = [name for name in _COLUMNS if name not in columns]
    if missing:
        raise SchemaMismatchError.of("batch.columns", sorted(columns), f"also {', '.join(missing)}")
    terminated, truncated = (columns[n].astype(np.bool_, copy=False) for n in ("terminated", "truncated"))
    returns = window_returns(Steps(columns["reward"].astype(np.float32, copy=False), terminated, truncated, discount))
    successors = columns["next_observation"][returns.last, np.arange(batch.batch_size)]
    weights = importance_weights(batch.probabilities, batch.table_size, importance_exponent)
    arrays = (
        flatten_observations(columns["observation"][0]),
        columns["action"][0],
        returns.rewards,
        returns.discounts,
        flatten_observations(successors),
        # A window may begin on the row where its environment reset itself: nothing was done there.
        weights * columns["mask"][0].astype(np.float32),
    )
    return Transitions(*(torch.from_numpy(np.array(a)).to(device) for a in arrays))
