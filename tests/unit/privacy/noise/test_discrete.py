"""Noise that is an integer from the start, by key and stream."""

import hashlib
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from heronry.native import BACKEND
from heronry.privacy.noise import CHUNK_VALUES, NoiseKey, add_discrete_gaussian, add_rounded_normals, add_skellam
from heronry.types.errors import InvalidArgumentError

pytestmark = pytest.mark.skipif(BACKEND != "native", reason="a hundred thousand draws by the slow twin")

KEY = NoiseKey.deterministic(2025)
NUM_VALUES = 100_000
Integers = npt.NDArray[np.int64]


def gaussian(index: int, sigma: int, length: int = NUM_VALUES) -> Integers:
    total = np.zeros(length, np.int64)
    add_discrete_gaussian(KEY, index, sigma, total)
    return total


def skellam(index: int, variance: float, length: int = NUM_VALUES) -> Integers:
    total = np.zeros(length, np.int64)
    add_skellam(KEY, index, variance, total)
    return total


def agrees(noise: Integers, probability: Callable[[int], float], edge: int) -> bool:
    """Pearson's test, the integers from `edge` outwards together; false alarms 1 in 10^6 at an unknown seed."""
    inner = np.array([probability(k) for k in range(-edge + 1, edge)])
    outer = (1 - inner.sum()) / 2
    expected = np.concatenate(([outer], inner, [outer])) * len(noise)
    seen = np.bincount(np.clip(noise, -edge, edge) + edge, minlength=2 * edge + 1)
    return bool(stats.chisquare(seen, expected, sum_check=False).pvalue > 1e-6)


@pytest.mark.parametrize("sigma", [1, 2, 7])
def test_a_discrete_gaussian_has_its_exact_probabilities(sigma: int) -> None:
    sum_of_all = math.fsum(math.exp(-(k**2) / (2 * sigma**2)) for k in range(-40 * sigma, 40 * sigma + 1))

    noise = gaussian(0, sigma)

    assert agrees(noise, lambda k: math.exp(-(k**2) / (2 * sigma**2)) / sum_of_all, 3 * sigma)
    assert not agrees(noise, lambda k: math.exp(-(k**2) / (2 * (1.03 * sigma) ** 2)) / (1.03 * sum_of_all), 3 * sigma)


@pytest.mark.parametrize("variance", [0.5, 6.0, 20.0, 25.0, 80.0])
def test_skellam_noise_has_its_probabilities(variance: float) -> None:
    half = variance / 2
    edge = max(2, int(3 * math.sqrt(variance)))

    noise = skellam(0, variance)

    assert agrees(noise, lambda k: float(stats.skellam.pmf(k, half, half)), edge)
    assert not agrees(noise, lambda k: float(stats.skellam.pmf(k, 1.06 * half, 1.06 * half)), edge)


def test_wide_noise_has_its_spread_and_shape_and_three_percent_less_would_be_found() -> None:
    """False alarms: 1 in 10^5 for a spread (4.5 standard deviations), 1 in 10^6 for a shape; the seed is fixed."""
    for noise in (gaussian(1, 2**20), skellam(1, 2.0**40)):
        assert abs(float(noise.std()) / 2**20 - 1) <= 0.01
        assert abs(0.97 * float(noise.std()) / 2**20 - 1) > 0.01
        assert stats.kstest(noise, "norm", args=(0, 2**20)).pvalue > 1e-6


def test_shares_of_skellam_noise_add_up_to_skellam_noise_of_the_whole_variance() -> None:
    total = np.zeros(NUM_VALUES, np.int64)

    for client in range(10):
        add_skellam(KEY, 10 + client, 0.6, total)

    assert agrees(total, lambda k: float(stats.skellam.pmf(k, 3.0, 3.0)), 7)


def test_kinds_of_noise_and_streams_are_unrelated() -> None:
    """Correlations at 5 standard errors: false alarms 1 in 10^5 in all, at an unknown seed."""
    rounded = np.zeros(NUM_VALUES, np.int64)
    add_rounded_normals(KEY, 0, 2.0**20, rounded)

    noises = [rounded, *(draw(index, 2**20) for draw in (gaussian, skellam) for index in (0, 1))]

    between = np.corrcoef(np.array(noises)) - np.eye(5)
    assert np.abs(between).max() * math.sqrt(NUM_VALUES) < 5


@pytest.mark.parametrize("add", [add_discrete_gaussian, add_skellam])
def test_threads_and_shards_change_no_bit(add: Callable[..., None]) -> None:
    length = 16 * CHUNK_VALUES - 5
    by_one, by_two, shard = np.ones(length, np.int64), np.ones(length, np.int64), np.ones(9, np.int64)

    add(KEY, 2, 1000, by_one, num_threads=1)
    add(KEY, 2, 1000, by_two, num_threads=2)
    add(KEY, 2, 1000, shard, first_chunk=3)

    np.testing.assert_array_equal(by_one, by_two)
    np.testing.assert_array_equal(shard, by_one[3 * CHUNK_VALUES :][:9])


def test_the_bits_of_a_key_and_a_stream_are_the_same_in_any_build() -> None:
    noise = np.concatenate((gaussian(3, 1000, 1000), skellam(3, 5.0, 1000), skellam(3, 1e6, 1000)))

    assert (
        hashlib.sha256(noise.astype("<i8").tobytes()).hexdigest()
        == "831a2356711bb131ef68043adb9b89a59ea15976a274cb6f7983847de30b09a9"
    )


def test_arguments_out_of_range_are_refused_and_change_nothing() -> None:
    total = np.zeros(4, np.int64)

    for sigma in (0, -1, 2**24 + 1, 1.5):
        with pytest.raises(InvalidArgumentError):
            add_discrete_gaussian(KEY, 0, sigma, total)  # type: ignore[arg-type]  # refused
    for variance in (0.0, 0.01, -1.0, math.nan, 2.0**41):
        with pytest.raises(InvalidArgumentError):
            add_skellam(KEY, 0, variance, total)
    with pytest.raises(InvalidArgumentError):
        add_skellam(KEY, 2**64, 1.0, total)
    assert not total.any()
