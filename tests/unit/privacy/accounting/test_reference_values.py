"""Epsilons against values that were published, and against those of dp-accounting 0.6.0 and opacus 1.6.0."""

import math

import pytest

from heronry.privacy.accounting import Accountant, AccountantName, gaussian, gaussian_epsilon, new_event
from heronry.privacy.accounting.events import Event
from heronry.types.privacy import NeighbourRelation

# Noise multiplier, sampling rate, releases, delta, then RDP, PLD and PRV (opacus' accountant).
SAMPLED = [
    (1.3, 250 / 60000, 3600, 1e-5, 0.942200, 0.853030, 0.863046),
    (0.7, 0.001, 100_000, 1e-6, 4.592230, 4.135738, 4.145460),
    (1.0, 0.1, 100, 1e-6, 8.921392, 8.058608, 8.069037),
]
# Noise multiplier, epochs, published bound, RDP and PLD now; all at delta 1e-5 with batches of 256 of 60,000.
PUBLISHED = [
    # TensorFlow Privacy, MNIST tutorial.
    (1.3, 15, 1.19, 0.9544, 0.8645),
    (0.7, 45, 7.10, 6.3195, 5.6394),
    # Bu, Dong, Long and Su 2020, "Deep Learning with Gaussian Differential Privacy", Table 1.
    (1.3, 20, 1.34, 1.1064, 1.0073),
]


def sampled(noise_multiplier: float, rate: float) -> Event:
    return new_event("PoissonSampledDpEvent", sampling_probability=rate, event=gaussian(noise_multiplier))


def bounds(
    event: Event, count: int, delta: float, relation: NeighbourRelation = NeighbourRelation.ADD_OR_REMOVE_ONE
) -> dict[AccountantName, float]:
    accountant = Accountant(relation)
    accountant.compose(event, count)
    return {bound.accountant: bound.epsilon for bound in accountant.bounds(delta)}


@pytest.mark.parametrize(("noise", "rate", "count", "delta", "rdp", "pld", "prv"), SAMPLED)
def test_sampled_gaussians_cost_what_is_known(
    noise: float, rate: float, count: int, delta: float, rdp: float, pld: float, prv: float
) -> None:
    found = bounds(sampled(noise, rate), count, delta)

    assert found == {AccountantName.RDP: pytest.approx(rdp, abs=1e-5), AccountantName.PLD: pytest.approx(pld, abs=1e-4)}
    assert found[AccountantName.PLD] <= found[AccountantName.RDP]
    assert found[AccountantName.PLD] <= prv <= found[AccountantName.PLD] + 0.011


@pytest.mark.parametrize(("noise", "rate", "count", "delta", "rdp", "pld", "prv"), SAMPLED)
def test_the_central_limit_would_promise_less_than_is_spent_and_is_not_offered(
    noise: float, rate: float, count: int, delta: float, rdp: float, pld: float, prv: float
) -> None:
    # Bu et al. 2020: one Gaussian of 1 / mu, mu = q sqrt(T (exp(z^-2) - 1)).
    mu = rate * math.sqrt(count * math.expm1(noise**-2))

    assert gaussian_epsilon(1 / mu, 1, delta) < pld
    assert {name.value for name in AccountantName} == {"closed form", "RDP", "PLD", "none"}


@pytest.mark.parametrize(("count", "rdp", "exact"), [(1, 4.728507, 4.377178096), (10, 19.053598, 17.856586830)])
def test_gaussians_cost_what_is_known(count: int, rdp: float, exact: float) -> None:
    found = bounds(gaussian(1.0), count, 1e-5)

    assert found[AccountantName.CLOSED_FORM] == pytest.approx(exact, abs=1e-8)
    assert found[AccountantName.RDP] == pytest.approx(rdp, abs=1e-5)
    assert found[AccountantName.PLD] == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize(("noise", "epochs", "published", "rdp", "pld"), PUBLISHED)
def test_published_epsilons_are_upper_bounds(
    noise: float, epochs: int, published: float, rdp: float, pld: float
) -> None:
    found = bounds(sampled(noise, 256 / 60000), epochs * 60000 // 256, 1e-5)

    assert found[AccountantName.RDP] == pytest.approx(rdp, abs=1e-4)
    assert found[AccountantName.PLD] == pytest.approx(pld, abs=1e-4)
    assert found[AccountantName.PLD] < found[AccountantName.RDP] < published


def test_a_tree_costs_what_is_known() -> None:
    tree = new_event("SingleEpochTreeAggregationDpEvent", noise_multiplier=1.0, step_counts=128)

    found = bounds(tree, 1, 1e-5, NeighbourRelation.ZERO_OUT_ONE)

    assert found == {AccountantName.RDP: pytest.approx(16.512876, abs=1e-5)}


def test_a_published_tree_is_an_upper_bound() -> None:
    # Kairouz et al. 2021, "Practical and Private (Deep) Learning without Sampling or Shuffling": epsilon 2.04.
    tree = new_event("SingleEpochTreeAggregationDpEvent", noise_multiplier=8.83, step_counts=1600)

    assert bounds(tree, 1, 1e-6, NeighbourRelation.ZERO_OUT_ONE)[AccountantName.RDP] < 2.04


def test_zero_concentrated_privacy_of_a_half_costs_what_a_gaussian_of_one_does() -> None:
    found = bounds(new_event("ZCDpEvent", rho=0.5, xi=0.0), 1, 1e-5)

    assert found == {AccountantName.RDP: pytest.approx(4.728507, abs=1e-5)}
