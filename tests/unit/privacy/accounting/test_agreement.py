"""Every kind of event costs what dp-accounting says, under every relation that it is sound for."""

from collections.abc import Callable

import dp_accounting as library
import pytest
from dp_accounting import dp_event, pld, rdp

from heronry.privacy.accounting import Accountant, AccountantName
from heronry.types.privacy import NeighbourRelation

ADDED, REPLACED, ZEROED = (
    NeighbourRelation.ADD_OR_REMOVE_ONE,
    NeighbourRelation.REPLACE_ONE,
    NeighbourRelation.ZERO_OUT_ONE,
)
NAMES = {
    ADDED: library.NeighboringRelation.ADD_OR_REMOVE_ONE,
    REPLACED: library.NeighboringRelation.REPLACE_ONE,
    ZEROED: library.NeighboringRelation.REPLACE_SPECIAL,
}
DELTA = 1e-5
# Much noise: what a distribution costs to compute grows with the losses that it tells apart.
GAUSSIAN = dp_event.GaussianDpEvent(4.0)
SAMPLED = dp_event.PoissonSampledDpEvent(0.05, GAUSSIAN)
TRUNCATED = dp_event.TruncatedSubsampledGaussianDpEvent(100, 0.05, 10, 4.0)
TREE = dp_event.SingleEpochTreeAggregationDpEvent(2.0, 64)
CONCENTRATED = dp_event.ZCDpEvent(0.02)
MIXED = dp_event.ComposedDpEvent([dp_event.SelfComposedDpEvent(SAMPLED, 3), GAUSSIAN, dp_event.GaussianDpEvent(6.0)])


def drawn(noise_multiplier: float) -> object:
    return dp_event.SampledWithoutReplacementDpEvent(100, 5, dp_event.GaussianDpEvent(noise_multiplier))


def ours(event: object, relation: NeighbourRelation, count: int) -> dict[AccountantName, float]:
    accountant = Accountant(relation)
    accountant.compose(event, count)
    return {bound.accountant: bound.epsilon for bound in accountant.bounds(DELTA)}


def theirs(
    make: Callable[..., library.PrivacyAccountant], event: object, relation: NeighbourRelation, count: int
) -> float:
    return float(make(neighboring_relation=NAMES[relation]).compose(event, count).get_epsilon(DELTA))


# Under replace-one a sum moves by two bounds: their Rényi accountant is told of half the noise.
RENYI = [
    (GAUSSIAN, GAUSSIAN, ADDED),
    (GAUSSIAN, GAUSSIAN, ZEROED),
    (GAUSSIAN, dp_event.GaussianDpEvent(2.0), REPLACED),
    (SAMPLED, SAMPLED, ADDED),
    (SAMPLED, SAMPLED, ZEROED),
    (drawn(4.0), drawn(2.0), REPLACED),
    (TREE, TREE, ZEROED),
    (CONCENTRATED, CONCENTRATED, ADDED),
    (CONCENTRATED, dp_event.ZCDpEvent(0.08), REPLACED),
    (MIXED, MIXED, ADDED),
]


@pytest.mark.parametrize(("event", "seen", "relation"), RENYI)
def test_renyi_epsilons_agree(event: object, seen: object, relation: NeighbourRelation) -> None:
    expected = theirs(rdp.RdpAccountant, seen, relation, 7)

    assert ours(event, relation, 7)[AccountantName.RDP] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("relation", [ADDED, REPLACED, ZEROED])
@pytest.mark.parametrize("event", [GAUSSIAN, SAMPLED, MIXED])
def test_loss_distributions_agree(event: object, relation: NeighbourRelation) -> None:
    expected = theirs(pld.PLDAccountant, event, relation, 3)

    assert ours(event, relation, 3)[AccountantName.PLD] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("relation", [ADDED, REPLACED, ZEROED])
def test_truncated_cohorts_agree_and_have_loss_distributions_alone(relation: NeighbourRelation) -> None:
    expected = theirs(pld.PLDAccountant, TRUNCATED, relation, 3)

    assert ours(TRUNCATED, relation, 3) == {AccountantName.PLD: pytest.approx(expected, abs=1e-6)}


def test_replacing_a_unit_costs_what_half_the_noise_does_by_every_accountant() -> None:
    # dp-accounting's Rényi accountant would say 4.73 for 10.0: the smaller of the two would be a lie.
    single = dp_event.GaussianDpEvent(1.0)

    assert ours(single, REPLACED, 1) == pytest.approx(ours(dp_event.GaussianDpEvent(0.5), ADDED, 1), abs=1e-6)
    assert min(ours(single, REPLACED, 1).values()) == pytest.approx(9.997256, abs=1e-5)
