"""A release costs the same whatever ran before it."""

import pytest

from heronry.privacy.accounting import Accountant, AccountantName, gaussian, new_event, repeated
from heronry.privacy.accounting.events import Event
from heronry.types.privacy import NeighbourRelation

ADDED = NeighbourRelation.ADD_OR_REMOVE_ONE
MANY = 10_000


def sampled(rate: float = 0.001) -> Event:
    return new_event("PoissonSampledDpEvent", sampling_probability=rate, event=gaussian(0.7))


def test_a_hundred_thousand_releases_compute_the_costs_of_one() -> None:
    accountant, event = Accountant(ADDED), sampled()

    for _ in range(MANY):
        accountant.compose(event, 10)

    assert accountant.steps.num_computed == 1
    assert len(accountant.composition.counts) == 1
    # The notes' reference value, by RDP.
    assert accountant.quick_epsilon(1e-6).epsilon == pytest.approx(4.592230, abs=1e-5)


def test_looking_ahead_computes_nothing_again_and_counts_nothing() -> None:
    accountant, event = Accountant(ADDED), sampled()
    accountant.compose(event, 500)
    before = accountant.composition

    for count in range(1, 50):
        accountant.quick_epsilon(1e-6, accountant.after(event, count))

    assert accountant.composition is before
    assert accountant.steps.num_computed == 1


def test_one_by_one_all_at_once_and_as_one_event_cost_the_same() -> None:
    singly, together, composed = Accountant(ADDED), Accountant(ADDED), Accountant(ADDED)
    for _ in range(30):
        singly.compose(sampled())
    together.compose(sampled(), 30)
    composed.compose(repeated(sampled(), 30))

    expected = pytest.approx(together.quick_epsilon(1e-6).epsilon, rel=1e-12)
    assert singly.quick_epsilon(1e-6).epsilon == expected
    assert composed.quick_epsilon(1e-6).epsilon == expected


def test_a_restart_goes_on_from_what_was_counted() -> None:
    accountant = Accountant(ADDED)
    accountant.compose(sampled(), 30)
    accountant.compose(gaussian(5.0), 2)

    restarted = Accountant.from_document(accountant.state_to_document())

    assert restarted.composition.counts == accountant.composition.counts
    assert restarted.quick_epsilon(1e-6).epsilon == pytest.approx(accountant.quick_epsilon(1e-6).epsilon, rel=1e-12)


def test_clients_share_what_was_computed() -> None:
    first = Accountant(ADDED)
    first.compose(sampled())

    for _ in range(200):
        first.sibling().compose(sampled())

    assert first.steps.num_computed == 1


def test_different_gaussians_are_folded_into_one_distribution() -> None:
    accountant = Accountant(ADDED)
    for index in range(100):
        accountant.compose(gaussian(10.0 + index))
    num_vectors = accountant.steps.num_computed

    bounds = {bound.accountant: bound.epsilon for bound in accountant.bounds(1e-5)}

    assert accountant.steps.num_computed == num_vectors + 1
    assert bounds[AccountantName.PLD] == pytest.approx(bounds[AccountantName.CLOSED_FORM], abs=1e-6)


def test_what_was_answered_is_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    accountant, asked = Accountant(ADDED), []
    accountant.compose(sampled(0.1), 3)
    compute = accountant.steps.distribution
    monkeypatch.setattr(accountant.steps, "distribution", lambda *args: asked.append(args) or compute(*args))

    answers = {(accountant.epsilon(1e-6), accountant.epsilon_after(sampled(0.1), 1e-6)) for _ in range(5)}

    assert (len(answers), len(asked)) == (1, 2)


def test_nothing_is_spent_before_the_first_release() -> None:
    assert Accountant(ADDED).epsilon(1e-5).epsilon == 0.0


def test_a_release_without_privacy_spends_everything_for_good() -> None:
    accountant = Accountant(ADDED)
    accountant.compose(new_event("NonPrivateDpEvent"))
    accountant.compose(gaussian(1.0))

    assert accountant.epsilon(1e-5).epsilon == float("inf")
    assert accountant.epsilon(1e-5).accountant is AccountantName.NONE


def test_losses_too_large_for_a_distribution_are_left_to_the_other_accountant() -> None:
    accountant = Accountant(ADDED)
    accountant.compose(new_event("PoissonSampledDpEvent", sampling_probability=0.5, event=gaussian(0.1)), 1000)

    assert [bound.accountant for bound in accountant.bounds(1e-5)] == [AccountantName.RDP]


def test_what_only_a_distribution_covers_has_no_finite_epsilon_where_it_is_too_large() -> None:
    accountant = Accountant(NeighbourRelation.REPLACE_ONE)
    accountant.compose(new_event("PoissonSampledDpEvent", sampling_probability=0.5, event=gaussian(0.1)), 1000)

    assert accountant.epsilon(1e-5).epsilon == float("inf")
