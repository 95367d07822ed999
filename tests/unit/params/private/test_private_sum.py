"""Sums on the grid: what one contribution can move them by, whatever it holds, and in whatever order it comes."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.native import measure
from heronry.params.core.aggregation.contribution import Contribution
from heronry.params.core.aggregation.differences import Difference
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import ParameterLayout
from heronry.params.core.private.private_sum import PrivateSum
from heronry.params.core.private.terms import ReleaseTerms
from heronry.types.errors import InvalidContributionError
from heronry.types.tensors import ModelSchema

FLOAT32 = np.finfo(np.float32)
NUM_PARAMETERS = 24


@dataclass
class Sent:
    """One contribution: its values, and what it is scaled by."""

    values: np.ndarray
    sign: float = 1.0
    is_anchored: bool = False
    factor: float = 1.0
    weight: float = 1.0

    @property
    def contribution(self) -> Contribution:
        difference = Difference(self.values, self.sign, is_anchored=self.is_anchored)
        return Contribution(difference, self.factor, self.weight, *measure(self.values))


def without_noise(total: np.ndarray) -> None:
    """Leave the sum as it is: what is looked at here lies under the noise."""


def sum_of(terms: ReleaseTerms, newest: np.ndarray, sent: list[Sent], add_noise=without_noise) -> np.ndarray:
    """Return the sum in steps of the grid, exactly."""
    layout = ParameterLayout(ModelSchema.of({"weight": newest}))
    kept = []
    release = SimpleNamespace(terms=terms, add_noise=lambda total: (add_noise(total), kept.append(total)))
    total = PrivateSum(layout, 64, BufferPool(1 << 20), release)
    for each in sent:
        total.add(total.prepare(each.contribution, newest))
    total.mean(newest)
    return kept[0].copy()


def adversarial_values(dtype: type) -> st.SearchStrategy[np.ndarray]:
    largest = float(np.finfo(dtype).max)
    edge = [0.0, 1.0, -1.0, 1e-3, largest, -largest, float(np.finfo(dtype).smallest_subnormal), 3e-39, 1e19, -7e18]
    edge = [float(dtype(value)) for value in edge] if dtype is np.float32 else [v for v in edge if abs(v) < 1e150]
    one_hot = st.tuples(st.integers(0, NUM_PARAMETERS - 1), st.sampled_from(edge)).map(_one_hot)
    anything = st.lists(
        st.one_of(st.sampled_from(edge), st.floats(-1e3, 1e3)), min_size=NUM_PARAMETERS, max_size=NUM_PARAMETERS
    )
    constant = st.sampled_from(edge).map(lambda value: [value] * NUM_PARAMETERS)
    return st.one_of(one_hot, anything, constant).map(lambda values: np.array(values, dtype))


def _one_hot(place: tuple[int, float]) -> list[float]:
    values = [0.0] * NUM_PARAMETERS
    values[place[0]] = place[1]
    return values


@st.composite
def contributions(draw, dtype: type, max_weight: float) -> Sent:
    is_anchored = draw(st.booleans())
    return Sent(
        draw(adversarial_values(dtype)),
        1.0 if is_anchored else draw(st.sampled_from([1.0, -1.0])),
        is_anchored,
        draw(st.sampled_from([1.0, 0.5, (1 + 3) ** -0.5, 0.0])),
        draw(st.sampled_from([1.0, max_weight, max_weight / 3])),
    )


@st.composite
def cases(draw) -> tuple[ReleaseTerms, np.ndarray, list[Sent]]:
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    norm = draw(st.sampled_from([1e-30, 1e-3, 1.0, 0.3, 1e6, 1e30]))
    max_weight = draw(st.sampled_from([1.0, 32.0]))
    terms = ReleaseTerms.of(norm, draw(st.sampled_from([0.3, 1.0, 20.0])), NUM_PARAMETERS, 8.0, max_weight)
    newest = draw(adversarial_values(dtype))
    return terms, newest, draw(st.lists(contributions(dtype, max_weight), min_size=1, max_size=7))


def is_finite(newest: np.ndarray, sent: Sent) -> bool:
    """Tell whether a difference can be measured: one that overflows is refused, and adds nothing."""
    with np.errstate(over="ignore", invalid="ignore"):
        difference = sent.values - newest if sent.is_anchored else sent.values
        return bool(np.isfinite(np.sum(np.square(difference.astype(np.float64)))))


@settings(max_examples=100)
@given(cases())
def test_one_contribution_moves_the_sum_by_no_more_than_the_sensitivity(case) -> None:
    terms, newest, sent = case
    usable = [each for each in sent if is_finite(newest, each)]
    if not usable:
        return
    one, others = usable[0], usable[1:]

    difference = sum_of(terms, newest, [*others, one]) - sum_of(terms, newest, others)

    moved = np.sqrt(np.sum(np.square(difference.astype(object)))) * terms.step
    assert moved <= terms.sensitivity * (1 + 1e-12)


@settings(max_examples=50)
@given(cases(), st.randoms(use_true_random=False))
def test_the_sum_does_not_depend_on_who_came_first(case, chance) -> None:
    terms, newest, sent = case
    usable = [each for each in sent if is_finite(newest, each)]
    shuffled = list(usable)
    chance.shuffle(shuffled)

    np.testing.assert_array_equal(sum_of(terms, newest, shuffled), sum_of(terms, newest, usable))


@settings(max_examples=50)
@given(cases())
def test_what_cannot_be_measured_is_refused_and_adds_nothing(case) -> None:
    terms, newest, sent = case
    for each in sent:
        if not is_finite(newest, each):
            with pytest.raises(InvalidContributionError, match="finite"):
                sum_of(terms, newest, [each])


def test_a_contribution_within_the_bound_is_counted_to_half_a_step() -> None:
    terms = ReleaseTerms.of(1.0, 1.0, NUM_PARAMETERS, 1.0, 1.0)
    values = np.random.default_rng(0).normal(size=NUM_PARAMETERS).astype(np.float32) / 20

    total = sum_of(terms, np.zeros(NUM_PARAMETERS, np.float32), [Sent(values)])

    assert np.max(np.abs(total * terms.step - values.astype(np.float64))) <= terms.step / 2


def test_a_contribution_above_the_bound_keeps_its_direction() -> None:
    terms = ReleaseTerms.of(2.0, 1.0, NUM_PARAMETERS, 1.0, 1.0)
    values = np.random.default_rng(0).normal(size=NUM_PARAMETERS).astype(np.float32) * 100

    total = sum_of(terms, np.zeros(NUM_PARAMETERS, np.float32), [Sent(values, sign=-1.0)]) * terms.step

    wide = values.astype(np.float64)
    np.testing.assert_allclose(total, -2.0 * wide / np.linalg.norm(wide), atol=terms.step)


def test_weights_are_clipped_as_differences() -> None:
    terms = ReleaseTerms.of(1.0, 1.0, 2, 1.0, 1.0)
    newest = np.array([1000.0, -1000.0], np.float32)

    total = sum_of(terms, newest, [Sent(newest + np.float32(0.25), is_anchored=True)])

    np.testing.assert_array_equal(total * terms.step, [0.25, 0.25])


def test_a_weight_above_the_largest_is_refused() -> None:
    terms = ReleaseTerms.of(1.0, 1.0, 1, 1.0, 32.0)

    with pytest.raises(InvalidContributionError, match="weight"):
        sum_of(terms, np.zeros(1, np.float32), [Sent(np.ones(1, np.float32), weight=33.0)])


def test_a_zero_contribution_changes_nothing() -> None:
    terms = ReleaseTerms.of(1.0, 1.0, 3, 1.0, 1.0)

    assert not sum_of(terms, np.zeros(3, np.float32), [Sent(np.zeros(3, np.float32))]).any()


def test_noise_is_there_before_the_first_contribution_is_added() -> None:
    terms, seen = ReleaseTerms.of(1.0, 1.0, 2, 1.0, 1.0), []

    def noise(total: np.ndarray) -> None:
        seen.append(total.copy())
        total += np.array([7, -7])

    total = sum_of(terms, np.zeros(2, np.float32), [Sent(np.ones(2, np.float32))] * 3, noise)

    assert len(seen) == 1
    np.testing.assert_array_equal(seen[0], [0, 0])
    np.testing.assert_array_equal(
        total - sum_of(terms, np.zeros(2, np.float32), [Sent(np.ones(2, np.float32))] * 3), [7, -7]
    )


def test_an_empty_release_is_noise_alone() -> None:
    terms = ReleaseTerms.of(1.0, 1.0, 2, 1.0, 1.0)

    def noise(total: np.ndarray) -> None:
        total += 5

    np.testing.assert_array_equal(sum_of(terms, np.zeros(2, np.float32), [], noise), [5, 5])


def test_a_release_without_its_noise_is_not_made() -> None:
    layout = ParameterLayout(ModelSchema.of({"weight": np.zeros(2, np.float32)}))
    release = SimpleNamespace(terms=ReleaseTerms.of(1.0, 1.0, 2, 1.0, 1.0), add_noise=None)

    with pytest.raises(ValueError, match="without its noise"):
        PrivateSum(layout, 1, BufferPool(1 << 20), release).mean(np.zeros(2, np.float32))
