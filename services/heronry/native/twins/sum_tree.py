"""The sum tree, a level at a time."""

import numpy as np

from heronry.native.arrays import Indices, Reals
from heronry.native.twins.arguments import require

_RADIX = 16
_SHIFT = 4
_MANY = 128


def sum_tree_set(nodes: Reals, offsets: Indices, slots: Indices, weights: Reals) -> None:
    """Set leaves and recompute their ancestors."""
    require(nodes=(nodes, np.float64), offsets=(offsets, np.int64), slots=(slots, np.int64), weights=(weights, "f8"))
    if len(slots) != len(weights):
        raise ValueError(f"{len(slots)} slots, {len(weights)} weights")
    if len(slots) and not (slots.min() >= 0 and slots.max() < offsets[1]):
        raise IndexError(f"a slot outside the tree's {offsets[1]} leaves")
    nodes[slots] = weights
    touched = slots
    for level in range(1, len(offsets) - 1):
        touched = touched >> _SHIFT
        if len(touched) > _MANY:
            touched = np.unique(touched)
        children = _level(nodes, offsets, level - 1).reshape(-1, _RADIX)[touched]
        _level(nodes, offsets, level)[touched] = _sums(children)


def sum_tree_rebuild(nodes: Reals, offsets: Indices) -> None:
    """Recompute all inner nodes."""
    require(nodes=(nodes, np.float64), offsets=(offsets, np.int64))
    for level in range(1, len(offsets) - 1):
        sums = _sums(_level(nodes, offsets, level - 1).reshape(-1, _RADIX))
        _level(nodes, offsets, level)[: len(sums)] = sums


def sum_tree_sample(nodes: Reals, offsets: Indices, targets: Reals, out: Indices) -> None:
    """Fill `out` with the leaf that each target falls on."""
    require(nodes=(nodes, np.float64), offsets=(offsets, np.int64), targets=(targets, np.float64), out=(out, np.int64))
    found = np.zeros(len(targets), np.int64)
    rest = targets
    for level in range(len(offsets) - 3, -1, -1):
        children = _level(nodes, offsets, level).reshape(-1, _RADIX)[found]
        ends = np.cumsum(children, axis=1)
        choice = (ends <= rest[:, None]).sum(axis=1)
        past = choice == _RADIX
        if past.any():
            choice[past] = _last_with_weight(children[past])
        rest = _within(rest, ends, children, choice)
        found = (found << _SHIFT) + choice
    out[:] = found


def _level(nodes: Reals, offsets: Indices, level: int) -> Reals:
    return nodes[offsets[level] : offsets[level + 1]]


def _sums(children: Reals) -> Reals:
    # By cumsum, not sum: the same order of additions as in the descent, so that a parent's value
    # is exactly the end of its last child.
    return np.asarray(np.cumsum(children, axis=1)[:, -1])


def _last_with_weight(children: Reals) -> Indices:
    return np.asarray(_RADIX - 1 - (children[:, ::-1] > 0).argmax(axis=1), np.int64)


def _within(rest: Reals, ends: Reals, children: Reals, choice: Indices) -> Reals:
    """Return the target relative to the chosen child, held inside the child's weight."""
    rows = np.arange(len(choice))
    starts = np.where(choice > 0, ends[rows, choice - 1], 0.0)
    weights = children[rows, choice]
    return np.clip(rest - starts, 0.0, np.nextafter(weights, 0.0))
