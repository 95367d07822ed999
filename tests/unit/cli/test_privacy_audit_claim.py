"""Which claim an audit makes of its flags, or of another model, and when its canaries contribute."""

from dataclasses import replace

import numpy as np
import pytest

from heronry.cli.privacy_audit_claim import AuditClaim, AuditFlags, claim_like, claim_of_flags
from heronry.types.consistency import BufferedAsynchronous, SampledRounds, SynchronousRounds
from heronry.types.errors import ConfigurationError
from heronry.types.models import ModelSettings
from heronry.types.privacy import (
    BandedFactorisation,
    CorrelatedNoise,
    DistributedNoise,
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
)

INDEPENDENT = IndependentNoise(2.0, NoiseSampler.DISCRETE_GAUSSIAN, is_amplified=False)
CLAIM = PrivacySettings(
    unit=PrivacyUnit.CLIENT,
    relation=NeighbourRelation.REPLACE_ONE,
    population=1000,
    delta=1e-5,
    epsilon_limit=7.0,
    clip=FixedClip(0.5),
    noise=INDEPENDENT,
)
FIXED = AuditFlags("fixed", 1.0, 1e-5)


def rounds_of(claim: AuditClaim, canary: int) -> list[int]:
    return [release for release in range(claim.num_rounds) if canary in claim.contributors(release)]


def test_a_fixed_cohort_has_every_canary_in_every_release() -> None:
    claim = claim_of_flags(replace(FIXED, rounds=3), 40)

    assert claim.consistency == BufferedAsynchronous(40)
    assert rounds_of(claim, 0) == rounds_of(claim, 39) == [0, 1, 2]
    np.testing.assert_array_equal(claim.filters(3), np.ones((40, 3)))


def test_correlated_canaries_contribute_as_often_and_as_far_apart_as_the_pattern_has_it() -> None:
    flags = AuditFlags("correlated", 1.0, 1e-5, rounds=12, participations=3, separation=4)

    claim = claim_of_flags(flags, 42)

    assert (claim.num_groups, claim.group_size) == (4, 11)
    assert rounds_of(claim, 0) == [0, 4, 8]
    assert rounds_of(claim, 41) == [3, 7, 11]
    # A canary is looked for from its first release on, with its own weights.
    filters = claim.filters(12)
    assert filters.shape == (42, 12)
    assert (filters[0] == filters[10]).all()
    assert (filters[0] != filters[11]).any()


def test_a_tree_has_each_canary_once() -> None:
    claim = claim_of_flags(AuditFlags("tree", 1.0, 1e-5, rounds=8), 20)

    assert claim.privacy.relation is NeighbourRelation.ZERO_OUT_ONE
    assert all(len(rounds_of(claim, canary)) == 1 for canary in range(20))


def test_a_claim_like_a_models_keeps_all_but_the_population() -> None:
    settings = ModelSettings(consistency=SynchronousRounds(5), privacy=CLAIM)

    claim = claim_like("policy", settings, AuditFlags(), 30)

    assert claim.privacy == replace(CLAIM, population=30)
    assert (claim.num_rounds, claim.absent_sign) == (8, -1.0)
    assert claim.settings.privacy == claim.privacy


def test_drawn_cohorts_keep_their_share_of_all_clients() -> None:
    noise = replace(INDEPENDENT, sampler=NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=True)
    privacy = replace(CLAIM, noise=noise)
    fixed, capped = SampledRounds(1000, cohort_size=100), SampledRounds(1000, sampling_rate=0.1, max_cohort=200)

    sampled = [
        claim_like("policy", ModelSettings(consistency=mode, privacy=privacy), AuditFlags(rounds=4), 50).consistency
        for mode in (fixed, capped)
    ]

    assert [mode.cohort_size for mode in sampled] == [5, None]
    assert [mode.max_cohort for mode in sampled] == [None, 10]
    assert [mode.num_clients for mode in sampled] == [50, 50]


def test_an_episode_contributes_once() -> None:
    privacy = replace(CLAIM, unit=PrivacyUnit.EPISODE, relation=NeighbourRelation.ZERO_OUT_ONE)

    claim = claim_like("policy", ModelSettings(privacy=privacy), AuditFlags(rounds=5), 20)

    assert all(len(rounds_of(claim, canary)) == 1 for canary in range(20))
    assert claim.absent_sign == 0.0


def test_a_horizon_is_audited_within_itself() -> None:
    noise = CorrelatedNoise(1.0, 6, 2, 3, BandedFactorisation(3))

    claim = claim_like("policy", ModelSettings(privacy=replace(CLAIM, noise=noise)), AuditFlags(rounds=50), 12)

    assert claim.num_rounds == 6
    assert rounds_of(claim, 0) == [0, 3]


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (AuditFlags(), "--mechanism"),
        (AuditFlags("local", 1.0, 1e-5), "--mechanism"),
        (AuditFlags("fixed", None, 1e-5), "--noise-multiplier"),
        (AuditFlags("fixed", 1.0, None), "--delta"),
        (AuditFlags("fixed", 1.0, 1e-2), "--delta"),
        (AuditFlags("poisson", 1.0, 1e-5), "--sampling-rate"),
        (AuditFlags("without-replacement", 1.0, 1e-5), "--cohort"),
    ],
)
def test_flags_that_are_missing_or_out_of_range_are_named(flags: AuditFlags, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        claim_of_flags(flags, 100)


def test_models_that_cannot_be_audited_are_refused_with_the_reason() -> None:
    distributed = replace(CLAIM, noise=DistributedNoise(1.0, 3))

    with pytest.raises(ConfigurationError, match="a privacy claim"):
        claim_like("policy", ModelSettings(), AuditFlags(), 10)
    with pytest.raises(ConfigurationError, match="not its clients"):
        claim_like("policy", ModelSettings(privacy=distributed), AuditFlags(), 10)
    with pytest.raises(ConfigurationError, match="--delta"):
        claim_like("policy", ModelSettings(privacy=replace(CLAIM, delta=9e-4)), AuditFlags(), 1000)
    with pytest.raises(ConfigurationError, match="--like"):
        claim_like("policy", ModelSettings(privacy=CLAIM), FIXED, 10)
