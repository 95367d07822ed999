"""Which events a relation supports; the others are refused by name, and count nothing."""

import pytest

from heronry.privacy.accounting import Accountant, SkellamDpEvent, gaussian, new_event
from heronry.privacy.accounting.events import Event
from heronry.types.errors import ConfigurationError, InvalidArgumentError
from heronry.types.privacy import NeighbourRelation

ADDED, REPLACED, ZEROED = (
    NeighbourRelation.ADD_OR_REMOVE_ONE,
    NeighbourRelation.REPLACE_ONE,
    NeighbourRelation.ZERO_OUT_ONE,
)
DRAWN = new_event("SampledWithoutReplacementDpEvent", source_dataset_size=100, sample_size=5, event=gaussian(1.0))
TREE = new_event("SingleEpochTreeAggregationDpEvent", noise_multiplier=1.0, step_counts=128)
TRUNCATED = new_event(
    "TruncatedSubsampledGaussianDpEvent",
    dataset_size=100,
    sampling_probability=0.1,
    truncated_batch_size=20,
    noise_multiplier=1.0,
)


@pytest.mark.parametrize(
    ("event", "relation", "name"),
    [
        (DRAWN, ADDED, "SampledWithoutReplacementDpEvent"),
        (DRAWN, ZEROED, "SampledWithoutReplacementDpEvent"),
        (TREE, ADDED, "SingleEpochTreeAggregationDpEvent"),
        (TREE, REPLACED, "SingleEpochTreeAggregationDpEvent"),
        (new_event("ZCDpEvent", rho=0.1, xi=0.1), REPLACED, "xi = 0"),
    ],
)
def test_events_that_a_relation_does_not_support_are_refused(
    event: Event, relation: NeighbourRelation, name: str
) -> None:
    accountant = Accountant(relation)
    accountant.compose(gaussian(1.0))

    with pytest.raises(ConfigurationError, match=name) as caught:
        accountant.compose(event)

    assert caught.value.details["field"] == "privacy.relation"
    assert accountant.composition.num_releases == 1


def test_events_without_a_common_accountant_are_refused_together() -> None:
    accountant = Accountant(ZEROED)
    accountant.compose(TREE)

    with pytest.raises(ConfigurationError, match="some of these have no RDP, some no PLD"):
        accountant.compose(TRUNCATED)

    assert list(accountant.composition.counts) == [TREE]


@pytest.mark.parametrize("relation", list(NeighbourRelation))
def test_skellam_and_zero_concentrated_sums_go_with_gaussians(relation: NeighbourRelation) -> None:
    accountant = Accountant(relation)
    accountant.compose(SkellamDpEvent(2.0**20, 2.0**9, 1000))
    accountant.compose(new_event("ZCDpEvent", rho=0.01, xi=0.0))
    accountant.compose(gaussian(4.0))

    assert 0 < accountant.epsilon(1e-5).epsilon < 20


@pytest.mark.parametrize("event", [new_event("ZCDpEvent", rho=0.01, xi=0.0), SkellamDpEvent(2.0**20, 2.0**9, 1000)])
def test_replacing_costs_more_than_removing(event: Event) -> None:
    removed, replaced = Accountant(ADDED), Accountant(REPLACED)
    removed.compose(event)
    replaced.compose(event)

    assert replaced.epsilon(1e-5).epsilon > 1.5 * removed.epsilon(1e-5).epsilon


def test_an_event_that_is_not_on_the_list_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="allowed: GaussianDpEvent"):
        Accountant(ADDED).compose(object())


@pytest.mark.parametrize("delta", [0.0, 1.0, float("nan")])
def test_a_delta_that_is_none_is_refused(delta: float) -> None:
    with pytest.raises(InvalidArgumentError, match="delta"):
        Accountant(ADDED).epsilon(delta)
