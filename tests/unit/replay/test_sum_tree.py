import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heronry.replay.core.sum_tree import SumTree

weights_lists = st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1e6)), min_size=1, max_size=600)


@given(weights_lists, st.data())
def test_the_root_is_the_sum_of_the_leaves_whatever_happened_before(weights: list[float], data: st.DataObject) -> None:
    tree = SumTree(16)
    expected = np.zeros(len(weights))
    tree.grow(len(weights))
    for _ in range(3):
        slots = data.draw(st.lists(st.integers(0, len(weights) - 1), max_size=40))
        values = np.array([weights[(s * 7 + len(slots)) % len(weights)] for s in slots])
        tree.set_many(np.array(slots, np.int64), values)
        for slot, value in zip(slots, values, strict=True):
            expected[slot] = value

    assert math.isclose(tree.total, math.fsum(expected), rel_tol=1e-12, abs_tol=1e-300)
    np.testing.assert_array_equal(tree.weights(np.arange(len(weights))), expected)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=5000))
def test_sums_of_integers_are_exact(weights: list[int]) -> None:
    tree = SumTree(len(weights))
    tree.set_many(np.arange(len(weights)), np.array(weights, np.float64))

    assert tree.total == sum(weights)


def test_equal_leaves_give_equal_trees() -> None:
    rng = np.random.default_rng(5)
    weights = rng.random(3000) ** 3
    at_once, one_by_one = SumTree(3000), SumTree(16)
    at_once.set_many(np.arange(3000), weights)
    one_by_one.grow(3000)
    for slot in rng.permutation(3000):
        one_by_one.set_many(np.array([slot, slot]), np.array([123.0, weights[slot]]))

    assert at_once.total == one_by_one.total


def test_draws_are_those_of_the_inverse_distribution_away_from_boundaries() -> None:
    rng = np.random.default_rng(11)
    for size in (1, 15, 16, 17, 257, 20_000):
        weights = rng.random(size) ** 4 * (rng.random(size) > 0.3)
        weights[rng.integers(size)] = 0.7
        tree = SumTree(size)
        tree.set_many(np.arange(size), weights)
        ends = np.cumsum(weights)
        targets = rng.random(4000) * ends[-1]
        expected = np.searchsorted(ends, targets, side="right")

        drawn = tree.sample_many(targets)

        # Where they differ, rounding moved a boundary past the target: the gap must be of that size.
        differs = drawn != expected
        gaps = np.abs(ends[np.minimum(expected, drawn)[differs]] - targets[differs])
        assert (gaps < 1e-9 * ends[-1]).all()
        assert differs.mean() < 0.001


def test_a_slot_without_weight_is_never_drawn() -> None:
    weights = np.zeros(1000)
    weights[[3, 500, 998]] = [0.1, 0.2, 0.3]
    tree = SumTree(1000)
    tree.set_many(np.arange(1000), weights)
    total = tree.total
    edges = np.array([0.0, 0.1, np.nextafter(0.1, 1), 0.3, np.nextafter(0.3, 0), total, np.nextafter(total, 9), 5.0])

    drawn = tree.sample_many(np.concatenate([edges, np.random.default_rng(0).random(10_000) * total]))

    assert set(drawn.tolist()) == {3, 500, 998}
    assert drawn[5:8].tolist() == [998, 998, 998]


def test_the_last_of_a_repeated_slot_wins() -> None:
    tree = SumTree(16)

    tree.set_many(np.array([2, 5, 2]), np.array([1.0, 4.0, 8.0]))

    assert tree.weights(np.array([2])).tolist() == [8.0]
    assert tree.total == 12.0
