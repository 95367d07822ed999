"""One suite over both twins of the sum tree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import sum_tree_offsets, sum_tree_rebuild, sum_tree_sample, sum_tree_set
from heronry.native.backend import Loops

weights = st.one_of(st.just(0.0), st.floats(1e-6, 1e6), st.sampled_from([5e-324, 1e-300, 1e300]))


def tree(leaves: np.ndarray, loops: Loops) -> tuple[np.ndarray, np.ndarray]:
    offsets = sum_tree_offsets(len(leaves))
    nodes = np.zeros(offsets[-1])
    sum_tree_set(nodes, offsets, np.arange(len(leaves)), leaves, loops=loops)
    return nodes, offsets


def root(leaves: list[float]) -> float:
    """Sum 16 at a time, each from left to right, as the tree promises."""
    level = list(leaves)
    while True:
        sums = []
        for first in range(0, len(level), 16):
            total = 0.0
            for value in level[first : first + 16]:
                total += value
            sums.append(total)
        if len(sums) == 1:
            return sums[0]
        level = sums


@pytest.mark.parametrize("capacity,expected", [(1, [0, 16, 17]), (16, [0, 16, 17]), (17, [0, 32, 48, 49])])
def test_levels_are_padded_to_sixteen_and_end_in_a_root(capacity: int, expected: list[int]) -> None:
    assert sum_tree_offsets(capacity).tolist() == expected


@given(st.lists(weights, min_size=1, max_size=300))
def test_the_root_is_the_sum_of_the_leaves(loops: Loops, leaves: list[float]) -> None:
    nodes, _ = tree(np.array(leaves), loops)

    assert nodes[-1] == root(leaves)


@given(st.integers(1, 5000), st.integers(0, 2**32 - 1), st.lists(st.tuples(st.integers(0), weights), max_size=200))
def test_what_was_set_last_counts_whatever_was_before(
    loops: Loops, capacity: int, seed: int, changes: list[tuple[int, float]]
) -> None:
    leaves = np.random.default_rng(seed).uniform(0, 1, capacity)
    nodes, offsets = tree(leaves, loops)

    slots = np.array([slot % capacity for slot, _ in changes], np.int64)
    sum_tree_set(nodes, offsets, slots, np.array([weight for _, weight in changes]), loops=loops)

    for slot, (_, weight) in zip(slots, changes, strict=True):
        leaves[slot] = weight
    np.testing.assert_array_equal(nodes, tree(leaves, loops)[0])


@given(st.integers(1, 3000), st.integers(0, 2**32 - 1))
def test_targets_away_from_boundaries_fall_where_the_inverse_cdf_says(loops: Loops, capacity: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    leaves = rng.uniform(0, 1, capacity) * (rng.uniform(0, 1, capacity) < 0.7)
    leaves[rng.integers(capacity)] = 1.0
    nodes, offsets = tree(leaves, loops)
    targets = rng.uniform(0, nodes[-1], 64)

    slots = sum_tree_sample(nodes, offsets, targets, loops=loops)

    ends = np.cumsum(leaves)
    expected = np.searchsorted(ends, targets, side="right")
    clear = np.abs(ends[:, None] - targets).min(axis=0) > 1e-9 * ends[-1]
    np.testing.assert_array_equal(slots[clear], expected[clear])


@given(st.lists(weights, min_size=1, max_size=600), st.integers(0, 2**32 - 1))
def test_a_slot_without_weight_is_never_returned(loops: Loops, leaves: list[float], seed: int) -> None:
    leaves[seed % len(leaves)] = 1.0
    nodes, offsets = tree(np.array(leaves), loops)
    total = nodes[-1]
    targets = np.concatenate([np.random.default_rng(seed).uniform(0, total, 50), [0, np.nextafter(total, 0), total]])

    slots = sum_tree_sample(nodes, offsets, targets, loops=loops)

    assert (np.array(leaves)[slots] > 0).all()


def test_a_target_past_the_end_falls_to_the_last_slot_with_weight(loops: Loops) -> None:
    leaves = np.zeros(1000)
    leaves[[3, 400, 701]] = 1.0
    nodes, offsets = tree(leaves, loops)

    assert sum_tree_sample(nodes, offsets, np.array([3.0, 1e9]), loops=loops).tolist() == [701, 701]


def test_every_slot_comes_as_often_as_its_weight_says(loops: Loops) -> None:
    leaves = np.arange(40, dtype=np.float64)
    nodes, offsets = tree(leaves, loops)

    # A target in the middle of each unit of weight: exact counts, no chance involved.
    slots = sum_tree_sample(nodes, offsets, np.arange(int(nodes[-1])) + 0.5, loops=loops)

    np.testing.assert_array_equal(np.bincount(slots, minlength=40), leaves.astype(np.int64))


def test_rebuilding_gives_the_tree_that_setting_gives(loops: Loops) -> None:
    leaves = np.random.default_rng(3).uniform(0, 1, 5000)
    nodes, offsets = tree(leaves, loops)
    bare = np.zeros_like(nodes)
    bare[:5000] = leaves

    sum_tree_rebuild(bare, offsets, loops=loops)

    np.testing.assert_array_equal(bare, nodes)


@given(st.integers(1, 70000), st.integers(0, 400), st.integers(0, 2**32 - 1))
def test_both_twins_agree_to_the_last_bit(twins: list[Loops], capacity: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    leaves = rng.exponential(1.0, capacity) ** 3 * (rng.uniform(0, 1, capacity) < 0.8)
    leaves[0] = 0.1
    slots, values = rng.integers(0, capacity, count), rng.uniform(0, 100, count)
    results = []
    for loops in twins:
        nodes, offsets = tree(leaves, loops)
        sum_tree_set(nodes, offsets, slots, values, loops=loops)
        targets = np.random.default_rng(seed).uniform(0, nodes[-1], 200)
        results.append((nodes, sum_tree_sample(nodes, offsets, np.append(targets, nodes[-1]), loops=loops)))

    np.testing.assert_array_equal(results[0][0].view(np.uint64), results[1][0].view(np.uint64))
    np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize("slot", [-1, 32, 1 << 40])
def test_a_slot_outside_the_tree_is_refused_and_nothing_changes(loops: Loops, slot: int) -> None:
    nodes, offsets = tree(np.ones(20), loops)
    before = nodes.copy()

    with pytest.raises(IndexError, match="slot"):
        sum_tree_set(nodes, offsets, np.array([0, slot]), np.array([9.0, 9.0]), loops=loops)

    np.testing.assert_array_equal(nodes, before)


def test_other_types_are_refused(loops: Loops) -> None:
    nodes, offsets = tree(np.ones(20), loops)

    with pytest.raises(TypeError):
        sum_tree_set(nodes, offsets, np.array([0], np.int32), np.array([1.0]), loops=loops)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        sum_tree_sample(nodes, offsets, np.ones(8)[::2], loops=loops)
