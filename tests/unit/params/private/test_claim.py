"""What a claim says: the event that is paid for, by whom, the public denominator, the words."""

import math

import numpy as np
import pytest

from heronry.params.core.layout import ParameterLayout
from heronry.params.core.private.claim import ChargeScope, Claim, statement_of
from heronry.params.core.private.guards import FolderGuards
from heronry.params.core.private.model_privacy import ModelPrivacy
from heronry.params.core.private.state import PrivateState
from heronry.types.aggregation import Aggregation, FederatedMean, Sum
from heronry.types.consistency import (
    Asynchronous,
    BufferedAsynchronous,
    SampledRounds,
    StaleSynchronous,
    SynchronousRounds,
)
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings
from heronry.types.privacy import (
    BandedFactorisation,
    BufferedFactorisation,
    CorrelatedNoise,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacyUnit,
    QuantileClipping,
    TreeFactorisation,
)
from heronry.types.tensors import ModelSchema

ROUNDED, DISCRETE = NoiseSampler.ROUNDED_GAUSSIAN, NoiseSampler.DISCRETE_GAUSSIAN
LAYOUT = ParameterLayout(ModelSchema.of({"weight": np.zeros(10_000, np.float32)}))
GAUSSIAN = {"class": "GaussianDpEvent", "noise_multiplier": 2.0}
POISSON = {"class": "PoissonSampledDpEvent", "sampling_probability": 0.2, "event": GAUSSIAN}
TRUNCATED = {
    "class": "TruncatedSubsampledGaussianDpEvent",
    "dataset_size": 50,
    "sampling_probability": 0.2,
    "truncated_batch_size": 15,
    "noise_multiplier": 2.0,
}
DRAWN = {
    "class": "SampledWithoutReplacementDpEvent",
    "source_dataset_size": 50,
    "sample_size": 10,
    "event": GAUSSIAN,
}
AMPLIFIED = IndependentNoise(2.0, ROUNDED, is_amplified=True)
REPLACE, ZERO_OUT = NeighbourRelation.REPLACE_ONE, NeighbourRelation.ZERO_OUT_ONE
RELEASE, PARTICIPATION, HORIZON = ChargeScope.RELEASE, ChargeScope.PARTICIPATION, ChargeScope.HORIZON

# Rounds, changes of the claim, then: what is paid for, by whom, the denominator, a word of the mechanism.
MECHANISMS = {
    "a known cohort": (SynchronousRounds(7, num_extra=2), {}, GAUSSIAN, PARTICIPATION, 7.0, "not amplified"),
    "buffered": (BufferedAsynchronous(9), {}, GAUSSIAN, PARTICIPATION, 9.0, "not amplified"),
    "free-running": (Asynchronous(), {}, GAUSSIAN, PARTICIPATION, 1.0, "not amplified"),
    "stale rounds": (StaleSynchronous(2), {}, GAUSSIAN, PARTICIPATION, 1.0, "not amplified"),
    "replacing": (BufferedAsynchronous(9), {"relation": REPLACE}, GAUSSIAN, PARTICIPATION, 9.0, "not amplified"),
    "episodes": (
        BufferedAsynchronous(9),
        {"unit": PrivacyUnit.EPISODE},
        GAUSSIAN,
        PARTICIPATION,
        9.0,
        "not amplified",
    ),
    "the discrete Gaussian": (
        BufferedAsynchronous(9),
        {"noise": IndependentNoise(2.0, DISCRETE, is_amplified=False)},
        {"class": "ZCDpEvent", "rho": 0.125, "xi": 0.0},
        PARTICIPATION,
        9.0,
        "exact discrete",
    ),
    "Poisson cohorts": (
        SampledRounds(50, sampling_rate=0.2),
        {"noise": AMPLIFIED},
        POISSON,
        RELEASE,
        10.0,
        "Poisson cohorts of rate 0.2",
    ),
    "Poisson cohorts, replacing": (
        SampledRounds(50, sampling_rate=0.2),
        {"noise": AMPLIFIED, "relation": REPLACE},
        POISSON,
        RELEASE,
        10.0,
        "Poisson cohorts of rate 0.2",
    ),
    "Poisson cohorts with a cap": (
        SampledRounds(50, sampling_rate=0.2, max_cohort=15),
        {"noise": AMPLIFIED},
        TRUNCATED,
        RELEASE,
        10.0,
        "at most 15",
    ),
    "cohorts without replacement": (
        SampledRounds(50, cohort_size=10),
        {"noise": AMPLIFIED, "relation": REPLACE},
        DRAWN,
        RELEASE,
        10.0,
        "cohorts of 10 drawn without replacement",
    ),
    "drawn cohorts that are not counted on": (
        SampledRounds(50, sampling_rate=0.2),
        {},
        GAUSSIAN,
        PARTICIPATION,
        10.0,
        "not amplified",
    ),
    "a banded horizon": (
        BufferedAsynchronous(9),
        {"noise": CorrelatedNoise(2.0, 12, 2, 3, BandedFactorisation(3))},
        GAUSSIAN,
        HORIZON,
        9.0,
        "correlated over 12 releases (banded)",
    ),
    "a buffered horizon": (
        BufferedAsynchronous(9),
        {"noise": CorrelatedNoise(2.0, 12, 2, 3, BufferedFactorisation(2))},
        GAUSSIAN,
        HORIZON,
        9.0,
        "(buffered)",
    ),
    "a tree": (
        BufferedAsynchronous(9),
        {"noise": CorrelatedNoise(2.0, 12, 1, 1, TreeFactorisation()), "relation": ZERO_OUT},
        GAUSSIAN,
        HORIZON,
        9.0,
        "(tree)",
    ),
}


def read(privacy, consistency, **settings: object) -> Claim:
    if privacy.unit is PrivacyUnit.EPISODE:
        settings["acknowledgement"] = AcknowledgementLevel.DISK
    return Claim.of(ModelSettings(consistency=consistency, privacy=privacy, **settings), privacy, LAYOUT)


@pytest.mark.parametrize("case", MECHANISMS.values(), ids=MECHANISMS)
def test_every_mechanism_is_paid_for_by_its_event(claim, case) -> None:
    consistency, changes, event, scope, denominator, word = case

    made = read(claim(**changes), consistency)

    assert made.event == event
    assert (made.scope, made.denominator, made.max_weight) == (scope, denominator, 1.0)
    assert word in made.mechanism


def test_a_sum_is_divided_by_nothing_and_a_federated_mean_by_its_largest_count(claim) -> None:
    total = read(claim(), BufferedAsynchronous(9), aggregation=Aggregation(Sum()))
    federated = read(claim(), BufferedAsynchronous(9), aggregation=Aggregation(FederatedMean(32)))

    assert (total.denominator, total.max_weight) == (1.0, 1.0)
    assert (federated.denominator, federated.max_weight) == (9.0, 32.0)


@pytest.mark.parametrize("multiplier", [0.5, 1.0, 2.0, 30.0])
@pytest.mark.parametrize("norm", [1e-30, 0.1, 1.0, 3.0, 1e30])
def test_the_grid_is_a_power_of_two_and_its_rounding_is_counted(claim, multiplier, norm) -> None:
    made = read(claim(noise=IndependentNoise(multiplier, ROUNDED, is_amplified=False)), BufferedAsynchronous(9))

    terms = made.terms(PrivateState(norm))

    wanted = multiplier * norm / 2**20
    assert math.frexp(terms.step)[0] == 0.5
    assert wanted / 2 < terms.step <= wanted
    # Half a step in each of 10,000 coordinates.
    assert terms.sensitivity == norm + 50.0 * terms.step
    assert multiplier * terms.sensitivity <= terms.noise_std <= multiplier * terms.sensitivity * (1 + 1e-15)


def test_the_votes_on_the_bound_have_their_share_of_the_noise(claim) -> None:
    # The case of the notes: z 1, sigma_b 5.
    clip = QuantileClipping(1.0, 0.5, 0.2, 5.0)
    privacy = claim(clip=clip, noise=IndependentNoise(1.0, ROUNDED, is_amplified=False))

    made = read(privacy, BufferedAsynchronous(100))

    assert made.vector_multiplier == pytest.approx(1.00504, abs=1e-5)
    # What both together cost is what is charged.
    assert 1 / made.vector_multiplier**2 + 1 / (2 * clip.count_noise) ** 2 == pytest.approx(1.0)
    assert made.event == {"class": "GaussianDpEvent", "noise_multiplier": 1.0}
    terms = made.terms(PrivateState(1.0))
    assert terms.noise_std == pytest.approx(made.vector_multiplier * terms.sensitivity)


# One Gaussian of 1 at delta 1e-5: the analytic Gaussian at sensitivity 1, and 2 (Balle and Wang 2018, theorem 8).
@pytest.mark.parametrize(
    "relation, epsilon",
    [(ZERO_OUT, 4.3771781), (REPLACE, 9.9972561)],
)
def test_replacing_a_unit_counts_twice_once(private_bench, claim, relation, epsilon) -> None:
    bench = private_bench()
    privacy = claim(relation=relation, noise=IndependentNoise(1.0, ROUNDED, is_amplified=False))
    bench.register(0.0, privacy=privacy, consistency=BufferedAsynchronous(1))

    bench.push_delta("a", 1.0)

    assert bench.status.epsilon_spent == pytest.approx(epsilon, abs=1e-6)
    assert bench.status.epsilon_after > epsilon


@pytest.mark.parametrize("unit", list(PrivacyUnit))
@pytest.mark.parametrize("relation", list(NeighbourRelation))
def test_the_statement_says_what_is_claimed_and_what_is_not(claim, unit, relation) -> None:
    is_presence = relation is NeighbourRelation.ADD_OR_REMOVE_ONE
    mode = SampledRounds(50, sampling_rate=0.2) if is_presence else BufferedAsynchronous(9)
    made = read(claim(unit=unit, relation=relation), mode)

    said = statement_of("policy", made, is_void=False, is_authenticated=True)

    unit_words = {PrivacyUnit.CLIENT: "one client", PrivacyUnit.EPISODE: "one episode"}
    relation_words = {
        NeighbourRelation.ADD_OR_REMOVE_ONE: "present or absent",
        REPLACE: "replaced by another",
        ZERO_OUT: "replaced by zeros",
    }
    for words in (unit_words[unit], relation_words[relation], "epsilon at most 1000 at delta 1e-05"):
        assert words in said
    assert ("arrivals fill the rounds" in said) is (relation is ZERO_OUT)
    for words in (made.mechanism, "The service is trusted", "Outside of the claim", "returns", "replay"):
        assert words in said


@pytest.mark.parametrize("closes_early", [True, False])
def test_the_statement_of_sampled_rounds_says_what_must_not_be_seen(claim, closes_early: bool) -> None:
    noise = IndependentNoise(2.0, ROUNDED, is_amplified=True)
    made = read(claim(noise=noise), SampledRounds(50, sampling_rate=0.2, closes_early=closes_early))

    said = statement_of("policy", made, is_void=False, is_authenticated=True)

    assert "neither who was drawn, nor how many, nor how long they take" in said
    assert "Metrics endpoint, logs and state folder are for its operator alone" in said
    assert ("must not see when they appear" in said) == closes_early


def test_the_statement_says_when_identities_are_not_authenticated(claim, tmp_path) -> None:
    made = read(claim(), BufferedAsynchronous(9))
    said = {}
    for is_authenticated in (True, False):
        (folder := tmp_path / str(is_authenticated)).mkdir()
        guards = FolderGuards(folder, "bench", is_authenticated=is_authenticated)
        privacy = ModelPrivacy(made)
        privacy.attach(guards.of("policy", made))
        said[is_authenticated] = privacy.status("policy").statement
        guards.close()

    assert "identities are not authenticated" in said[False]
    assert "authenticated" not in said[True]


def test_a_deterministic_test_mode_voids_the_claim_for_ever(open_private, claim) -> None:
    bench = open_private(seed=1)
    bench.register(0.0, privacy=claim(), consistency=BufferedAsynchronous(1))
    bench.push_delta("a", 1.0)
    during = bench.status

    bench = open_private()

    assert (during.has_claim, during.is_void) == (False, True)
    assert during.statement.startswith("VOID")
    assert bench.status.is_void
    assert bench.status.statement.startswith("VOID")
