"""Sums that come ready-made: what is refused, what is paid for before they are unmasked, what they make."""

import math

import numpy as np
import pytest

from heronry.params.core.private.distributed import distributed_event, distributed_terms
from heronry.privacy.accounting import event_from_document, skellam_rdp
from heronry.types.aggregation import Aggregation, FederatedMean, Sum
from heronry.types.consistency import BufferedAsynchronous, SynchronousRounds
from heronry.types.contribution import ContributionKind
from heronry.types.errors import FailedPreconditionError, InvalidArgumentError, RoundAbandonedError, UnavailableError
from heronry.types.models import ContributionLimits
from heronry.types.optimizers import SgdOptimizer
from heronry.types.privacy import (
    DistributedNoise,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacyUnit,
    QuantileClipping,
)

NOISE = DistributedNoise(1.0, 3)
ZEROED = NeighbourRelation.ZERO_OUT_ONE
ROUNDS = {"consistency": SynchronousRounds(4), "optimizer": SgdOptimizer(learning_rate=1.0)}
MEMBERS = ["ada", "bob", "cyd", "dan"]


@pytest.fixture
def secure(claim):
    """Return a claim on distributed noise."""
    return lambda **changes: claim(**{"noise": NOISE, "relation": ZEROED, **changes})


UNSOUND = {
    "half of the cohort as survivors": ({}, {"noise": DistributedNoise(1.0, 2)}, "distributed.min_survivors"),
    "more survivors than members": ({}, {"noise": DistributedNoise(1.0, 5)}, "distributed.min_survivors"),
    "no cohort": ({"consistency": BufferedAsynchronous(4)}, {}, "consistency"),
    "a cohort of one": ({"consistency": SynchronousRounds(1)}, {"noise": DistributedNoise(1.0, 1)}, "cohort_size"),
    "weights": ({"aggregation": Aggregation(FederatedMean(5))}, {}, "aggregation.rule"),
    "a bound that follows norms": ({}, {"clip": QuantileClipping(1.0, 0.5, 0.2, 5.0)}, "clip"),
    "a bound on norms that nobody sees": ({"limits": ContributionLimits(max_norm=1.0)}, {}, "limits.max_norm"),
    "episodes that nobody counts": ({}, {"unit": PrivacyUnit.EPISODE}, "privacy.unit"),
    "absence that another one fills": (
        {},
        {"relation": NeighbourRelation.ADD_OR_REMOVE_ONE},
        "privacy.relation",
    ),
}


@pytest.mark.parametrize("case", UNSOUND.values(), ids=UNSOUND)
def test_claims_on_distributed_noise_that_would_not_hold_are_refused(private_bench, secure, case) -> None:
    settings, changes, field = case

    with pytest.raises(InvalidArgumentError) as refused:
        private_bench().register(0.0, privacy=secure(**changes), **{**ROUNDS, **settings})

    assert field in refused.value.details["field"]


def test_the_claim_says_who_is_trusted_for_what(private_bench, secure) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=secure(), **ROUNDS)

    statement = bench.status.statement

    assert "The service sees sums alone, and is trusted to follow the protocol" in statement
    assert "3 honest clients in each sum bring all the noise claimed" in statement
    assert "The service is trusted;" not in statement


@pytest.mark.parametrize("kind", [ContributionKind.DELTA, ContributionKind.GRADIENT, ContributionKind.WEIGHTS])
def test_a_single_vector_is_never_looked_at(private_bench, secure, kind) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=secure(), **ROUNDS)
    bench.join(*MEMBERS)

    with pytest.raises(FailedPreconditionError, match="allowed: SumSecurely"):
        bench.push(1.0, client_id="ada", kind=kind)

    assert bench.model.round.num_contributions == 0


@pytest.mark.parametrize(("noise", "cohort"), [(DistributedNoise(1.0, 3), 4), (DistributedNoise(0.05, 600), 1024)])
def test_a_whole_cohort_fits_into_the_sum_and_the_noise_spans_steps_enough(noise, cohort) -> None:
    terms = distributed_terms(2.0, noise, cohort, 1000, float(cohort))

    largest = cohort * (2.0 / terms.step + 1) + 12 * terms.noise_steps * math.sqrt(cohort / noise.min_survivors)
    assert math.log2(terms.step) == round(math.log2(terms.step))
    assert largest < 2**31
    assert terms.noise_steps >= 2**10
    assert terms.sensitivity == pytest.approx(2.0 + terms.step * math.sqrt(1000) / 2)


def test_noise_that_no_sum_has_room_for_is_refused() -> None:
    # A thousand vectors of a million steps each: even the coarsest grid has too many.
    with pytest.raises(InvalidArgumentError, match="grid_step"):
        distributed_terms(1.0, DistributedNoise(1e-5, 600), 1024, 1000, 1024.0)


def test_a_sum_costs_what_its_noise_in_steps_costs() -> None:
    terms = distributed_terms(2.0, NOISE, 4, 1000, 4.0)
    event = event_from_document(distributed_event(terms, 1000))

    # Many steps wide, Skellam noise costs what a Gaussian of the same multiplier costs: alpha / (2 z^2).
    assert float(skellam_rdp(event, [8.0])[0]) == pytest.approx(8 / 2, rel=1e-4)
    assert event.variance <= terms.noise_steps**2
    assert event.l2_sensitivity >= terms.sensitivity / terms.step


def test_a_sum_becomes_a_mean_over_the_cohort_and_is_paid_for_by_its_participants(private_bench, secure) -> None:
    bench = private_bench()
    bench.register(0.0, 0.0, privacy=secure(), **ROUNDS)
    bench.join(*MEMBERS)
    opening = bench.models.open_secure("policy", MEMBERS)
    total = np.array([2.0, -4.0]) / opening.parameters.grid_step

    sequence = bench.models.reserve_secure(opening, MEMBERS[:3], 100.0)
    answer = bench.models.release_secure(opening, total.astype(np.int64), MEMBERS[:3], sequence, 0.0, 100.0).value

    assert (answer.version.number, answer.round_id) == (2, 1)
    np.testing.assert_array_equal(bench.values, np.array([0.5, -1.0], np.float32))
    spendings = bench.models.client_spendings("policy")
    assert [(s.client_id, s.num_participations) for s in spendings] == [(name, 1) for name in MEMBERS[:3]]


def test_a_sum_is_the_denominator_one(private_bench, secure) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=secure(), aggregation=Aggregation(Sum()), **ROUNDS)
    opening = bench.models.open_secure("policy", MEMBERS)
    total = np.array([2.0]) / opening.parameters.grid_step

    sequence = bench.models.reserve_secure(opening, MEMBERS, 100.0)
    bench.models.release_secure(opening, total.astype(np.int64), MEMBERS, sequence, 0.0, 100.0)

    np.testing.assert_array_equal(bench.values, np.array([2.0], np.float32))


def test_what_was_reserved_and_never_released_counts_as_spent_after_a_crash(open_private, secure) -> None:
    bench = open_private()
    bench.register(0.0, privacy=secure(), **ROUNDS)
    bench.models.reserve_secure(bench.models.open_secure("policy", MEMBERS), MEMBERS, 100.0)

    restored = open_private()

    assert restored.version.number == 1
    assert {s.num_participations for s in restored.models.client_spendings("policy")} == {1}
    assert restored.status.epsilon_spent > 0


def test_a_released_sum_comes_back_after_a_crash(open_private, secure) -> None:
    bench = open_private()
    bench.register(0.0, privacy=secure(), **ROUNDS)
    opening = bench.models.open_secure("policy", MEMBERS)
    sequence = bench.models.reserve_secure(opening, MEMBERS, 100.0)
    bench.models.release_secure(opening, np.array([12345], np.int64), MEMBERS, sequence, 0.0, 100.0)
    values = bench.values.copy()

    restored = open_private()

    assert restored.problems == []
    np.testing.assert_array_equal(restored.values, values)


def test_a_sum_that_is_given_up_counts_as_spent_and_the_next_one_can_be_reserved(private_bench, secure) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=secure(), **ROUNDS)
    opening = bench.models.open_secure("policy", MEMBERS)
    bench.models.reserve_secure(opening, MEMBERS, 100.0)
    with pytest.raises(UnavailableError, match="another release"):
        bench.models.reserve_secure(opening, MEMBERS, 100.0)

    bench.models.give_up_secure(opening, 100.0)
    bench.models.reserve_secure(opening, MEMBERS[:3], 100.0)

    spent = {s.client_id: s.num_participations for s in bench.models.client_spendings("policy")}
    assert spent == {"ada": 2, "bob": 2, "cyd": 2, "dan": 1}


def test_a_sum_for_values_that_were_given_up_is_not_published(private_bench, secure) -> None:
    bench = private_bench()
    first = bench.register(0.0, privacy=secure(), **ROUNDS)
    opening = bench.models.open_secure("policy", MEMBERS)
    sequence = bench.models.reserve_secure(opening, MEMBERS, 100.0)
    bench.models.rollback("policy", first.number, None, "back", 100.0)

    with pytest.raises(RoundAbandonedError, match="rolled back or deleted"):
        bench.models.release_secure(opening, np.array([1], np.int64), MEMBERS, sequence, 0.0, 100.0)
    with pytest.raises(RoundAbandonedError, match="rolled back or deleted"):
        bench.models.reserve_secure(opening, MEMBERS, 100.0)


def test_a_model_whose_service_adds_the_noise_opens_no_secure_round(private_bench, claim) -> None:
    bench = private_bench()
    noise = IndependentNoise(2.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=False)
    bench.register(0.0, privacy=claim(noise=noise), **ROUNDS)

    with pytest.raises(FailedPreconditionError, match="takes no secure sums"):
        bench.models.open_secure("policy", MEMBERS)
