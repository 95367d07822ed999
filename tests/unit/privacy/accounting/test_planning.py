"""Plans both ways for every mechanism."""

import pytest

from heronry.privacy.accounting import (
    AccountantName,
    CohortsWithoutReplacement,
    CorrelatedHorizons,
    FixedCohorts,
    LocalNoise,
    Mechanism,
    PoissonCohorts,
    SkellamShares,
    TreeHorizons,
    TruncatedPoissonCohorts,
    gaussian_epsilon,
    gaussian_noise_multiplier,
    plan,
)
from heronry.types.errors import ConfigurationError, InvalidArgumentError
from heronry.types.privacy import NeighbourRelation

DELTA = 1e-5
# Poisson cohorts, whose search takes seconds, have theirs in the tests of `heronry privacy plan`.
MECHANISMS: list[Mechanism] = [
    FixedCohorts(50, 20.0),
    CorrelatedHorizons(4, 3.0, 20.0),
    TreeHorizons(128, 2, 20.0),
    LocalNoise(10, 100.0),
    SkellamShares(10, 1_000_000, 20),
    CohortsWithoutReplacement(400, 20, 100),
]


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda mechanism: mechanism.name)
def test_the_noise_for_an_epsilon_gives_that_epsilon_back(mechanism: Mechanism) -> None:
    found = plan(mechanism, delta=DELTA, target_epsilon=4.0)

    assert found.epsilon == pytest.approx(4.0, rel=2e-4)
    assert found.epsilon <= 4.0
    back = plan(mechanism, delta=DELTA, noise_multiplier=found.noise_multiplier)
    assert (back.epsilon, back.accountant) == (found.epsilon, found.accountant)


@pytest.mark.parametrize("relation", [NeighbourRelation.ZERO_OUT_ONE, NeighbourRelation.REPLACE_ONE])
def test_participations_and_whole_horizons_are_gaussians(relation: NeighbourRelation) -> None:
    factor = 0.5 if relation is NeighbourRelation.REPLACE_ONE else 1.0

    fixed = plan(FixedCohorts(16), delta=DELTA, noise_multiplier=3.0, relation=relation)
    horizons = plan(CorrelatedHorizons(16, 2.5), delta=DELTA, noise_multiplier=3.0, relation=relation)

    assert fixed.epsilon == pytest.approx(gaussian_epsilon(3.0 * factor, 16, DELTA), abs=1e-9)
    assert horizons.epsilon == fixed.epsilon
    assert fixed.accountant is AccountantName.CLOSED_FORM


def test_fixed_cohorts_are_calibrated_to_the_closed_form() -> None:
    found = plan(FixedCohorts(16), delta=DELTA, target_epsilon=2.0)

    assert found.noise_multiplier == pytest.approx(gaussian_noise_multiplier(2.0, 16, DELTA), rel=1e-4)


def test_a_tree_costs_what_a_gaussian_of_its_height_does_by_renyi() -> None:
    tree = plan(TreeHorizons(128), delta=DELTA, noise_multiplier=1.0)

    assert tree.epsilon == pytest.approx(16.512876, abs=1e-5)
    assert tree.relation is NeighbourRelation.ZERO_OUT_ONE


def test_a_cap_costs_little_more_than_no_cap() -> None:
    plain = plan(PoissonCohorts(0.1, 20, 10.0), delta=DELTA, noise_multiplier=3.0)
    capped = plan(TruncatedPoissonCohorts(100, 0.1, 25, 20), delta=DELTA, noise_multiplier=3.0)

    assert plain.epsilon <= capped.epsilon <= plain.epsilon * 1.05
    assert [bound.epsilon is None for bound in capped.bounds] == [True, True, False]


def test_the_noise_on_the_mean_is_told() -> None:
    assert plan(FixedCohorts(1, 50.0), delta=DELTA, noise_multiplier=2.0).noise_on_mean == pytest.approx(2.0 / 50)
    assert plan(LocalNoise(1, 100.0), delta=DELTA, noise_multiplier=2.0).noise_on_mean == pytest.approx(2.0 / 10)
    assert plan(CorrelatedHorizons(1, 3.0), delta=DELTA, noise_multiplier=2.0).noise_on_sum == pytest.approx(6.0)
    assert plan(FixedCohorts(1), delta=DELTA, noise_multiplier=2.0).noise_on_mean is None


def test_accountants_without_an_answer_say_why() -> None:
    found = plan(CohortsWithoutReplacement(400, 20, 10), delta=DELTA, noise_multiplier=2.0)

    reasons = {bound.accountant: bound.reason for bound in found.bounds}
    assert reasons[AccountantName.RDP] == ""
    assert "not sound" in reasons[AccountantName.PLD]
    assert "without sampling" in reasons[AccountantName.CLOSED_FORM]


@pytest.mark.parametrize(
    ("mechanism", "relation"),
    [
        (TreeHorizons(8), NeighbourRelation.ADD_OR_REMOVE_ONE),
        (CohortsWithoutReplacement(10, 2, 1), NeighbourRelation.ADD_OR_REMOVE_ONE),
    ],
)
def test_relations_that_a_mechanism_does_not_have_are_refused(
    mechanism: Mechanism, relation: NeighbourRelation
) -> None:
    with pytest.raises(ConfigurationError, match="relation"):
        plan(mechanism, delta=DELTA, noise_multiplier=1.0, relation=relation)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"noise_multiplier": 1.0, "target_epsilon": 1.0},
        {"noise_multiplier": 0.0},
        {"noise_multiplier": float("nan")},
        {"target_epsilon": 0.0},
        {"target_epsilon": float("inf")},
        {"target_epsilon": 1.0, "delta": 1.0},
    ],
)
def test_values_outside_their_range_are_refused(asked: dict[str, float]) -> None:
    with pytest.raises(InvalidArgumentError):
        plan(FixedCohorts(1), **{"delta": DELTA} | asked)


@pytest.mark.parametrize(
    "make",
    [
        lambda: PoissonCohorts(0.0, 1),
        lambda: PoissonCohorts(1.1, 1),
        lambda: PoissonCohorts(0.5, 0),
        lambda: TruncatedPoissonCohorts(10, 0.5, 11, 1),
        lambda: CohortsWithoutReplacement(10, 11, 1),
        lambda: FixedCohorts(0),
        lambda: CorrelatedHorizons(1, 0.0),
        lambda: TreeHorizons(0),
        lambda: SkellamShares(1, 0, 1),
        lambda: SkellamShares(1, 1, 1, noise_steps=0.0),
    ],
)
def test_mechanisms_outside_their_range_are_refused(make: object) -> None:
    with pytest.raises(InvalidArgumentError):
        make()
