"""The privacy section of a run spec: nothing has a default, and what would not hold is refused with the reason."""

import pytest

from heronry.spec import RunSpec, policy_settings
from heronry.types.errors import ConfigurationError
from heronry.types.privacy import (
    BufferedFactorisation,
    CorrelatedNoise,
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
    QuantileClipping,
)

INDEPENDENT = {"noise_multiplier": 12.0, "sampler": "rounded_gaussian", "is_amplified": False}
CORRELATED = {"noise_multiplier": 9.0, "horizon": 500, "max_participations": 500, "min_separation": 1}
QUANTILE = {"initial_norm": 1.0, "quantile": 0.5, "learning_rate": 0.2, "count_noise": 10.0}
CLAIM: dict[str, object] = {
    "unit": "client",
    "relation": "zero_out_one",
    "population": 10,
    "delta": 1e-3,
    "epsilon_limit": 8.0,
    "clip": {"fixed": {"norm": 1.5}},
    "noise": {"independent": INDEPENDENT},
    "publishes_returns": True,
}


def spec_with(claim: dict[str, object], **sections: object) -> RunSpec:
    # 8 * 32 steps an update: 40 updates.
    values = {"environment": {"id": "CartPole-v1"}, "max_env_steps": 10_240, "privacy": claim, **sections}
    return RunSpec.from_dict(values)


def test_a_claim_is_read_in_full_and_survives_its_own_dictionary() -> None:
    spec = spec_with(CLAIM)

    noise = IndependentNoise(12.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=False)
    expected = PrivacySettings(PrivacyUnit.CLIENT, NeighbourRelation.ZERO_OUT_ONE, 10, 1e-3, 8.0, FixedClip(1.5), noise)
    assert policy_settings(spec).privacy == expected
    assert RunSpec.from_dict(spec.to_dict()) == spec


def test_a_run_without_the_section_claims_nothing() -> None:
    spec = RunSpec.from_dict({"environment": {"id": "CartPole-v1"}})

    assert spec.privacy is None
    assert policy_settings(spec).privacy is None


def test_a_moving_clip_and_correlated_noise_are_read_too() -> None:
    correlated = spec_with({**CLAIM, "noise": {"correlated": {**CORRELATED, "buffered": {"num_buffers": 4}}}})
    moving = spec_with({**CLAIM, "clip": {"quantile": QUANTILE}})

    assert policy_settings(correlated).privacy.noise == CorrelatedNoise(9.0, 500, 500, 1, BufferedFactorisation(4))
    assert policy_settings(moving).privacy.clip == QuantileClipping(1.0, 0.5, 0.2, 10.0)


@pytest.mark.parametrize("name", CLAIM)
def test_nothing_has_a_default(name: str) -> None:
    partial = {key: value for key, value in CLAIM.items() if key != name}

    with pytest.raises(ConfigurationError, match=rf"privacy\.{name}: no value given, and it has no default"):
        spec_with(partial)


@pytest.mark.parametrize("name", INDEPENDENT)
def test_nothing_of_the_noise_has_a_default(name: str) -> None:
    partial = {key: value for key, value in INDEPENDENT.items() if key != name}

    with pytest.raises(ConfigurationError, match=rf"privacy\.noise\.independent\.{name}: no value given"):
        spec_with({**CLAIM, "noise": {"independent": partial}})


@pytest.mark.parametrize(
    ("change", "sections", "words"),
    [
        ({"delta": 0.1}, {}, r"privacy\.delta: got 0\.1, allowed: above 0, below 0\.1 \(1 / population\)"),
        ({"clip": {}}, {}, r"privacy\.clip: got none, allowed: one of fixed, quantile"),
        ({"noise": {"correlated": CORRELATED}}, {}, r"privacy\.noise\.correlated: got none, allowed: one of banded"),
        ({"noise": {"independent": {**INDEPENDENT, "is_amplified": True}}}, {}, r"only SampledRounds draw a cohort"),
        ({"unit": "episode"}, {}, r"privacy\.unit: got 'episode'.*many episodes.*unrolls.*Adam"),
        ({"unit": "episode"}, {"algorithm": {"name": "dqn"}}, r"privacy\.unit: got 'episode'.*replay"),
        ({"publishes_returns": False}, {}, r"privacy\.publishes_returns: got False.*outside of the claim"),
        ({}, {"lockstep": True}, r"lockstep: got True, allowed: false with privacy"),
        ({}, {"algorithm": {"name": "external"}}, r"privacy: .*your program registers the model"),
        ({"noise": {"distributed": {"noise_multiplier": 1.0, "min_survivors": 3}}}, {}, r"many clients"),
        (
            {"noise": {"correlated": {**CORRELATED, "max_participations": 9, "banded": {"band": 4}}}},
            {},
            r"max_participations: got 9, allowed: 500 \(horizon",
        ),
        (
            {"noise": {"correlated": {**CORRELATED, "min_separation": 2, "banded": {"band": 4}}}},
            {},
            r"min_separation: got 2, allowed: 1",
        ),
    ],
)
def test_what_would_not_hold_is_refused_with_the_reason(
    change: dict[str, object], sections: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        spec_with({**CLAIM, **change}, **sections)


def test_more_updates_than_the_budget_pays_for_are_refused_and_the_steps_it_pays_for_are_told() -> None:
    # One Gaussian of epsilon 8 at 1e-3 has sigma 0.48001 (Balle and Wang 2018): (3 / 0.48001)^2 = 39.06 pay for 39.
    weak = {**CLAIM, "noise": {"independent": {**INDEPENDENT, "noise_multiplier": 3.0}}}

    # Four are spare, an update takes 8 * 32 steps.
    most = (39 - 4) * 256
    with pytest.raises(ConfigurationError, match=rf"max_env_steps: got {most + 1}, allowed: at most {most:,}"):
        spec_with(weak, max_env_steps=most + 1)

    assert spec_with(weak, max_env_steps=most).max_updates == 35


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(ConfigurationError) as caught:
        spec_with({**CLAIM, "clip": {"fixd": {"norm": 1.0}}})

    assert caught.value.details["nearest"] == "privacy.clip.fixed"
