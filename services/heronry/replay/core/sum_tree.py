"""A tree of sums over slots, for drawing in proportion to weights."""

import numpy as np
import numpy.typing as npt

from heronry.replay.core.selector import Slots

Weights = npt.NDArray[np.float64]

RADIX = 16
_SHIFT = 4
_MANY = 128


class SumTree:
    """Weights of slots as leaves, each inner node the sum of its 16 children; float64 throughout.

    A parent is recomputed from its children from left to right, never by differences: no error builds
    up, and equal leaves give equal trees whatever happened before. All calls are vectorised over slots,
    one step a level: O(k * 16 * log16 n).
    """

    def __init__(self, capacity: int = RADIX) -> None:
        self._levels = _levels(np.zeros(max(capacity, 1)))

    @property
    def capacity(self) -> int:
        """Slots there is room for."""
        return len(self._levels[0])

    @property
    def total(self) -> float:
        """Sum of all weights."""
        return float(self._levels[-1][0])

    def weights(self, slots: Slots) -> Weights:
        """Return the weights of slots."""
        return self._levels[0][slots]

    def set_many(self, slots: Slots, weights: Weights) -> None:
        """Set the weights of slots; the last of a repeated slot wins."""
        self._levels[0][slots] = weights
        nodes = slots
        for level in range(1, len(self._levels)):
            nodes = nodes >> _SHIFT
            if len(nodes) > _MANY:
                nodes = np.unique(nodes)
            children = self._levels[level - 1].reshape(-1, RADIX)[nodes]
            self._levels[level][nodes] = _sums(children)

    def sample_many(self, targets: Weights) -> Slots:
        """Return for each target in [0, total) the slot at which the running sum of weights passes it.

        A slot without weight is never returned, also where rounding carries a target past the end:
        it then falls to the last slot with weight. The total must be above 0.
        """
        nodes = np.zeros(len(targets), np.int64)
        rest = np.asarray(targets, np.float64)
        for level in range(len(self._levels) - 2, -1, -1):
            children = self._levels[level].reshape(-1, RADIX)[nodes]
            ends = np.cumsum(children, axis=1)
            choice = (ends <= rest[:, None]).sum(axis=1)
            past = choice == RADIX
            if past.any():
                choice[past] = _last_with_weight(children[past])
            rest = _within(rest, ends, children, choice)
            nodes = (nodes << _SHIFT) + choice
        return nodes

    def grow(self, capacity: int) -> None:
        """Make room for more slots; the weights stay."""
        leaves = np.zeros(max(capacity, self.capacity))
        leaves[: self.capacity] = self._levels[0]
        self._levels = _levels(leaves)

    def clear(self) -> None:
        """Set all weights to 0."""
        for level in self._levels:
            level.fill(0.0)


def _levels(leaves: Weights) -> list[Weights]:
    levels = [_padded(leaves)]
    while len(levels[-1]) > 1:
        sums = _sums(levels[-1].reshape(-1, RADIX))
        levels.append(sums if len(sums) == 1 else _padded(sums))
    return levels


def _padded(nodes: Weights) -> Weights:
    return np.concatenate([nodes, np.zeros(-len(nodes) % RADIX)])


def _sums(children: Weights) -> Weights:
    # By cumsum, not sum: the same order of additions as in the descent, so that a parent's value
    # is exactly the end of its last child.
    return np.asarray(np.cumsum(children, axis=1)[:, -1])


def _last_with_weight(children: Weights) -> Slots:
    return np.asarray(RADIX - 1 - (children[:, ::-1] > 0).argmax(axis=1), np.int64)


def _within(rest: Weights, ends: Weights, children: Weights, choice: Slots) -> Weights:
    """Return the target relative to the chosen child, held inside the child's weight."""
    rows = np.arange(len(choice))
    starts = np.where(choice > 0, ends[rows, choice - 1], 0.0)
    weights = children[rows, choice]
    return np.clip(rest - starts, 0.0, np.nextafter(weights, 0.0))
