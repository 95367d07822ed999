"""The mean of differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heronry.params.core.aggregation import Difference, WeightedSum

floats = st.floats(-1e3, 1e3, width=32)
vectors = hnp.arrays(np.float32, 5, elements=floats)
weights = st.floats(0.01, 100.0)


def difference_in_float64(difference: Difference, newest: np.ndarray) -> np.ndarray:
    signed = difference.values.astype(np.float64) * difference.sign
    return signed - newest if difference.is_anchored else signed


contributions = st.lists(
    st.tuples(st.builds(Difference, vectors, st.sampled_from([1.0, -1.0]), st.just(False)), weights)
    | st.tuples(st.builds(Difference, vectors, st.just(1.0), st.just(True)), weights),
    min_size=1,
    max_size=8,
)


def added(parts: list[tuple[Difference, float]]) -> WeightedSum:
    total = WeightedSum()
    for difference, weight in parts:
        total = total.plus(difference, weight)
    return total


@given(contributions, vectors)
def test_the_mean_equals_a_float64_reference(parts: list[tuple[Difference, float]], newest: np.ndarray) -> None:
    sums = sum(difference_in_float64(d, newest) * w for d, w in parts)
    expected = sums / sum(w for _, w in parts)

    mean = added(parts).mean()

    np.testing.assert_allclose(mean.evaluated(newest), expected, rtol=1e-5, atol=2e-2)
    np.testing.assert_allclose(mean.applied_to(newest, 0.5), newest + 0.5 * expected, rtol=1e-5, atol=2e-2)


@settings(max_examples=50)
@given(contributions, vectors, st.randoms(use_true_random=False))
def test_the_mean_ignores_arrival_order(parts: list[tuple[Difference, float]], newest: np.ndarray, random) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)

    one, other = added(parts).mean(), added(shuffled).mean()

    np.testing.assert_allclose(one.evaluated(newest), other.evaluated(newest), rtol=1e-5, atol=2e-2)


any_finite = hnp.arrays(np.float32, 4, elements=st.floats(allow_nan=False, allow_infinity=False, width=32))


@given(any_finite, any_finite, weights)
def test_weights_of_one_contribution_are_published_bit_for_bit(pushed, newest, weight: float) -> None:
    mean = WeightedSum().plus(Difference(pushed, is_anchored=True), weight).mean()

    assert mean.applied_to(newest, 1.0).tobytes() == pushed.tobytes()


@given(any_finite, vectors)
def test_two_equal_contributions_are_their_own_mean(pushed, newest) -> None:
    parts = [(Difference(pushed / 2, is_anchored=True), 1.0)] * 2

    assert added(parts).mean().applied_to(newest[:4], 1.0).tobytes() == (pushed / 2).tobytes()


def test_adding_leaves_the_sum_before_as_it_was() -> None:
    before = WeightedSum().plus(Difference(np.ones(2, np.float32)), 1.0)

    before.plus(Difference(np.ones(2, np.float32)), 3.0)

    assert before.num_contributions == 1
    np.testing.assert_array_equal(before.mean().evaluated(np.zeros(2, np.float32)), [1.0, 1.0])


def test_the_mean_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no contributions"):
        WeightedSum().mean()
