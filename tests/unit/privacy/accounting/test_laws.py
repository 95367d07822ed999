"""What holds for every setting. Few examples: each of them composes loss distributions."""

from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.privacy.accounting import Accountant, AccountantName, gaussian, new_event
from heronry.privacy.accounting.events import Event
from heronry.types.privacy import NeighbourRelation

ADDED = NeighbourRelation.ADD_OR_REMOVE_ONE
NOISE = st.floats(0.8, 4.0)
RATE = st.floats(0.001, 0.3)
COUNT = st.integers(1, 200)
DELTA = st.sampled_from([1e-8, 1e-6, 1e-5, 1e-3])
FEW = settings(max_examples=5, deadline=None, derandomize=True)
MORE = settings(max_examples=20, deadline=None, derandomize=True)


def sampled(noise: float, rate: float) -> Event:
    return new_event("PoissonSampledDpEvent", sampling_probability=rate, event=gaussian(noise))


def accountant_of(event: Event, count: int) -> Accountant:
    accountant = Accountant(ADDED)
    accountant.compose(event, count)
    return accountant


def quick(accountant: Accountant, delta: float) -> float:
    bound = accountant.quick_epsilon(delta)
    assert bound is not None
    return bound.epsilon


@FEW
@given(NOISE, RATE, COUNT, DELTA)
def test_loss_distributions_are_never_above_renyi_and_the_smaller_counts(
    noise: float, rate: float, count: int, delta: float
) -> None:
    accountant = accountant_of(sampled(noise, rate), count)

    bounds = {bound.accountant: bound.epsilon for bound in accountant.bounds(delta)}

    assert bounds[AccountantName.PLD] <= bounds[AccountantName.RDP] + 1e-4
    assert accountant.epsilon(delta).epsilon == min(bounds.values())


@FEW
@given(st.floats(1.0, 20.0), st.integers(1, 20), DELTA)
def test_of_gaussians_the_distribution_is_the_closed_form(noise: float, count: int, delta: float) -> None:
    bounds = {bound.accountant: bound.epsilon for bound in accountant_of(gaussian(noise), count).bounds(delta)}

    assert abs(bounds[AccountantName.PLD] - bounds[AccountantName.CLOSED_FORM]) <= 1e-6
    assert bounds[AccountantName.CLOSED_FORM] <= bounds[AccountantName.RDP]


@FEW
@given(NOISE, RATE, COUNT, DELTA)
def test_more_noise_and_a_larger_delta_spend_less_more_sampling_and_rounds_more(
    noise: float, rate: float, count: int, delta: float
) -> None:
    accountant = accountant_of(sampled(noise, rate), count)

    spent = quick(accountant, delta)

    assert quick(accountant_of(sampled(noise * 1.1, rate), count), delta) <= spent
    assert quick(accountant, delta * 2) <= spent
    assert quick(accountant_of(sampled(noise, rate * 1.1), count), delta) >= spent
    accountant.compose(sampled(noise, rate))
    assert quick(accountant, delta) >= spent


@MORE
@given(st.lists(st.tuples(st.sampled_from([0.9, 1.5, 8.0]), st.integers(1, 5)), min_size=1, max_size=10), DELTA)
def test_what_is_spent_never_falls(charges: list[tuple[float, int]], delta: float) -> None:
    accountant, spent = Accountant(ADDED), 0.0

    for noise, count in charges:
        accountant.compose(gaussian(noise), count)

        assert accountant.epsilon(delta).epsilon >= spent
        spent = accountant.epsilon(delta).epsilon


@MORE
@given(st.permutations([0.9, 1.5, 8.0, 3.0]), DELTA)
def test_the_order_of_releases_does_not_matter(noises: list[float], delta: float) -> None:
    mixed, ordered = Accountant(ADDED), Accountant(ADDED)
    for noise in noises:
        mixed.compose(gaussian(noise))
    for noise in sorted(noises):
        ordered.compose(gaussian(noise))

    assert abs(mixed.epsilon(delta).epsilon - ordered.epsilon(delta).epsilon) <= 1e-9
