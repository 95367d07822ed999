"""Noise as it leaves: published values less what was pushed.

False alarms: the spread of 1e5 draws lies within 1 % in all but 8e-6 of runs (4.47 deviations of 0.224 %), and the
test of Kolmogorov and Smirnov alarms in 1e-6 of them. Keys are those of the test mode, so a run repeats itself.
"""

import numpy as np
import pytest
from scipy import stats

from heronry.types.aggregation import Aggregation, FederatedMean, Sum
from heronry.types.consistency import BufferedAsynchronous, SampledRounds
from heronry.types.privacy import (
    BandedFactorisation,
    CorrelatedNoise,
    FixedClip,
    IndependentNoise,
    NoiseSampler,
    QuantileClipping,
)

NUM_PARAMETERS = 100_000
ROUNDED, DISCRETE = NoiseSampler.ROUNDED_GAUSSIAN, NoiseSampler.DISCRETE_GAUSSIAN
ZEROS = np.zeros(NUM_PARAMETERS, np.float32)


def check_noise(noise: np.ndarray, deviation: float) -> None:
    """Fail unless `noise` looks like a Gaussian of that deviation."""
    assert np.std(noise) == pytest.approx(deviation, rel=0.01)
    assert stats.kstest(noise / deviation, "norm").pvalue > 1e-6


def releases_of(bench, count: int, num_contributions: int = 1) -> list[np.ndarray]:
    """Return what each of some releases of zeros adds to the values."""
    published = [bench.values.astype(np.float64)]
    for release in range(count):
        for index in range(num_contributions):
            bench.push_delta(f"c{release}-{index}", *ZEROS)
        published.append(bench.values.astype(np.float64))
    return list(np.diff(published, axis=0))


CASES = {
    "a mean": (Aggregation(), 4.0, ROUNDED),
    "a sum": (Aggregation(Sum()), 1.0, ROUNDED),
    "a federated mean": (Aggregation(FederatedMean(32)), 4.0, ROUNDED),
    "the discrete Gaussian": (Aggregation(), 4.0, DISCRETE),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_noise_has_the_spread_that_is_claimed(private_bench, claim, case) -> None:
    aggregation, denominator, sampler = case
    bench = private_bench(seed=1)
    noise = IndependentNoise(1.5, sampler, is_amplified=False)
    privacy = claim(clip=FixedClip(0.8), noise=noise)
    bench.register(*ZEROS, privacy=privacy, aggregation=aggregation, consistency=BufferedAsynchronous(4))
    samples = {"sample_count": 7} if isinstance(aggregation.rule, FederatedMean) else {}

    for index in range(4):
        bench.push_delta(f"c{index}", *ZEROS, **samples)

    # The step: 1.5 * 0.8 / 2^20, rounded down to 2^-20; half of it in each of 1e5 coordinates.
    deviation = 1.5 * (0.8 + 2.0**-20 * np.sqrt(NUM_PARAMETERS) / 2) / denominator
    check_noise(bench.values, deviation)
    with pytest.raises(AssertionError):
        check_noise(0.97 * bench.values, deviation)


def test_votes_leave_the_values_a_little_more_noise(private_bench, claim) -> None:
    bench = private_bench(seed=1)
    clip = QuantileClipping(1.0, 0.5, 0.2, 0.6)
    privacy = claim(clip=clip, noise=IndependentNoise(1.0, ROUNDED, is_amplified=False))
    bench.register(*ZEROS, privacy=privacy, consistency=BufferedAsynchronous(1))

    (noise,) = releases_of(bench, 1)

    # Andrew et al. 2021, theorem 1: (1 - 1 / 1.2^2)^-1/2 = 1.809; twice the noise for an exact count.
    check_noise(noise, 1.80907 * (1 + 2.0**-20 * np.sqrt(NUM_PARAMETERS) / 2))


def test_releases_do_not_share_noise(private_bench, claim) -> None:
    bench = private_bench(seed=1)
    bench.register(*ZEROS, privacy=claim(), consistency=BufferedAsynchronous(1))

    first, second = releases_of(bench, 2)

    # A correlation of 0.015 is 4.7 deviations: a false alarm in 2e-6 of runs.
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.015


def test_correlated_noise_cancels_out_as_the_strategy_says(private_bench, claim) -> None:
    bench = private_bench(seed=1)
    noise = CorrelatedNoise(1.0, 4, 1, 1, BandedFactorisation(4))
    bench.register(*ZEROS, privacy=claim(noise=noise), consistency=BufferedAsynchronous(1))

    released = np.array(releases_of(bench, 4))

    # C is the square root of the prefix sums: c = 1, 1/2, 3/8, 5/16, whose norm is one unit's sensitivity.
    c = np.array([1.0, 0.5, 0.375, 0.3125])
    strategy = np.array([[c[i - j] if i >= j else 0.0 for j in range(4)] for i in range(4)])
    inverse = np.linalg.inv(strategy)
    expected = np.sum(c**2) * (inverse @ inverse.T)
    # 3 % of the largest entry is above 6 deviations of an entry.
    np.testing.assert_allclose(np.cov(released), expected, atol=0.03 * expected.max())


def test_two_processes_never_draw_the_same_noise(private_bench, claim) -> None:
    first, second = private_bench(), private_bench()
    for bench in (first, second):
        bench.register(*ZEROS[:64], privacy=claim(), consistency=BufferedAsynchronous(1))
        bench.push_delta("a", *ZEROS[:64])

    assert not np.array_equal(first.values, second.values)


def test_an_empty_cohort_releases_noise_of_the_same_spread(private_bench, claim) -> None:
    noise = IndependentNoise(2.0, ROUNDED, is_amplified=True)
    bench = private_bench(seed=1)
    # One coin of so small a chance is as good as never drawn.
    rounds = SampledRounds(1, deadline_s=5.0, sampling_rate=1e-9)
    bench.register(*ZEROS, privacy=claim(population=1, noise=noise), aggregation=Aggregation(Sum()), consistency=rounds)
    bench.join("a")

    bench.now_s = 5.0
    bench.close_due()

    assert bench.version.number == 2
    check_noise(bench.values, 2.0 * (1 + 2.0**-19 * np.sqrt(NUM_PARAMETERS) / 2))
