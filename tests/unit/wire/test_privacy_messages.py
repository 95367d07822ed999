"""Claims of privacy come back from their messages as they were, and nothing that was left out is made up."""

import pytest

from heronry.api.params.v1 import privacy_pb2 as pb
from heronry.types.consistency import SampledRounds
from heronry.types.errors import InvalidArgumentError
from heronry.types.privacy import (
    BandedFactorisation,
    BufferedFactorisation,
    ClientSpending,
    CorrelatedNoise,
    DistributedNoise,
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacySettings,
    PrivacyStatus,
    PrivacyUnit,
    QuantileClipping,
    TreeFactorisation,
)
from heronry.wire.model_settings import consistency_from_proto, consistency_to_proto
from heronry.wire.privacy import (
    privacy_from_proto,
    privacy_status_from_proto,
    privacy_status_to_proto,
    privacy_to_proto,
    spendings_from_proto,
)

AMPLIFIED = IndependentNoise(1.5, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=True)
CLAIM = PrivacySettings(
    PrivacyUnit.CLIENT, NeighbourRelation.ADD_OR_REMOVE_ONE, 200, 1e-5, 8.0, FixedClip(0.5), AMPLIFIED
)


@pytest.mark.parametrize(
    "claim",
    [
        CLAIM,
        PrivacySettings(
            PrivacyUnit.EPISODE,
            NeighbourRelation.REPLACE_ONE,
            1,
            0.5,
            1.0,
            QuantileClipping(1.0, 0.5, 0.2, 5.0),
            IndependentNoise(1.5, NoiseSampler.DISCRETE_GAUSSIAN, is_amplified=False),
        ),
        *[
            PrivacySettings(
                PrivacyUnit.CLIENT,
                NeighbourRelation.ZERO_OUT_ONE,
                50,
                1e-6,
                4.0,
                FixedClip(2.0),
                CorrelatedNoise(3.0, 100, 1, 100, factorisation),
            )
            for factorisation in (BandedFactorisation(8), BufferedFactorisation(4), TreeFactorisation())
        ],
        PrivacySettings(
            PrivacyUnit.CLIENT,
            NeighbourRelation.ADD_OR_REMOVE_ONE,
            32,
            1e-5,
            8.0,
            FixedClip(1.0),
            DistributedNoise(1.0, 20),
        ),
    ],
)
def test_a_claim_comes_back_as_it_was(claim: PrivacySettings) -> None:
    message = pb.PrivacySettings.FromString(privacy_to_proto(claim).SerializeToString())

    assert privacy_from_proto(message) == claim


@pytest.mark.parametrize(
    "field", ["unit", "relation", "population", "delta", "epsilon_limit", "fixed_clip", "independent"]
)
def test_a_claim_with_a_part_left_out_is_refused(field: str) -> None:
    message = privacy_to_proto(CLAIM)
    message.ClearField(field)  # type: ignore[arg-type]  # each of them

    with pytest.raises(InvalidArgumentError, match=r"privacy\."):
        privacy_from_proto(message)


def test_noise_without_a_sampler_or_strategy_is_refused() -> None:
    message = privacy_to_proto(CLAIM)
    message.independent.sampler = pb.NOISE_SAMPLER_UNSPECIFIED
    with pytest.raises(InvalidArgumentError, match="sampler: got 'nothing', allowed: 'rounded_gaussian'"):
        privacy_from_proto(message)

    message.correlated.noise_multiplier = 1.0
    with pytest.raises(InvalidArgumentError, match="factorisation: got 'nothing'"):
        privacy_from_proto(message)


@pytest.mark.parametrize(
    "mode",
    [
        SampledRounds(200, 30.0, sampling_rate=0.1),
        SampledRounds(200, 30.0, sampling_rate=0.1, max_cohort=40, min_clients=150),
        SampledRounds(200, 30.0, cohort_size=20, closes_early=True),
    ],
)
def test_sampled_rounds_come_back_as_they_were(mode: SampledRounds) -> None:
    assert consistency_from_proto(consistency_to_proto(mode)) == mode


def test_a_status_and_what_clients_spent_come_back_as_they_were() -> None:
    status = PrivacyStatus(
        has_claim=True,
        statement="ε = 1",
        mechanism="noise",
        unit=PrivacyUnit.CLIENT,
        relation=NeighbourRelation.REPLACE_ONE,
        delta=1e-5,
        epsilon_limit=8.0,
        epsilon_spent=0.5,
        epsilon_after=0.75,
        accountant="PLD",
        num_releases=7,
        clipping_norm=1.5,
        noise_multiplier=1.1,
        ledger_sequence=14,
        ledger_digest=b"\1" * 32,
    )
    clients = [ClientSpending("a", 3, 7, 0.5)]

    message = privacy_status_to_proto(status, clients)

    assert privacy_status_from_proto(message) == status
    assert spendings_from_proto(message) == clients
    assert privacy_status_from_proto(pb.GetPrivacyStatusResponse()) == PrivacyStatus(has_claim=False, statement="")
