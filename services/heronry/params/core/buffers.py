"""Merging of BUFFER and STATISTIC tensors, which no optimiser sees.

Their values mean the same whatever the kind of a contribution: new values under LAST and MEAN,
increments under MERGE_COUNTS. LAST depends on the order of arrival, MEAN on it within rounding.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from heronry.types.tensors import Array, MergeRule, TensorSpec


@dataclass(frozen=True)
class MergedBuffers:
    """A round's running merge; adding makes a new one.

    Attributes:
      tensors: what is merged.
      values: by name; means still undivided.
      unit: the weight of the first contribution: a single one is its own mean, whatever its weight.
      denominator: the weights of all, in that unit.
    """

    tensors: tuple[TensorSpec, ...]
    values: Mapping[str, Array] = field(default_factory=dict)
    unit: float = 1.0
    denominator: float = 0.0

    def plus(self, pushed: Mapping[str, Array], weight: float) -> "MergedBuffers":
        """Return the merge with one more contribution, `weight` being what it counts in means."""
        unit = self.unit if self.denominator else weight
        share = weight / unit
        merged = {t.name: _merge(t, self.values.get(t.name), pushed[t.name], share) for t in self.tensors}
        return MergedBuffers(self.tensors, merged, unit, self.denominator + share)

    def published(self, newest: Mapping[str, Array]) -> dict[str, Array]:
        """Return the new values, given the newest ones."""
        return {t.name: _publish(t, newest[t.name], self.values[t.name], self.denominator) for t in self.tensors}


def _merge(tensor: TensorSpec, merged: Array | None, pushed: Array, share: float) -> Array:
    if tensor.merge_rule is MergeRule.LAST:
        return pushed
    if tensor.merge_rule is MergeRule.MEAN:
        # The first one's share is 1: it stays in its own type, in which it may be published.
        return pushed if merged is None else _wide(merged) + _wide(pushed) * share
    return pushed if merged is None else _added(merged, pushed)


def _publish(tensor: TensorSpec, newest: Array, merged: Array, denominator: float) -> Array:
    if tensor.merge_rule is MergeRule.LAST:
        return merged
    if tensor.merge_rule is MergeRule.MEAN:
        dtype = tensor.element_type.dtype
        if denominator == 1.0 and merged.dtype == dtype:
            return merged
        return _rounded(_wide(merged) / denominator, dtype)
    return _added(newest, merged)


def _wide(values: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(values, np.float64)


def _rounded(mean: Array, dtype: np.dtype[np.generic]) -> Array:
    """Round means of integers and flags to the nearest; floats keep their fraction."""
    is_float = np.issubdtype(dtype, np.floating)
    return (mean if is_float else np.rint(_wide(mean))).astype(dtype)


def _added(left: Array, right: Array) -> Array:
    """Add in the tensor's own type: integer counters are exact and order-independent."""
    with np.errstate(over="ignore"):
        # Whoever publishes refuses what is not finite, by name.
        return np.add(left, right, dtype=left.dtype)
