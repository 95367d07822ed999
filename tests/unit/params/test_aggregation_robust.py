"""Rules that hold the contributions of a round, against float64 references and their breakdown bounds."""

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
from heronry.types.aggregation import Aggregation, AggregationRule, GeometricMedian, Krum, Median, TrimmedMean
from heronry.types.errors import InvalidContributionError
from heronry.types.tensors import ModelSchema

SIZE = 6
RULES = [Median(), TrimmedMean(2), Krum(2), Krum(2, 3), GeometricMedian()]
floats = st.floats(-1e3, 1e3, width=32)
vectors = hnp.arrays(np.float32, SIZE, elements=floats)
wild = hnp.arrays(np.float32, SIZE, elements=st.floats(-(2.0**119), 2.0**119, width=32))
rounds = st.integers(0, 2**32).map(lambda seed: np.random.default_rng(seed).normal(size=(9, SIZE)).astype(np.float32))


def contribution(difference: Difference, factor: float = 1.0) -> Contribution:
    return Contribution(difference, factor, 1.0, *measure(difference.values))


differences = st.builds(Difference, vectors, st.sampled_from([1.0, -1.0]), st.just(False)) | st.builds(
    Difference, vectors, st.just(1.0), st.just(True)
)
contributions = st.lists(st.builds(contribution, differences, st.sampled_from([1.0, 0.5])), min_size=7, max_size=9)


def accumulator(rule: AggregationRule, size: int = SIZE, round_size: int = 16) -> Accumulator:
    layout = ParameterLayout(ModelSchema.of({"w": np.zeros(size, np.float32)}))
    return accumulator_of(Aggregation(rule), layout, round_size, BufferPool(1 << 20), Path("unused"))


def mean_of(parts: list[Contribution], newest: np.ndarray, rule: AggregationRule) -> MeanDifference:
    target = accumulator(rule, len(newest))
    for part in parts:
        target.add(target.prepare(part, newest))
    return target.mean(newest)


def evaluated(mean: MeanDifference, newest: np.ndarray) -> np.ndarray:
    return mean.evaluated(newest, lambda: np.empty_like(newest))


def result_of(rows: np.ndarray, rule: AggregationRule) -> np.ndarray:
    newest = np.zeros(rows.shape[1], np.float32)
    return evaluated(mean_of([contribution(Difference(row)) for row in rows], newest, rule), newest)


def reference_rows(parts: list[Contribution], newest: np.ndarray) -> np.ndarray:
    signed = [p.difference.values.astype(np.float64) * p.difference.sign for p in parts]
    pairs = zip(parts, signed, strict=True)
    return np.array([p.factor * (s - newest if p.difference.is_anchored else s) for p, s in pairs])


def trimmed(rows: np.ndarray, num_trimmed: int) -> np.ndarray:
    return np.sort(rows, axis=0)[num_trimmed : len(rows) - num_trimmed].mean(axis=0)


def krum_scores(rows: np.ndarray, num_byzantine: int) -> np.ndarray:
    squares = np.square(rows[:, None] - rows[None]).sum(axis=2)
    return np.sort(squares, axis=1)[:, 1 : len(rows) - num_byzantine - 1].sum(axis=1)


def summed_distance(point: np.ndarray, rows: np.ndarray) -> float:
    return float(np.linalg.norm(rows - point, axis=1).sum())


def weiszfeld(rows: np.ndarray) -> np.ndarray:
    point = rows.mean(axis=0)
    for _ in range(300):
        pulls = 1.0 / np.maximum(np.linalg.norm(rows - point, axis=1), 1e-9)
        point = pulls @ rows / pulls.sum()
    return point


@settings(max_examples=50)
@given(contributions, vectors)
def test_median_and_trimmed_mean_equal_float64_references(parts: list[Contribution], newest: np.ndarray) -> None:
    rows = reference_rows(parts, newest)

    median, middle = mean_of(parts, newest, Median()), mean_of(parts, newest, TrimmedMean(2))

    np.testing.assert_allclose(evaluated(median, newest), np.median(rows, axis=0), rtol=1e-5, atol=1e-2)
    np.testing.assert_allclose(evaluated(middle, newest), trimmed(rows, 2), rtol=1e-5, atol=1e-2)


@given(rounds)
def test_krum_takes_the_rows_of_least_score(rows: np.ndarray) -> None:
    order = np.argsort(krum_scores(rows.astype(np.float64), 2))

    np.testing.assert_array_equal(result_of(rows, Krum(2)), rows[order[0]])
    np.testing.assert_allclose(result_of(rows, Krum(2, 3)), rows[order[:3]].mean(axis=0), rtol=1e-4, atol=1e-5)


@settings(max_examples=20)
@given(rounds)
def test_the_geometric_median_equals_a_float64_reference(rows: np.ndarray) -> None:
    wide = rows.astype(np.float64)

    point = result_of(rows, GeometricMedian())

    np.testing.assert_allclose(summed_distance(point, wide), summed_distance(weiszfeld(wide), wide), rtol=1e-6)
    np.testing.assert_allclose(point, weiszfeld(wide), atol=2e-3)


def test_a_point_of_most_rows_is_their_geometric_median() -> None:
    rows = np.ones((5, 3), np.float32)
    rows[:2] = [[9, 0, 0], [0, -7, 0]]

    np.testing.assert_array_equal(result_of(rows, GeometricMedian()), rows[2])


@pytest.mark.parametrize("others", [[0, 1.4e-21, 0], [2.5, -2.08, 0]])
def test_the_geometric_median_of_tiny_vectors_is_a_point_between_them(others: list[float]) -> None:
    rows = np.array([[0, 1.4e-21, 0], others], np.float32)

    point = result_of(rows, GeometricMedian())

    assert (rows.min(axis=0) <= point).all()
    assert (point <= rows.max(axis=0)).all()


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=20)
@given(contributions, vectors, st.randoms(use_true_random=False))
def test_arrival_order_does_not_change_a_bit(rule, parts: list[Contribution], newest: np.ndarray, random) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)

    one, other = mean_of(parts, newest, rule), mean_of(shuffled, newest, rule)

    assert (one.values.tobytes(), one.anchor, one.scale) == (other.values.tobytes(), other.anchor, other.scale)


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=20)
@given(contributions, vectors)
def test_the_mean_with_a_last_one_is_the_mean_after_adding_it(rule, parts, newest: np.ndarray) -> None:
    target = accumulator(rule)
    for part in parts[:-1]:
        target.add(target.prepare(part, newest))
    last = target.prepare(parts[-1], newest)

    first = target.mean(newest, last)
    target.add(last)
    after = target.mean(newest)

    assert (first.values.tobytes(), first.anchor, first.scale) == (after.values.tobytes(), after.anchor, after.scale)


@given(rounds, st.lists(wild, min_size=2, max_size=2))
def test_two_arbitrary_rows_leave_median_and_trimmed_mean_between_the_others(honest, arbitrary) -> None:
    rows = np.concatenate([honest, arbitrary])
    low, high = honest.min(axis=0), honest.max(axis=0)

    for rule in (Median(), TrimmedMean(2)):
        result = result_of(rows, rule)
        # The mean of several equal values may round past them.
        assert (result >= low - 1e-6).all()
        assert (result <= high + 1e-6).all()


@given(rounds, st.lists(wild | vectors, min_size=2, max_size=2))
def test_two_arbitrary_rows_leave_krum_near_an_honest_row(honest, arbitrary) -> None:
    rows = np.concatenate([honest, arbitrary]).astype(np.float32)
    wide = honest.astype(np.float64)
    diameter = np.linalg.norm(wide[:, None] - wide[None], axis=2).max()

    result = result_of(rows, Krum(2))

    nearest = np.linalg.norm(wide - result, axis=1).min()
    assert nearest <= np.sqrt(len(rows) - 2 - 2) * diameter * (1 + 1e-3)


@given(rounds, st.lists(wild | vectors, min_size=2, max_size=2))
def test_two_arbitrary_rows_leave_the_geometric_median_near_the_others(honest, arbitrary) -> None:
    rows = np.concatenate([honest, arbitrary]).astype(np.float32)
    wide = honest.astype(np.float64)
    radius = np.linalg.norm(wide - wide.mean(axis=0), axis=1).max()

    result = result_of(rows, GeometricMedian())

    num_rows = len(rows)
    bound = 2 * (num_rows - 2) / (num_rows - 4) * radius
    assert np.linalg.norm(result - wide.mean(axis=0)) <= bound * (1 + 1e-3)


def test_a_far_row_that_came_first_does_not_hide_which_of_the_others_is_near() -> None:
    honest = np.random.default_rng(1).normal(size=(7, 50)).astype(np.float32)
    nearby, far = honest.mean(axis=0) + np.float32(30), np.full(50, 1e6, np.float32)

    result = result_of(np.stack([far, nearby, *honest]), Krum(2))

    best = honest[np.argmin(krum_scores(np.stack([far, nearby, *honest]).astype(np.float64), 2)[2:])]
    np.testing.assert_array_equal(result, best)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("scale", [1e-30, 1e15])
def test_rules_know_no_unit(rule: AggregationRule, scale: float) -> None:
    rows = np.random.default_rng(2).normal(size=(9, 40))

    small = result_of(rows.astype(np.float32), rule)
    scaled = result_of((rows * scale).astype(np.float32), rule)

    np.testing.assert_allclose(scaled / scale, small, rtol=1e-3, atol=1e-4)


def test_rows_that_lie_close_together_far_from_zero_are_told_apart() -> None:
    rows = (1000 + np.random.default_rng(3).normal(size=(9, 200))).astype(np.float32)
    order = np.argsort(krum_scores(rows.astype(np.float64), 2))

    np.testing.assert_array_equal(result_of(rows, Krum(2)), rows[order[0]])


@pytest.mark.parametrize("rule", [Median(), TrimmedMean(2), Krum(2), GeometricMedian()])
def test_equal_weights_are_published_bit_for_bit(rule: AggregationRule) -> None:
    newest, pushed = np.ones(4, np.float32), np.array([0.1, -0.3, 7.7, 1e-20], np.float32)
    parts = [contribution(Difference(pushed.copy(), is_anchored=True)) for _ in range(7)]

    values, largest = mean_of(parts, newest, rule).applied_to(newest, 1.0, lambda: np.empty_like(newest))

    np.testing.assert_allclose(values, pushed, rtol=0 if not isinstance(rule, TrimmedMean) else 1e-7)
    assert largest == pytest.approx(7.7)


@pytest.mark.parametrize("rule", [Median(), GeometricMedian()])
def test_a_single_contribution_is_published_without_a_copy(rule: AggregationRule) -> None:
    newest, pushed = np.ones(4, np.float32), np.full(4, 3, np.float32)

    mean = mean_of([contribution(Difference(pushed, is_anchored=True))], newest, rule)

    assert mean.applied_to(newest, 1.0, lambda: np.empty_like(newest))[0] is pushed


def test_a_cleared_round_leaves_nothing_behind() -> None:
    newest = np.zeros(1, np.float32)
    target = accumulator(Median(), 1)
    target.add(target.prepare(contribution(Difference(np.array([100], np.float32))), newest))
    target.clear()

    target.add(target.prepare(contribution(Difference(np.array([2], np.float32))), newest))

    assert target.num_contributions == 1
    assert evaluated(target.mean(newest), newest) == [2.0]


def test_a_component_that_could_overflow_is_refused() -> None:
    with pytest.raises(InvalidContributionError, match="weighted components of at most"):
        accumulator(Median(), 1).prepare(
            contribution(Difference(np.array([3e38], np.float32))), np.zeros(1, np.float32)
        )


@pytest.mark.parametrize("rule", RULES)
def test_the_mean_of_nothing_is_refused(rule: AggregationRule) -> None:
    with pytest.raises(ValueError, match="no contributions"):
        accumulator(rule).mean(np.zeros(SIZE, np.float32))
