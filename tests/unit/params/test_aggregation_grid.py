"""Sums on an integer grid."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heronry.native import measure
from heronry.params.core.aggregation import Accumulator, Contribution, Difference, MeanDifference, accumulator_of
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import ParameterLayout
from heronry.types.aggregation import Aggregation, AggregationRule, Mean, Sum, WeightedMean
from heronry.types.errors import InvalidContributionError
from heronry.types.tensors import ModelSchema

STEP = 2.0**-10
vectors = hnp.arrays(np.float32, 5, elements=st.floats(-1e3, 1e3, width=32))


def contribution(difference: Difference, weight: float = 1.0, factor: float = 1.0) -> Contribution:
    return Contribution(difference, factor, weight, *measure(difference.values))


differences = st.builds(Difference, vectors, st.sampled_from([1.0, -1.0]), st.just(False)) | st.builds(
    Difference, vectors, st.just(1.0), st.just(True)
)
contributions = st.lists(
    st.builds(contribution, differences, st.floats(0.01, 100.0), st.sampled_from([1.0, 0.5])), min_size=1, max_size=8
)


def grid(rule: AggregationRule, size: int = 5, step: float = STEP, round_size: int = 8) -> Accumulator:
    layout = ParameterLayout(ModelSchema.of({"w": np.zeros(size, np.float32)}))
    return accumulator_of(Aggregation(rule, step), layout, round_size, BufferPool(1 << 20), Path("unused"))


def mean_of(parts: list[Contribution], newest: np.ndarray, rule: AggregationRule) -> MeanDifference:
    target = grid(rule, len(newest))
    for part in parts:
        target.add(target.prepare(part, newest))
    return target.mean(newest)


def reference(part: Contribution, newest: np.ndarray) -> np.ndarray:
    signed = part.difference.values * np.float32(part.difference.sign)
    difference = signed - newest if part.difference.is_anchored else signed
    return np.rint(difference.astype(np.float64) * part.factor * part.weight / STEP)


@given(contributions, vectors, st.randoms(use_true_random=False))
def test_arrival_order_does_not_change_a_bit(parts: list[Contribution], newest: np.ndarray, random) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)

    one, other = mean_of(parts, newest, WeightedMean()), mean_of(shuffled, newest, WeightedMean())

    assert one.values.tobytes() == other.values.tobytes()
    assert (one.anchor, one.scale) == (other.anchor, other.scale) == (0.0, 1.0)


@settings(max_examples=50)
@given(contributions, vectors)
def test_means_and_sums_equal_those_of_rounded_values(parts: list[Contribution], newest: np.ndarray) -> None:
    steps = sum(reference(p, newest) for p in parts)

    mean, total = mean_of(parts, newest, WeightedMean()), mean_of(parts, newest, Sum())

    # A product that lies on the middle of two steps within rounding may go to either.
    slack = len(parts) * STEP
    weight = sum(p.weight for p in parts)
    np.testing.assert_allclose(mean.values, steps * STEP / weight, rtol=1e-6, atol=slack / weight)
    np.testing.assert_allclose(total.values, steps * STEP, rtol=1e-6, atol=slack)


@settings(max_examples=50)
@given(contributions, vectors)
def test_the_mean_with_a_last_one_is_the_mean_after_adding_it(parts: list[Contribution], newest: np.ndarray) -> None:
    target = grid(WeightedMean())
    for part in parts[:-1]:
        target.add(target.prepare(part, newest))
    last = target.prepare(parts[-1], newest)

    first = target.mean(newest, last)
    target.add(last)

    assert first.values.tobytes() == target.mean(newest).values.tobytes()


def test_a_cleared_round_begins_at_zero() -> None:
    newest = np.zeros(2, np.float32)
    target = grid(Mean(), 2)
    target.add(target.prepare(contribution(Difference(np.ones(2, np.float32))), newest))
    target.clear()

    target.add(target.prepare(contribution(Difference(np.full(2, 3, np.float32))), newest))

    np.testing.assert_array_equal(target.mean(newest).values, [3.0, 3.0])
    assert target.num_contributions == 1


def test_steps_that_could_overflow_the_integers_are_refused() -> None:
    target = grid(Mean(), 1, step=1e-18, round_size=4)

    with pytest.raises(InvalidContributionError, match=r"at most 1.15e\+18 steps of 1e-18"):
        target.prepare(contribution(Difference(np.array([2], np.float32))), np.zeros(1, np.float32))

    assert target.num_contributions == 0


def test_sums_beyond_the_precision_of_floats_stay_exact() -> None:
    newest = np.zeros(1, np.float32)
    target = grid(Sum(), 1, step=1.0)
    for value in (2.0**40, 1.0, 1.0, -(2.0**40)):
        target.add(target.prepare(contribution(Difference(np.array([value], np.float32))), newest))

    assert target.mean(newest).values == [2.0]


def test_the_mean_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no contributions"):
        grid(Mean()).mean(np.zeros(5, np.float32))
