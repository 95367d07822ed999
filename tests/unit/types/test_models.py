import math
from collections.abc import Callable

import pytest

from heronry.types.aggregation import Aggregation, Krum, Mean, TrimmedMean
from heronry.types.consistency import (
    Asynchronous,
    BufferedAsynchronous,
    Consistency,
    StaleSynchronous,
    SynchronousRounds,
)
from heronry.types.errors import InvalidArgumentError
from heronry.types.models import ContributionLimits, ModelSettings, Shard
from heronry.types.optimizers import SgdOptimizer


def test_by_default_every_contribution_makes_a_version_and_weights_are_taken_as_they_are() -> None:
    settings = ModelSettings()

    assert settings.consistency == Asynchronous()
    assert settings.aggregation.rule == Mean()
    assert settings.optimizer == SgdOptimizer(learning_rate=1.0, momentum=0.0)
    assert settings.privacy is None
    assert not settings.needs_lease


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: ModelSettings(num_versions_kept=0), "settings.num_versions_kept"),
        (lambda: ModelSettings(num_versions_kept=2**32), "settings.num_versions_kept"),
        (lambda: ModelSettings(num_versions_kept=1.5), "settings.num_versions_kept"),  # type: ignore[arg-type]  # on purpose
        (lambda: ModelSettings(Asynchronous), "settings.consistency"),  # type: ignore[arg-type]  # on purpose
        (lambda: ModelSettings("asynchronous"), "settings.consistency"),  # type: ignore[arg-type]  # on purpose
        (lambda: ModelSettings(aggregation=Mean()), "settings.aggregation"),  # type: ignore[arg-type]  # on purpose
        (lambda: ModelSettings(aggregation=None), "settings.aggregation"),  # type: ignore[arg-type]  # on purpose
        (lambda: ModelSettings(optimizer=SgdOptimizer), "settings.optimizer"),  # type: ignore[arg-type]  # on purpose
        (lambda: ModelSettings(optimizer=None), "settings.optimizer"),  # type: ignore[arg-type]  # on purpose
        (lambda: ModelSettings(limits=10.0), "settings.limits"),  # type: ignore[arg-type]  # on purpose
        (lambda: ModelSettings(acknowledgement="disk"), "settings.acknowledgement"),  # type: ignore[arg-type]  # on purpose
        (lambda: ModelSettings(privacy=True), "settings.privacy"),  # type: ignore[arg-type]  # on purpose
        (lambda: ModelSettings(shard=0), "settings.shard"),  # type: ignore[arg-type]  # on purpose
        (lambda: ContributionLimits(max_norm="1"), "limits.max_norm"),  # type: ignore[arg-type]  # on purpose
        (lambda: ContributionLimits(max_weight=math.nan), "limits.max_weight"),
        (lambda: ContributionLimits(requires_lease=1), "limits.requires_lease"),  # type: ignore[arg-type]  # on purpose
        (lambda: Shard(0, 2**32), "shard.num_shards"),
        (lambda: Shard(0.0, 2), "shard.index"),  # type: ignore[arg-type]  # on purpose
        (lambda: ContributionLimits(max_norm=0.0), "limits.max_norm"),
        (lambda: ContributionLimits(max_weight=math.inf), "limits.max_weight"),
        (lambda: Shard(0, 0), "shard.num_shards"),
        (lambda: Shard(2, 2, "h:1"), "shard.index"),
        (lambda: Shard(1, 2), "shard.first_address"),
        (lambda: Shard(0, 2, "h:1"), "shard.first_address"),
    ],
)
def test_a_setting_out_of_range_names_its_field(make: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        make()

    assert error.value.details["field"] == field


@pytest.mark.parametrize(
    ("aggregation", "consistency"),
    [
        (Aggregation(Krum(1)), Asynchronous()),
        (Aggregation(Krum(1)), SynchronousRounds(8, quorum=4)),
        (Aggregation(TrimmedMean(1)), BufferedAsynchronous(2)),
    ],
)
def test_a_rule_that_needs_more_contributions_than_a_round_may_have_is_refused(
    aggregation: Aggregation, consistency: Consistency
) -> None:
    with pytest.raises(InvalidArgumentError, match=r"settings\.consistency: got .*, allowed: rounds of at least"):
        ModelSettings(consistency, aggregation)


@pytest.mark.parametrize(
    "settings",
    [
        ModelSettings(SynchronousRounds(2)),
        ModelSettings(StaleSynchronous(1)),
        ModelSettings(limits=ContributionLimits(requires_lease=True)),
    ],
)
def test_modes_that_count_on_their_workers_need_a_lease(settings: ModelSettings) -> None:
    assert settings.needs_lease
