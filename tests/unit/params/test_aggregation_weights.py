"""What a contribution counts, by rule."""

import math

import pytest

from heronry.params.core.aggregation import weight_of
from heronry.types.aggregation import (
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
from heronry.types.contribution import ContributionHeader, ContributionKind
from heronry.types.errors import InvalidArgumentError
from heronry.types.models import ContributionLimits
from heronry.types.version import ParameterVersion

LIMITS = ContributionLimits(max_weight=10.0)


def header(weight: float = 1.0, sample_count: int = 0) -> ContributionHeader:
    version, kind = ParameterVersion(1, 1), ContributionKind.DELTA
    return ContributionHeader("m", "c", "r", version, kind, sample_count=sample_count, weight=weight)


@pytest.mark.parametrize(
    "rule",
    [Mean(), Sum(), FederatedMean(10), NormBoundedMean(1.0), Median(), TrimmedMean(1), Krum(1), GeometricMedian()],
)
def test_rules_that_do_not_weigh_refuse_a_weight(rule: AggregationRule) -> None:
    with pytest.raises(InvalidArgumentError, match=r"weight: got 2\.0, allowed: 1"):
        weight_of(rule, header(weight=2.0, sample_count=1), LIMITS)

    assert weight_of(rule, header(sample_count=1), LIMITS) == 1.0


@pytest.mark.parametrize("weight", [0.0, -1.0, 10.5, math.nan, math.inf])
def test_weights_out_of_range_are_refused(weight: float) -> None:
    with pytest.raises(InvalidArgumentError, match=r"weight: got .* allowed: above 0, at most 10"):
        weight_of(WeightedMean(), header(weight=weight), LIMITS)


def test_weights_and_sample_counts_count_as_they_are_up_to_their_bounds() -> None:
    assert weight_of(WeightedMean(), header(weight=0.25), LIMITS) == 0.25
    assert weight_of(FederatedMean(100), header(sample_count=99), LIMITS) == 99.0
    assert weight_of(FederatedMean(100), header(sample_count=1 << 60), LIMITS) == 100.0


def test_a_federated_mean_needs_a_sample_count() -> None:
    with pytest.raises(InvalidArgumentError, match="sample_count: got 0, allowed: at least 1"):
        weight_of(FederatedMean(100), header(), LIMITS)
