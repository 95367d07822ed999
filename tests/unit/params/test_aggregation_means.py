"""Means and sums that are accumulated as contributions arrive, against float64 references."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heronry.native import measure
from heronry.params.core.aggregation import (
    Accumulator,
    Contribution,
    Difference,
    MeanDifference,
    accumulator_of,
    streaming,
    weighted_mean,
)
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import ParameterLayout
from heronry.types.aggregation import Aggregation, AggregationRule, Mean, NormBoundedMean, Sum, WeightedMean
from heronry.types.errors import InvalidContributionError
from heronry.types.tensors import ModelSchema

SIZE = 5
# Terms of at most 1e3 in a mean of at most 8: each of some ten roundings is at most 8e3 * 2^-24.
ATOL = 1e-2
floats = st.floats(-1e3, 1e3, width=32)
vectors = hnp.arrays(np.float32, SIZE, elements=floats)
weights = st.floats(0.01, 100.0)
factors = st.sampled_from([1.0, 0.5, 1 / 3])


def contribution(difference: Difference, weight: float = 1.0, factor: float = 1.0) -> Contribution:
    return Contribution(difference, factor, weight, *measure(difference.values))


plain = st.builds(Difference, vectors, st.sampled_from([1.0, -1.0]), st.just(False))
anchored = st.builds(Difference, vectors, st.just(1.0), st.just(True))
contributions = st.lists(st.builds(contribution, plain | anchored, weights, factors), min_size=1, max_size=8)


def accumulator(rule: AggregationRule, size: int = SIZE, round_size: int = 8, dtype=np.float32) -> Accumulator:
    layout = ParameterLayout(ModelSchema.of({"w": np.zeros(size, dtype)}))
    return accumulator_of(Aggregation(rule), layout, round_size, BufferPool(1 << 20), Path("unused"))


def add_all(target: Accumulator, parts: list[Contribution], newest: np.ndarray) -> None:
    for part in parts:
        target.add(target.prepare(part, newest))


def mean_of(parts: list[Contribution], newest: np.ndarray, rule: AggregationRule = WeightedMean()) -> MeanDifference:  # noqa: B008  # frozen
    target = accumulator(rule, len(newest), max(8, len(parts)))
    add_all(target, parts, newest)
    return target.mean(newest)


def evaluated(mean: MeanDifference, newest: np.ndarray) -> np.ndarray:
    return mean.evaluated(newest, lambda: np.empty_like(newest))


def applied(mean: MeanDifference, newest: np.ndarray, rate: float) -> np.ndarray:
    return mean.applied_to(newest, rate, lambda: np.empty_like(newest))[0]


def reference(part: Contribution, newest: np.ndarray) -> np.ndarray:
    signed = part.difference.values.astype(np.float64) * part.difference.sign
    return part.factor * (signed - newest if part.difference.is_anchored else signed)


@settings(max_examples=50)
@given(contributions, vectors)
def test_the_weighted_mean_equals_a_float64_reference(parts: list[Contribution], newest: np.ndarray) -> None:
    expected = sum(reference(p, newest) * p.weight for p in parts) / sum(p.weight for p in parts)

    mean = mean_of(parts, newest)

    np.testing.assert_allclose(evaluated(mean, newest), expected, rtol=1e-5, atol=ATOL)
    np.testing.assert_allclose(applied(mean, newest, 0.5), newest + 0.5 * expected, rtol=1e-5, atol=ATOL)


@settings(max_examples=50)
@given(contributions, vectors)
def test_the_sum_equals_a_float64_reference(parts: list[Contribution], newest: np.ndarray) -> None:
    ones = [Contribution(p.difference, p.factor, 1.0, p.largest, p.squared_norm) for p in parts]

    total = mean_of(ones, newest, Sum())

    expected = sum(reference(p, newest) for p in ones)
    np.testing.assert_allclose(evaluated(total, newest), expected, rtol=1e-5, atol=8 * ATOL)


@settings(max_examples=50)
@given(contributions, vectors, st.randoms(use_true_random=False))
def test_the_mean_ignores_arrival_order_within_rounding(parts: list[Contribution], newest: np.ndarray, random) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)

    one, other = mean_of(parts, newest), mean_of(shuffled, newest)

    np.testing.assert_allclose(evaluated(one, newest), evaluated(other, newest), rtol=1e-5, atol=ATOL)


@settings(max_examples=50)
@given(contributions, vectors)
def test_the_mean_with_a_last_one_is_the_mean_after_adding_it(parts: list[Contribution], newest: np.ndarray) -> None:
    target = accumulator(WeightedMean())
    add_all(target, parts[:-1], newest)
    last = target.prepare(parts[-1], newest)

    first, second = target.mean(newest, last), target.mean(newest, last)
    before = [evaluated(first, newest), applied(second, newest, 0.5)]
    target.add(last)
    after = target.mean(newest)

    assert (first.anchor, first.scale) == (second.anchor, second.scale) == (after.anchor, after.scale)
    np.testing.assert_array_equal(before, [evaluated(after, newest), applied(after, newest, 0.5)])


@settings(max_examples=30)
@given(contributions, contributions, vectors)
def test_a_cleared_round_leaves_nothing_behind(before, parts: list[Contribution], newest: np.ndarray) -> None:
    target = accumulator(WeightedMean())
    add_all(target, before, newest)
    kept = target.mean(newest).values
    copy = kept.copy()
    target.clear()

    add_all(target, parts, newest)

    np.testing.assert_array_equal(evaluated(target.mean(newest), newest), evaluated(mean_of(parts, newest), newest))
    np.testing.assert_array_equal(kept, copy)
    assert target.num_contributions == len(parts)


def test_a_discarded_contribution_counts_nothing() -> None:
    newest = np.zeros(2, np.float32)
    target = accumulator(Mean(), 2)
    add_all(target, [contribution(Difference(np.ones(2, np.float32)))], newest)

    target.discard(target.prepare(contribution(Difference(np.full(2, 9, np.float32))), newest))

    assert target.num_contributions == 1
    np.testing.assert_array_equal(evaluated(target.mean(newest), newest), [1.0, 1.0])


any_finite = hnp.arrays(np.float32, 4, elements=st.floats(allow_nan=False, allow_infinity=False, width=32))


@given(any_finite, any_finite, weights)
def test_weights_of_one_contribution_are_published_bit_for_bit(pushed, newest, weight: float) -> None:
    target = accumulator(WeightedMean(), 4, round_size=1)
    last = target.prepare(contribution(Difference(pushed, is_anchored=True), weight), newest)

    assert applied(target.mean(newest, last), newest, 1.0) is pushed


@given(any_finite, vectors, weights)
def test_two_equal_contributions_are_their_own_mean(pushed, newest, weight: float) -> None:
    parts = [contribution(Difference(pushed / 16, is_anchored=True), weight)] * 2

    assert applied(mean_of(parts, newest[:4]), newest[:4], 1.0).tobytes() == (pushed / 16).tobytes()


@pytest.mark.parametrize("num_workers", [3, 7, 49])
def test_averaging_equal_weights_round_after_round_does_not_make_them_grow(num_workers: int) -> None:
    start = np.random.default_rng(5).normal(size=1000).astype(np.float32)
    values = start
    for _ in range(100):
        parts = [contribution(Difference(values, is_anchored=True))] * num_workers
        values = applied(mean_of(parts, values), values, 1.0)

    # Rounding moves each value by a few units in the last place; a factor rounded once would move them together.
    drift = np.mean(values.astype(np.float64) / start - 1.0)
    assert abs(drift) < 1e-7


@given(contributions, vectors, st.floats(1e-3, 1e3))
def test_the_bounded_mean_scales_differences_to_the_bound(parts, newest: np.ndarray, bound: float) -> None:
    def clipped(part: Contribution) -> np.ndarray:
        difference = reference(Contribution(part.difference, 1.0, 1.0, 0.0, 0.0), newest)
        norm = np.linalg.norm(difference)
        return part.factor * difference * (min(1.0, bound / norm) if norm else 1.0)

    parts = [Contribution(p.difference, p.factor, 1.0, p.largest, p.squared_norm) for p in parts]
    mean = mean_of(parts, newest, NormBoundedMean(bound))

    expected = sum(clipped(p) for p in parts) / len(parts)
    np.testing.assert_allclose(evaluated(mean, newest), expected, rtol=1e-4, atol=ATOL)


@given(vectors, st.floats(1e-2, 1e3))
def test_a_bounded_difference_never_exceeds_the_bound(values: np.ndarray, bound: float) -> None:
    newest = np.zeros(SIZE, np.float32)

    mean = mean_of([contribution(Difference(values))], newest, NormBoundedMean(bound))

    norm = np.linalg.norm(evaluated(mean, newest).astype(np.float64))
    assert norm <= bound * (1 + 1e-15)
    assert norm >= min(bound, np.linalg.norm(values.astype(np.float64))) * (1 - 1e-5)


def test_a_zero_difference_stays_zero_under_a_bound() -> None:
    newest = np.ones(3, np.float32)

    mean = mean_of([contribution(Difference(newest, is_anchored=True))], newest, NormBoundedMean(0.5))

    np.testing.assert_array_equal(evaluated(mean, newest), np.zeros(3))


def test_a_norm_beyond_float64_is_refused() -> None:
    target = accumulator(NormBoundedMean(1.0), 1, dtype=np.float64)

    with pytest.raises(InvalidContributionError, match="a finite L2 norm"):
        target.prepare(contribution(Difference(np.array([1e200]))), np.zeros(1))


@pytest.mark.parametrize("size", [1e38, np.finfo(np.float32).max])
def test_a_component_that_could_overflow_the_round_is_refused(size: float) -> None:
    newest = np.zeros(2, np.float32)
    target = accumulator(Mean(), 2, round_size=4)
    add_all(target, [contribution(Difference(np.ones(2, np.float32)))], newest)

    with pytest.raises(InvalidContributionError, match=r"weighted components of at most 4\.25e\+37"):
        target.prepare(contribution(Difference(np.array([0, -size], np.float32))), newest)

    assert target.num_contributions == 1


def test_the_largest_components_that_pass_make_a_finite_mean() -> None:
    newest = np.zeros(2, np.float32)
    largest = np.full(2, np.finfo(np.float32).max / 16, np.float32)

    mean = mean_of([contribution(Difference(largest))] * 8, newest)

    np.testing.assert_allclose(evaluated(mean, newest), largest, rtol=1e-6)


def test_a_weight_too_far_from_the_first_one_is_refused() -> None:
    newest = np.zeros(1, np.float32)
    target = accumulator(WeightedMean(), 1)
    add_all(target, [contribution(Difference(np.ones(1, np.float32)), 1e-30)], newest)

    with pytest.raises(InvalidContributionError, match=r"contribution\.weight"):
        target.prepare(contribution(Difference(np.zeros(1, np.float32)), 1e9), newest)


def test_the_mean_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no contributions"):
        accumulator(Mean()).mean(np.zeros(SIZE, np.float32))


def test_a_batch_has_the_mean_of_its_vectors() -> None:
    batch = np.random.default_rng(3).normal(size=(4, 100)).astype(np.float32)
    out = np.empty(100, np.float32)

    weighted_mean(list(batch), [1.0, 2.0, 3.0, 4.0], out)

    np.testing.assert_allclose(out, np.average(batch.astype(np.float64), 0, [1, 2, 3, 4]), rtol=1e-5, atol=1e-6)


def test_a_round_of_any_size_takes_one_buffer() -> None:
    taken: list[int] = []

    class Counting(BufferPool):
        def take(self, num_bytes: int):
            taken.append(num_bytes)
            return super().take(num_bytes)

    layout = ParameterLayout(ModelSchema.of({"w": np.zeros(SIZE, np.float32)}))
    target = accumulator_of(Aggregation(), layout, 50, Counting(0), Path("unused"))
    newest = np.zeros(SIZE, np.float32)

    add_all(target, [contribution(Difference(np.ones(SIZE, np.float32)))] * 49, newest)
    target.mean(newest, target.prepare(contribution(Difference(np.ones(SIZE, np.float32))), newest))

    assert taken == [4 * SIZE]


@pytest.mark.parametrize("held_bytes", [0, 2 * 4 * SIZE, 1 << 20])
@pytest.mark.parametrize("num_parts", range(2, 11))
def test_how_many_are_summed_together_changes_no_bit(num_parts: int, held_bytes: int, monkeypatch) -> None:
    monkeypatch.setattr(streaming, "_MOST_HELD_BYTES", held_bytes)
    rng = np.random.default_rng(num_parts)
    newest, *values = rng.normal(size=(num_parts + 1, SIZE)).astype(np.float32)
    shares = rng.uniform(0.1, 10.0, num_parts)
    parts = [contribution(Difference(v, sign=-1.0), share) for v, share in zip(values, shares, strict=True)]
    total = values[0] * np.float32(-1.0)
    for value, share in zip(values[1:], shares[1:], strict=True):
        total = total + value * np.float32(-(share / shares[0]))
    denominator = sum(share / shares[0] for share in shares)

    moved = applied(mean_of(parts, newest), newest, 0.5)

    assert moved.tobytes() == (newest * np.float32(1.0) + total * np.float32(0.5 * (1.0 / denominator))).tobytes()
