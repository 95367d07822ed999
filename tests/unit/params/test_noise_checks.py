"""The continuous self-test sees the noise of every release as it is, whatever the mechanism."""

import itertools

import numpy as np
import pytest

from heronry.params.core.private.noise_checks import NoiseChecks
from heronry.params.core.private.noise_sources import CorrelatedSource, IndependentSource
from heronry.params.core.private.row_deviations import RowDeviations
from heronry.params.core.private.terms import ReleaseTerms
from heronry.privacy.audit import noise_rows
from heronry.privacy.factorisation import strategy_of
from heronry.privacy.noise import NoiseKey
from heronry.types.privacy import (
    BandedFactorisation,
    BufferedFactorisation,
    CorrelatedNoise,
    NoiseSampler,
    TreeFactorisation,
)

CORRELATED = [
    CorrelatedNoise(1.0, 12, 2, 4, BandedFactorisation(4)),
    CorrelatedNoise(1.0, 12, 3, 4, BufferedFactorisation(2)),
    CorrelatedNoise(1.0, 12, 1, 1, TreeFactorisation()),
]
NUM = 5000
TERMS = ReleaseTerms.of(1.0, 1.0, NUM, 1.0, 1.0)


@pytest.mark.parametrize("noise", CORRELATED)
def test_row_deviations_are_the_norms_of_the_rows_of_the_inverse(noise: CorrelatedNoise) -> None:
    strategy = strategy_of(noise)
    deviations = RowDeviations(strategy)

    expected = np.linalg.norm(noise_rows(strategy, 12), axis=1)

    np.testing.assert_allclose([deviations.of(t) for t in range(12)], expected, rtol=1e-12)
    assert deviations.of(3) == pytest.approx(expected[3], rel=1e-12)
    assert RowDeviations(strategy).of(7) == pytest.approx(expected[7], rel=1e-12)


# Sound noise fails one test in 10^12.
@pytest.mark.parametrize("noise", CORRELATED)
def test_correlated_noise_is_sound_in_every_release(noise: CorrelatedNoise) -> None:
    source, checks = CorrelatedSource([(0, NoiseKey.fresh())], noise, strategy_of(noise), NUM), NoiseChecks()

    for release in range(6):
        total = np.zeros(NUM, np.int64)
        before = checks.sample(total)
        source.add_to(total, TERMS, release)
        checks.observe(before, total, source.deviation_steps(TERMS, release))
        checks.note_release()

    assert (checks.num_checks, checks.num_alarms) == (6, 0)


@pytest.mark.parametrize("sampler", NoiseSampler)
def test_independent_noise_is_looked_at_beside_what_the_sum_holds_already(sampler: NoiseSampler) -> None:
    source, checks = IndependentSource(NoiseKey.fresh, sampler), NoiseChecks()
    total = np.arange(NUM) * 10**6

    before = checks.sample(total)
    source.add_to(total, TERMS, 0)
    checks.observe(before, total, source.deviation_steps(TERMS, 0))
    checks.note_release()

    assert (checks.num_checks, checks.num_alarms) == (1, 0)


@pytest.mark.parametrize("wrong", [0.0, 0.5, 0.9, 1.1, 2.0])
def test_noise_of_another_size_raises_the_alarm_when_the_release_is_made(wrong: float) -> None:
    checks, total = NoiseChecks(), np.zeros(1 << 16, np.int64)
    drawn = np.rint(np.random.default_rng(1).standard_normal(1 << 16) * wrong * 2.0**20).astype(np.int64)

    checks.observe(checks.sample(total), drawn, 2.0**20)

    # Nothing is told before: that there is noise says that there is a contribution.
    assert (checks.num_checks, checks.num_alarms) == (0, 0)
    checks.note_release()
    assert (checks.num_checks, checks.num_alarms) == (1, 1)


def test_the_sample_goes_from_one_end_of_any_model_to_the_other_and_is_bounded() -> None:
    checks = NoiseChecks()

    for num, offset in itertools.product((1, 5, 32_768, 1 << 17, 1_000_000), (0, 1)):
        sample = checks.sample(np.arange(num + offset))
        gap = sample[1] - sample[0] if len(sample) > 1 else 1
        assert len(sample) <= 32_768
        assert sample[-1] + gap >= num + offset
        assert gap % 2 == 1


def test_a_model_without_parameters_has_nothing_to_look_at() -> None:
    checks, total = NoiseChecks(), np.zeros(0, np.int64)

    checks.observe(checks.sample(total), total, 2.0**20)

    assert checks.num_alarms == 0
