"""A budget admits what one sound bound allows, and refuses before, never after."""

import pytest

from heronry.privacy.accounting import Accountant, Budget, gaussian, gaussian_epsilon, new_event, repeated
from heronry.privacy.accounting.events import Event
from heronry.types.errors import BudgetExhaustedError, InvalidArgumentError, ResourceExhaustedError
from heronry.types.privacy import NeighbourRelation

ADDED = NeighbourRelation.ADD_OR_REMOVE_ONE
DELTA = 1e-6


def sampled() -> Event:
    return new_event("PoissonSampledDpEvent", sampling_probability=0.1, event=gaussian(2.0))


def spend_all(budget: Budget, event: Event) -> tuple[int, BudgetExhaustedError]:
    for num_admitted in range(1000):
        try:
            budget.check(event)
        except BudgetExhaustedError as error:
            return num_admitted, error
        budget.charge(event)
    raise AssertionError("the budget has no end")


def test_gaussians_are_admitted_up_to_the_closed_form() -> None:
    num_admitted, error = spend_all(Budget(5.0, DELTA, Accountant(ADDED)), gaussian(4.0))

    assert gaussian_epsilon(4.0, num_admitted, DELTA) <= 5.0 < gaussian_epsilon(4.0, num_admitted + 1, DELTA)
    assert float(error.details["spent"]) == pytest.approx(gaussian_epsilon(4.0, num_admitted, DELTA))
    assert float(error.details["would_be"]) == pytest.approx(gaussian_epsilon(4.0, num_admitted + 1, DELTA))
    assert (error.details["limit"], error.details["delta"]) == ("5.0", "1e-06")
    assert isinstance(error, ResourceExhaustedError)


def test_sampled_releases_are_admitted_up_to_the_smaller_sound_bound() -> None:
    budget = Budget(1.0, DELTA, Accountant(ADDED))

    num_admitted, error = spend_all(budget, sampled())

    # By RDP alone fewer would be.
    assert budget.accountant.quick_epsilon(DELTA).epsilon > 1.0
    assert budget.spent().epsilon <= 1.0 < budget.would_be(sampled()).epsilon
    assert float(error.details["would_be"]) == budget.would_be(sampled()).epsilon
    assert num_admitted == budget.accountant.composition.num_releases


def test_few_distributions_are_computed_however_many_releases_they_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    accountant = Accountant(ADDED)
    asked: list[int] = []
    exact = accountant.epsilon_after
    monkeypatch.setattr(accountant, "epsilon_after", lambda *args: asked.append(1) or exact(*args))

    num_admitted, _ = spend_all(Budget(2.0, DELTA, accountant), sampled())

    assert num_admitted > 40
    assert len(asked) <= 20
    # One Rényi vector and one loss distribution.
    assert accountant.steps.num_computed == 2


def test_another_event_in_between_ends_what_was_proven() -> None:
    accountant = Accountant(ADDED)
    num_admitted, _ = spend_all(Budget(1.0, DELTA, accountant), sampled())
    again = Budget(1.0, DELTA, accountant.sibling())
    again.charge(sampled(), num_admitted - 2)
    again.check(sampled())

    again.charge(gaussian(2.0))

    with pytest.raises(BudgetExhaustedError):
        again.check(sampled())


def test_a_check_counts_nothing_and_a_charge_is_never_refused() -> None:
    budget = Budget(1.0, DELTA, Accountant(ADDED))
    budget.check(gaussian(10.0))

    budget.charge(gaussian(1.0), 10)

    assert budget.accountant.composition.num_releases == 10
    assert budget.spent().epsilon > 1.0


def test_many_releases_are_checked_as_one() -> None:
    budget = Budget(5.0, DELTA, Accountant(ADDED))
    num_admitted, _ = spend_all(Budget(5.0, DELTA, Accountant(ADDED)), gaussian(4.0))

    budget.check(repeated(gaussian(4.0), num_admitted))

    with pytest.raises(BudgetExhaustedError):
        budget.check(gaussian(4.0), num_admitted + 1)


def test_an_event_without_privacy_is_refused_whatever_the_limit() -> None:
    with pytest.raises(BudgetExhaustedError, match="inf"):
        Budget(1e9, DELTA, Accountant(ADDED)).check(new_event("NonPrivateDpEvent"))


def test_whose_budget_it_is_stands_in_the_error() -> None:
    with pytest.raises(BudgetExhaustedError, match="client 'a'"):
        Budget(1.0, DELTA, Accountant(ADDED), "client 'a'").check(gaussian(0.1))


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
def test_a_limit_that_is_none_is_refused(limit: float) -> None:
    with pytest.raises(InvalidArgumentError, match="epsilon_limit"):
        Budget(limit, DELTA, Accountant(ADDED))
