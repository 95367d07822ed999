"""Tensors that no optimiser sees."""

import numpy as np
import pytest

from heronry.params.core.buffers import MergedBuffers
from heronry.types.tensors import MergeRule, ModelSchema, TensorRole


def merged(rule: MergeRule, newest, pushes: list[tuple[object, float]]) -> np.ndarray:
    newest = np.asarray(newest)
    schema = ModelSchema.of({"t": newest}, {"t": (TensorRole.STATISTIC, rule)})
    running = MergedBuffers(schema.tensors)
    for values, weight in pushes:
        running = running.plus({"t": np.asarray(values, newest.dtype)}, weight)
    return running.published({"t": newest})["t"]


def test_the_last_contribution_wins() -> None:
    np.testing.assert_array_equal(merged(MergeRule.LAST, [0], [([5], 1.0), ([3], 9.0)]), [3])


def test_means_are_weighted_and_those_of_integers_rounded() -> None:
    assert merged(MergeRule.MEAN, np.float32(0), [(1.0, 1.0), (3.0, 3.0)]) == np.float32(2.5)
    assert merged(MergeRule.MEAN, np.int32(0), [(1, 1.0), (3, 3.0)]) == 2
    assert merged(MergeRule.MEAN, np.int32(0), [(4, 1.0), (5, 3.0)]).dtype == np.int32


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
def test_counts_are_added_exactly_in_any_order(order: list[int]) -> None:
    increments = [2**53, 1, 1]

    result = merged(MergeRule.MERGE_COUNTS, np.array([10], np.int64), [([increments[i]], 1.0) for i in order])

    assert int(result[0]) == 10 + 2**53 + 2


@pytest.mark.parametrize("weight", [1e-3, 0.3, 7.0])
def test_a_single_contribution_is_its_own_mean_bit_for_bit(weight: float) -> None:
    pushed = np.random.default_rng(1).normal(size=50).astype(np.float32)

    result = merged(MergeRule.MEAN, np.zeros(50, np.float32), [(pushed, weight)])

    assert result.tobytes() == pushed.tobytes()


def test_a_single_integer_beyond_the_precision_of_floats_is_published_as_it_is() -> None:
    assert int(merged(MergeRule.MEAN, np.int64(0), [(2**53 + 1, 0.3)])) == 2**53 + 1


def test_adding_leaves_the_merge_before_as_it_was() -> None:
    schema = ModelSchema.of({"t": np.float32(0)}, {"t": (TensorRole.BUFFER, MergeRule.MEAN)})
    before = MergedBuffers(schema.tensors).plus({"t": np.float32(1)}, 1.0)

    before.plus({"t": np.float32(9)}, 3.0)

    assert before.published({"t": np.float32(0)})["t"] == 1.0
