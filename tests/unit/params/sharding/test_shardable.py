"""Which models can be cut into shards."""

import pytest

from heronry.params.core.sharding.shardable import check_shardable, check_whole
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
from heronry.types.consistency import BufferedAsynchronous
from heronry.types.errors import FailedPreconditionError, InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ContributionLimits, ModelSettings, Shard

SHARD = Shard(0, 2)
TEN = BufferedAsynchronous(10)


@pytest.mark.parametrize("rule", [Mean(), Sum(), WeightedMean(), FederatedMean(9), Median(), TrimmedMean(1)])
def test_rules_that_take_each_coordinate_by_itself_are_taken(rule: AggregationRule) -> None:
    check_shardable(ModelSettings(consistency=TEN, aggregation=Aggregation(rule), shard=SHARD))


@pytest.mark.parametrize("rule", [NormBoundedMean(1.0), Krum(1), GeometricMedian()])
def test_rules_that_need_the_whole_contribution_are_refused_with_the_reason(rule: AggregationRule) -> None:
    settings = ModelSettings(consistency=TEN, aggregation=Aggregation(rule), shard=SHARD)

    with pytest.raises(InvalidArgumentError, match=r"settings\.aggregation\.rule: got .*TrimmedMean \(a shard does"):
        check_shardable(settings)


def test_a_bound_of_the_norm_is_refused() -> None:
    settings = ModelSettings(limits=ContributionLimits(max_norm=1.0), shard=SHARD)

    with pytest.raises(InvalidArgumentError, match=r"settings\.limits\.max_norm: got 1\.0, allowed: none"):
        check_shardable(settings)


def test_contributions_that_could_be_lost_after_their_acknowledgement_are_refused() -> None:
    settings = ModelSettings(acknowledgement=AcknowledgementLevel.MEMORY, shard=SHARD)

    with pytest.raises(InvalidArgumentError, match=r"settings\.acknowledgement: got 'memory', allowed: process, disk"):
        check_shardable(settings)


def test_a_whole_model_may_have_any_settings() -> None:
    check_shardable(
        ModelSettings(
            consistency=TEN,
            aggregation=Aggregation(Krum(1)),
            limits=ContributionLimits(max_norm=1.0),
            acknowledgement=AcknowledgementLevel.MEMORY,
        )
    )


def test_calls_that_would_reach_one_shard_alone_are_refused() -> None:
    check_whole("policy", ModelSettings(), "rollback")

    with pytest.raises(FailedPreconditionError, match="rollback: model 'policy' is shard 0 of 2"):
        check_whole("policy", ModelSettings(shard=SHARD), "rollback")
