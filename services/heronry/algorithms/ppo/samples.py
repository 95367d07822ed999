"""Makes PPO's training samples of a batch of unrolls."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from heronry.maths.networks import NetworkSpec
from heronry.maths.returns import BoolArray, Steps, generalized_advantages
from heronry.types.errors import SchemaMismatchError
from heronry.types.experience import Batch
from heronry.types.tensors import Array, FloatArray

_COLUMNS = (
    "observation", "action", "reward", "terminated", "truncated", "next_observation", "mask", "log_probability",
)  # fmt: skip

ACTION_MASK = "action_mask"
"""Column of the choices that were allowed, where environments have such masks."""


@dataclass(frozen=True)
class Unrolls:
    """A batch of unrolls, ready for value estimates.

    Attributes:
      steps: rewards and episode ends [T, B].
      observations: [T, B, size] flattened.
      boundary: indices into [T * B] of the rows whose successor is no row's observation and has a
        value: the last row and truncated ones, terminated and masked ones left out.
      boundary_observations: [K, size], the successors of those rows.
    """

    steps: Steps
    observations: FloatArray
    boundary: Array
    boundary_observations: FloatArray


@dataclass(frozen=True)
class Samples:
    """Rows to learn from, on the device; S each.

    Attributes:
      observations: [S, size] flattened.
      actions: [S] of one choice, [S, components] of several or of reals.
      log_probabilities, advantages, returns: [S].
      action_masks: [S, logits] bool, the choices that were allowed; None where all always are.
    """

    observations: Tensor
    actions: Tensor
    log_probabilities: Tensor
    advantages: Tensor
    returns: Tensor
    action_masks: Tensor | None = None

    def __len__(self) -> int:
        return len(self.observations)

    def take(self, rows: Tensor) -> "Samples":
        """Return some of the rows."""
        return Samples(
            self.observations[rows],
            self.actions[rows],
            self.log_probabilities[rows],
            self.advantages[rows],
            self.returns[rows],
            None if self.action_masks is None else self.action_masks[rows],
        )


def unrolls_of(batch: Batch, network: NetworkSpec, discount: float) -> Unrolls:
    """Return the parts of a batch that value estimates of a network need.

    Raises:
      SchemaMismatchError: a column is missing.
    """
    columns = batch.columns
    missing = [name for name in _COLUMNS if name not in columns]
    if missing:
        raise SchemaMismatchError.of("batch.columns", sorted(columns), f"also {', '.join(missing)}")
    terminated, truncated, mask = (_flags(columns[n]) for n in ("terminated", "truncated", "mask"))
    rewards = columns["reward"].astype(np.float32, copy=False)
    needs_value = truncated.copy()
    needs_value[-1] = True
    boundary = np.flatnonzero(needs_value & ~terminated & mask)
    successors = columns["next_observation"]
    chosen = successors.reshape(-1, *successors.shape[2:])[boundary]
    steps = Steps(rewards, terminated, truncated, discount, mask)
    return Unrolls(steps, network.inputs(columns["observation"], 2), boundary, network.inputs(chosen))


def samples_of(
    batch: Batch, unrolls: Unrolls, estimates: FloatArray, gae_lambda: float, device: torch.device
) -> Samples:
    """Return the samples of a batch, masked rows left out.

    Args:
      batch: as sampled.
      unrolls: of that batch.
      estimates: [T * B + K], the values of `observations` and of `boundary_observations`.
      gae_lambda: λ of the advantages.
      device: where to learn.
    """
    values, advantages = _advantages(unrolls, estimates, gae_lambda)
    num_rows = advantages.size
    columns = [
        unrolls.observations.reshape(num_rows, -1),
        _actions(batch.columns["action"]),
        batch.columns["log_probability"].reshape(num_rows),
        advantages.reshape(num_rows),
        (advantages + values).reshape(num_rows),
    ]
    if ACTION_MASK in batch.columns:
        columns.append(batch.columns[ACTION_MASK].reshape(num_rows, -1))
    mask = unrolls.steps.mask
    if mask is not None and not mask.all():
        rows = mask.reshape(-1)
        columns = [column[rows] for column in columns]
    return Samples(*(torch.from_numpy(np.array(c)).to(device) for c in columns))


def _actions(column: Array) -> Array:
    """Return actions `[T, B, ...]` as rows; reals of any shape become vectors, as the policy's head puts them out."""
    num_rows = column.shape[0] * column.shape[1]
    is_one_choice = column.ndim == 2 and not np.issubdtype(column.dtype, np.floating)
    return column.reshape(num_rows) if is_one_choice else column.reshape(num_rows, -1)


def _advantages(unrolls: Unrolls, estimates: FloatArray, gae_lambda: float) -> tuple[FloatArray, FloatArray]:
    shape = unrolls.steps.rewards.shape
    values = estimates[: unrolls.steps.rewards.size].reshape(shape)
    next_values = np.zeros(shape, np.float32)
    next_values[:-1] = values[1:]
    # At a cut row the line above took the next episode's first value; these are the true ones.
    next_values.reshape(-1)[unrolls.boundary] = estimates[unrolls.steps.rewards.size :]
    return values, generalized_advantages(unrolls.steps, values, next_values, gae_lambda)


def _flags(column: Array) -> BoolArray:
    flags: BoolArray = column.astype(np.bool_, copy=False)
    return flags
