"""Sums of slots' weights in a tree of radix 16, for drawing in proportion to weights.

The tree is one float64 array, level after level: the leaves, then the sums of 16 leaves each, up to the
root, which is its last element. Levels other than the root are padded to a multiple of 16 with zeros. A parent is
recomputed from its children from left to right, never by differences: no error builds up, and equal leaves
give equal trees whatever happened before, bit for bit in both twins.
"""

import numpy as np

from heronry.native.arrays import Indices, Reals
from heronry.native.backend import LOOPS, Loops

SUM_TREE_RADIX = 16


def sum_tree_offsets(capacity: int) -> Indices:
    """Return where each level of a tree with room for `capacity` slots begins, and last the number of nodes.

    An all-zero array of that many float64 is an empty tree.
    """
    offsets = [0]
    size = max(capacity, 1)
    while size > 1 or len(offsets) == 1:
        size += -size % SUM_TREE_RADIX
        offsets.append(offsets[-1] + size)
        size //= SUM_TREE_RADIX
    return np.array([*offsets, offsets[-1] + 1], np.int64)


def sum_tree_set(nodes: Reals, offsets: Indices, slots: Indices, weights: Reals, *, loops: Loops = LOOPS) -> None:
    """Set the weights of slots; the last of a repeated slot wins. O(16 k log16 n), less for neighbours.

    Args:
      nodes: the tree, changed in place.
      offsets: as `sum_tree_offsets` gives them.
      slots: [k].
      weights: [k], finite and >= 0.
      loops: the twin to use; the one chosen at import by default.

    Raises:
      IndexError: a slot is not in the tree; nothing is changed then.
    """
    loops.sum_tree_set(nodes, offsets, slots, weights)


def sum_tree_rebuild(nodes: Reals, offsets: Indices, *, loops: Loops = LOOPS) -> None:
    """Recompute all sums, after the leaves were written directly. O(n)."""
    loops.sum_tree_rebuild(nodes, offsets)


def sum_tree_sample(nodes: Reals, offsets: Indices, targets: Reals, *, loops: Loops = LOOPS) -> Indices:
    """Return for each target in [0, total) the slot at which the running sum of weights passes it.

    A slot without weight is never returned, also where rounding carries a target past the end: it then
    falls to the last slot with weight. The total, `nodes[-1]`, must be above 0. O(16 k log16 n).
    """
    out = np.empty(len(targets), np.int64)
    loops.sum_tree_sample(nodes, offsets, targets, out)
    return out
