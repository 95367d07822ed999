"""Makes Q-learning's transitions of a batch of windows."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from heronry.maths.importance import importance_weights
from heronry.maths.networks import NetworkSpec
from heronry.maths.returns import Steps, window_returns
from heronry.types.errors import SchemaMismatchError
from heronry.types.experience import Batch

_COLUMNS = ("observation", "action", "reward", "terminated", "truncated", "next_observation", "mask")

NEXT_ACTION_MASK = "next_action_mask"
"""Column of what the true successors allow, where environments have such masks."""


@dataclass(frozen=True)
class Transitions:
    """n-step transitions on the device; B each.

    Attributes:
      observations, actions: of the window's first step.
      rewards: discounted sum over the k steps up to the episode's or the window's end.
      discounts: γ^k, 0 after termination.
      successors: the observation to bootstrap from, the true one of step k.
      weights: importance weights, 0 where the first step is no experience.
      successor_masks: [B, A] bool, what the successors allow; None where everything always is.
    """

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    discounts: Tensor
    successors: Tensor
    weights: Tensor
    successor_masks: Tensor | None = None

    def __len__(self) -> int:
        return len(self.actions)

    def split(self, size: int) -> list["Transitions"]:
        """Deal the transitions out, one to each group in turn, to groups of at most `size`.

        A sample drawn in strata lies in the order of the table, oldest items mostly first. Consecutive
        items would be learnt from together then, each group a short stretch of time of its own.
        """
        num_groups = -(-len(self) // size)
        return [self._take(slice(first, None, num_groups)) for first in range(num_groups)]

    def _take(self, rows: slice) -> "Transitions":
        return Transitions(
            self.observations[rows],
            self.actions[rows],
            self.rewards[rows],
            self.discounts[rows],
            self.successors[rows],
            self.weights[rows],
            None if self.successor_masks is None else self.successor_masks[rows],
        )


def transitions_of(
    batch: Batch, network: NetworkSpec, discount: float, importance_exponent: float, device: torch.device
) -> Transitions:
    """Return a batch's transitions.

    Raises:
      SchemaMismatchError: a column is missing.
    """
    columns = batch.columns
    missing = [name for name in _COLUMNS if name not in columns]
    if missing:
        raise SchemaMismatchError.of("batch.columns", sorted(columns), f"also {', '.join(missing)}")
    terminated, truncated = (columns[n].astype(np.bool_, copy=False) for n in ("terminated", "truncated"))
    mask = columns["mask"].astype(np.bool_, copy=False)
    # Where an environment died between two blocks no end was written: the row that it lost is the only trace.
    cut = np.concatenate([truncated[:-1] | ~mask[1:], truncated[-1:]])
    returns = window_returns(Steps(columns["reward"].astype(np.float32, copy=False), terminated, cut, discount))
    successors = columns["next_observation"][returns.last, np.arange(batch.batch_size)]
    weights = importance_weights(batch.probabilities, batch.table_size, importance_exponent)
    arrays = [
        network.inputs(columns["observation"][0]),
        columns["action"][0],
        returns.rewards,
        returns.discounts,
        network.inputs(successors),
        # A window may begin on the row where its environment reset itself: nothing was done there.
        weights * mask[0].astype(np.float32),
    ]
    if NEXT_ACTION_MASK in columns:
        arrays.append(columns[NEXT_ACTION_MASK][returns.last, np.arange(batch.batch_size)])
    return Transitions(*(torch.from_numpy(np.array(a)).to(device) for a in arrays))
