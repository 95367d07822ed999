import math
from collections.abc import Callable

import numpy as np
import pytest

from heronry.types.aggregation import (
    Aggregation,
    AggregationRule,
    FederatedMean,
    GeometricMedian,
    Krum,
    Mean,
    Median,
    NormBoundedMean,
    Sum,
    TrimmedMean,
    WeightedMean,
)
from heronry.types.errors import InvalidArgumentError


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: FederatedMean(0), "aggregation.federated_mean.max_samples"),
        (lambda: NormBoundedMean(0.0), "aggregation.norm_bounded_mean.max_norm"),
        (lambda: NormBoundedMean(math.inf), "aggregation.norm_bounded_mean.max_norm"),
        (lambda: TrimmedMean(0), "aggregation.trimmed_mean.num_trimmed"),
        (lambda: Krum(-1), "aggregation.krum.num_byzantine"),
        (lambda: Krum(1, 0), "aggregation.krum.num_selected"),
        (lambda: FederatedMean(2**64), "aggregation.federated_mean.max_samples"),
        (lambda: FederatedMean(1.5), "aggregation.federated_mean.max_samples"),  # type: ignore[arg-type]  # on purpose
        (lambda: NormBoundedMean(True), "aggregation.norm_bounded_mean.max_norm"),
        (lambda: NormBoundedMean("1"), "aggregation.norm_bounded_mean.max_norm"),  # type: ignore[arg-type]  # on purpose
        (lambda: TrimmedMean(2**32), "aggregation.trimmed_mean.num_trimmed"),
        (lambda: TrimmedMean(True), "aggregation.trimmed_mean.num_trimmed"),
        (lambda: Krum(2**32), "aggregation.krum.num_byzantine"),
        (lambda: Krum(1, 2**32), "aggregation.krum.num_selected"),
        (lambda: Aggregation(grid_step=-1.0), "aggregation.grid_step"),
        (lambda: Aggregation(grid_step=math.nan), "aggregation.grid_step"),
        (lambda: Aggregation(grid_step=None), "aggregation.grid_step"),  # type: ignore[arg-type]  # on purpose
        (lambda: Aggregation(max_held_bytes=0), "aggregation.max_held_bytes"),
        (lambda: Aggregation(max_held_bytes=2**64), "aggregation.max_held_bytes"),
        (lambda: Aggregation(max_held_bytes=1e6), "aggregation.max_held_bytes"),  # type: ignore[arg-type]  # on purpose
    ],
)
def test_a_figure_out_of_range_names_its_field(make: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        make()

    assert error.value.details["field"] == field


@pytest.mark.parametrize("rule", [Mean, "median", None, Aggregation(), 3])
def test_what_is_no_rule_is_refused(rule: AggregationRule) -> None:
    with pytest.raises(InvalidArgumentError, match=r"^aggregation\.rule: got .*, allowed: one of Mean\(\.\.\.\), Sum"):
        Aggregation(rule)


def test_numpy_s_numbers_become_plain_ones() -> None:
    assert type(Krum(np.int64(1)).num_byzantine) is int  # type: ignore[arg-type]  # NumPy's integers are taken
    assert type(Aggregation(grid_step=np.float32(0.5)).grid_step) is float  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("rule", [Mean(), Sum(), WeightedMean(), FederatedMean(10)])
def test_what_is_summed_may_be_summed_on_a_grid(rule: AggregationRule) -> None:
    assert Aggregation(rule, grid_step=1e-6).grid_step == 1e-6


@pytest.mark.parametrize("rule", [Median(), TrimmedMean(1), Krum(1), GeometricMedian(), NormBoundedMean(1.0)])
def test_what_is_not_summed_has_no_grid(rule: AggregationRule) -> None:
    with pytest.raises(InvalidArgumentError, match=r"aggregation\.grid_step"):
        Aggregation(rule, grid_step=1e-6)


@pytest.mark.parametrize(
    ("rule", "fewest"),
    [(Mean(), 1), (Median(), 1), (TrimmedMean(2), 5), (Krum(1), 5), (Krum(2, 3), 7), (Krum(0, 9), 9)],
)
def test_a_rule_says_how_many_contributions_it_needs(rule: AggregationRule, fewest: int) -> None:
    assert Aggregation(rule).fewest_contributions() == fewest
