"""A tree of sums over slots, for drawing in proportion to weights."""

import numpy as np
import numpy.typing as npt

from heronry.native import sum_tree_offsets, sum_tree_sample, sum_tree_set
from heronry.replay.core.reserved import reserved
from heronry.replay.core.selector import Slots

Weights = npt.NDArray[np.float64]


class SumTree:
    """Weights of slots as leaves, each inner node the sum of its 16 children; float64 throughout.

    A parent is recomputed from its children from left to right, never by differences: no error builds
    up, and equal leaves give equal trees whatever happened before. All levels lie in one array, the leaves
    first, which is reserved and touched as slots are used. O(k * 16 * log16 n) for k slots.
    """

    def __init__(self, capacity: int) -> None:
        self._offsets = sum_tree_offsets(capacity)
        self._nodes = reserved(int(self._offsets[-1]), np.float64)

    @property
    def capacity(self) -> int:
        """Slots there is room for."""
        return int(self._offsets[1])

    @property
    def total(self) -> float:
        """Sum of all weights."""
        return float(self._nodes[-1])

    def weights(self, slots: Slots) -> Weights:
        """Return the weights of slots."""
        return self._nodes.take(slots)

    def leaves(self, count: int) -> Weights:
        """Return the weights of the first slots; a view."""
        return self._nodes[:count]

    def set_many(self, slots: Slots, weights: Weights) -> None:
        """Set the weights of slots; the last of a repeated slot wins."""
        sum_tree_set(self._nodes, self._offsets, slots, weights)

    def sample_many(self, targets: Weights) -> Slots:
        """Return for each target in [0, total) the slot at which the running sum of weights passes it.

        A slot without weight is never returned, also where rounding carries a target past the end:
        it then falls to the last slot with weight. The total must be above 0.
        """
        return sum_tree_sample(self._nodes, self._offsets, targets)

    def grow(self, capacity: int) -> None:
        """Make room for more slots; the weights stay."""
        leaves = self._nodes[: self.capacity]
        self._offsets = sum_tree_offsets(max(capacity, self.capacity))
        self._nodes = reserved(int(self._offsets[-1]), np.float64)
        slots = np.flatnonzero(leaves)
        self.set_many(slots, leaves[slots])

    def clear(self, slots: Slots) -> None:
        """Set the weights of all `slots` to 0."""
        self.set_many(slots, np.zeros(len(slots)))
