"""Gaussian noise by key and stream."""

import hashlib
import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from heronry.privacy.noise import CHUNK_VALUES, NoiseKey, add_rounded_normals, fill_normals
from heronry.types.errors import InvalidArgumentError

KEY = NoiseKey.deterministic(2024)
NUM_VALUES = 100_000
SIGMA = 2.0**20


def rounded(index: int, sigma: float = SIGMA, length: int = NUM_VALUES, key: NoiseKey = KEY) -> npt.NDArray[np.int64]:
    total = np.zeros(length, np.int64)
    add_rounded_normals(key, index, sigma, total)
    return total


def normals(index: int, length: int, *, num_threads: int = 2) -> npt.NDArray[np.float64]:
    out = np.empty(length)
    fill_normals(KEY, index, out, num_threads=num_threads)
    return out


def has_spread(noise: npt.NDArray[np.int64], sigma: float) -> bool:
    """One part in a hundred is 4.5 standard deviations of the estimate: false alarms 1 in 10^5 at an unknown seed."""
    return abs(float(noise.std()) / sigma - 1) <= 0.01


def has_shape(noise: npt.NDArray[np.int64], sigma: float) -> bool:
    """Kolmogorov and Smirnov's test; false alarms 1 in 10^6 at an unknown seed."""
    return bool(stats.kstest(noise, "norm", args=(0, sigma)).pvalue > 1e-6)


@pytest.mark.parametrize("index", [0, 1, 2**64 - 1])
def test_noise_has_the_spread_and_the_shape_asked_for(index: int) -> None:
    noise = rounded(index)

    assert has_spread(noise, SIGMA)
    assert has_shape(noise, SIGMA)


def test_the_same_test_of_spread_finds_noise_that_is_three_percent_too_small() -> None:
    noise = rounded(0, 0.97 * SIGMA)

    assert not has_spread(noise, SIGMA)


def test_the_same_test_of_shape_finds_noise_that_is_a_little_off_its_centre() -> None:
    noise = rounded(0) + int(0.02 * SIGMA)

    assert has_spread(noise, SIGMA)
    assert not has_shape(noise, SIGMA)


def test_noise_of_a_key_from_the_operating_system_is_sound_too() -> None:
    """False alarms: 1 in 10^9 (six standard deviations, and a test at 10^-10)."""
    noise = rounded(0, key=NoiseKey.fresh())

    assert abs(float(noise.std()) / SIGMA - 1) <= 6 / math.sqrt(2 * NUM_VALUES)
    assert stats.kstest(noise, "norm", args=(0, SIGMA)).pvalue > 1e-10


def test_streams_chunks_and_neighbours_are_unrelated() -> None:
    """Correlations of 65,000 pairs or more, at 5 standard errors: false alarms 2 in 10^5 in all, at an unknown seed."""
    one = normals(3, 2 * CHUNK_VALUES)
    other = normals(4, 2 * CHUNK_VALUES)
    halves = one.reshape(-1, 2, 256)
    pairs = [
        (one, other),
        (one[:CHUNK_VALUES], one[CHUNK_VALUES:]),
        (one[:CHUNK_VALUES], other[CHUNK_VALUES:]),
        (halves[:, 0].ravel(), halves[:, 1].ravel()),
        *((one[:-lag], one[lag:]) for lag in (1, 2, 8, 255, 256, 257, 512)),
    ]

    for first, second in pairs:
        for power in (1, 2):
            assert abs(np.corrcoef(first**power, second**power)[0, 1]) * math.sqrt(len(first)) < 5


@pytest.mark.parametrize("length", [16 * CHUNK_VALUES, 17 * CHUNK_VALUES - 300])
def test_the_number_of_threads_changes_no_bit(length: int) -> None:
    by_one, by_two = np.zeros(length, np.int64), np.zeros(length, np.int64)

    add_rounded_normals(KEY, 5, SIGMA, by_one, num_threads=1)
    add_rounded_normals(KEY, 5, SIGMA, by_two, num_threads=2)

    np.testing.assert_array_equal(by_one, by_two)
    assert normals(5, length, num_threads=1).tobytes() == normals(5, length, num_threads=2).tobytes()


def test_a_shard_makes_its_part_of_the_whole_vector() -> None:
    whole, shard, floats = rounded(6, length=3 * CHUNK_VALUES), np.zeros(CHUNK_VALUES + 9, np.int64), np.empty(9)

    add_rounded_normals(KEY, 6, SIGMA, shard, first_chunk=1)
    fill_normals(KEY, 6, floats, first_chunk=2)

    np.testing.assert_array_equal(shard, whole[CHUNK_VALUES : 2 * CHUNK_VALUES + 9])
    np.testing.assert_array_equal(np.rint(floats * SIGMA), whole[2 * CHUNK_VALUES :][:9])


@pytest.mark.parametrize("length", [0, 1, 513, CHUNK_VALUES, CHUNK_VALUES + 1])
def test_rounded_noise_is_the_rounded_multiple_of_the_normals_added_to_the_total(length: int) -> None:
    total = np.arange(length, dtype=np.int64)

    add_rounded_normals(KEY, 7, 3.7, total)

    np.testing.assert_array_equal(total, np.arange(length) + np.rint(normals(7, length) * 3.7).astype(np.int64))


def test_the_bits_of_a_key_and_a_stream_are_the_same_in_any_build() -> None:
    noise = rounded(8, length=1000).astype("<i8").tobytes()

    assert hashlib.sha256(noise).hexdigest() == "e515f4027f45f087f0dc5a78c38cb93820a4775d09f7c5482d03f730bcfc5543"


def test_arguments_out_of_range_are_refused_and_change_nothing() -> None:
    total = np.zeros(4, np.int64)

    for sigma in (0.0, -1.0, math.nan, math.inf, 2.0**48):
        with pytest.raises(InvalidArgumentError):
            add_rounded_normals(KEY, 0, sigma, total)
    for index in (-1, 2**64, 0.5):
        with pytest.raises(InvalidArgumentError):
            add_rounded_normals(KEY, index, 1.0, total)  # type: ignore[arg-type]  # refused
    with pytest.raises(TypeError):
        fill_normals(KEY, 0, total)  # type: ignore[arg-type]  # refused
    assert not total.any()
