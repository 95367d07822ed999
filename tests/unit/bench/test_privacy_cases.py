"""The privacy suite's cases, goals and checks; nothing is timed here."""

import pytest

from heronry.bench.params.checks import MiscountError, check_pulled, check_spread
from heronry.bench.params.models import settings_of
from heronry.bench.privacy import MEASUREMENTS, ledgers, noise, rounds
from heronry.types.privacy import BufferedFactorisation, CorrelatedNoise, IndependentNoise, NoiseSampler

ALL_CASES = [case for measurement in MEASUREMENTS for case in measurement.cases]


def test_every_case_is_named_once_and_after_the_suite() -> None:
    assert len(set(ALL_CASES)) == len(ALL_CASES)
    assert all(case.startswith("privacy.") for case in ALL_CASES)


def test_the_goals_are_the_issues() -> None:
    assert [(case.goal, case.closes_at) for case in noise.CASES if case.goal] == [(0.080, 0.130)]
    assert [(case.goal, case.closes_at) for case in rounds.CASES if case.goal] == [(1.15, 1.25)]
    assert ledgers.HISTORIES == (10, 1_000, 100_000)


def test_private_models_make_the_claim_that_their_name_says() -> None:
    claims = {name: settings_of(4, noise=name).privacy for name in ("rounded", "discrete", "buffers_3")}

    assert settings_of(4).privacy is None
    assert claims["rounded"].noise == IndependentNoise(1.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=False)
    assert claims["discrete"].noise == IndependentNoise(1.0, NoiseSampler.DISCRETE_GAUSSIAN, is_amplified=False)
    assert isinstance(claims["buffers_3"].noise, CorrelatedNoise)
    assert claims["buffers_3"].noise.factorisation == BufferedFactorisation(3)


def test_rounds_without_their_noise_give_no_figure() -> None:
    # Noise of 1 over 4, 16 times: 1.
    check_spread(1.005, 16, 4)

    with pytest.raises(MiscountError):
        check_spread(0.97, 16, 4)


def test_workers_that_pulled_other_bytes_give_no_figure() -> None:
    check_pulled([{"checksum": 7}, {"checksum": 7}])

    with pytest.raises(MiscountError):
        check_pulled([{"checksum": 7}, {"checksum": 8}])
