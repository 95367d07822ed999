"""One suite over both twins of the bytes in blocks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import INT8_BLOCK_SIZE, int8_pack, int8_unpack, num_int8_blocks
from heronry.native.arrays import Codes, Floats
from heronry.native.backend import Loops

seeds = st.integers(0, 2**64 - 1)
lengths = st.sampled_from((0, 1, 255, 256, 257, 1000))


def packed(values: Floats, seed: int, loops: Loops) -> tuple[Floats, Codes]:
    scales, codes = np.empty(num_int8_blocks(len(values)), np.float32), np.empty(len(values), np.int8)
    int8_pack(values, seed, scales, codes, loops=loops)
    return scales, codes


def rounded(values: Floats, seed: int, loops: Loops) -> Floats:
    out = np.empty_like(values)
    int8_unpack(*packed(values, seed, loops), out, loops=loops)
    return out


def split_mix_64(state: int) -> int:
    """Return the first output from a state; the reference by Vigna, in whole numbers."""
    mixed = (state + 0x9E3779B97F4A7C15) % 2**64
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) % 2**64
    return mixed ^ (mixed >> 31)


def test_the_reference_generator_gives_its_published_numbers() -> None:
    assert split_mix_64(1234567) == 6457827717110365317
    assert split_mix_64((1234567 + 0x9E3779B97F4A7C15) % 2**64) == 3203168211198807973


@given(seed=seeds)
def test_codes_follow_the_generator(loops: Loops, seed: int) -> None:
    values = np.random.default_rng(seed).uniform(-1, 1, 300).astype(np.float32)
    values[[0, 256]] = 1.0
    start = split_mix_64(seed)
    expected = []
    for i, value in enumerate(values):
        word = split_mix_64((start + i // 4 * 0x9E3779B97F4A7C15) % 2**64) >> 16 * (i % 4) & 0xFFFF
        step = value / (np.float32(1) / np.float32(127)) + np.float32((word + 0.5) * 2.0**-16)
        expected.append(min(max(math.floor(step), -127), 127))

    _, codes = packed(values, seed, loops)

    assert codes.tolist() == expected


@given(seed=seeds, length=lengths, exponent=st.integers(-44, 38))
def test_a_value_comes_back_within_its_scale(loops: Loops, seed: int, length: int, exponent: int) -> None:
    values = np.random.default_rng(seed).uniform(-1, 1, length).astype(np.float32) * np.float32(10.0**exponent)

    scales, codes = packed(values, seed, loops)
    back = rounded(values, seed, loops)

    step = np.repeat(scales, INT8_BLOCK_SIZE)[:length].astype(np.float64)
    assert (np.abs(back.astype(np.float64) - values) <= step * (1 + 1e-4)).all()
    assert codes.min(initial=0) >= -127


def test_scales_are_a_127th_of_the_largest_and_zero_for_zeros(loops: Loops) -> None:
    values = np.zeros(3 * INT8_BLOCK_SIZE, np.float32)
    values[5], values[-1] = -254.0, 1e-44

    scales, codes = packed(values, 9, loops)

    assert scales.tolist() == [2.0, 0.0, float(np.finfo(np.float32).tiny)]
    assert codes[5] == -127
    assert not codes[INT8_BLOCK_SIZE : 2 * INT8_BLOCK_SIZE].any()


@given(seed=seeds)
def test_whole_multiples_of_the_scale_are_kept_exactly(loops: Loops, seed: int) -> None:
    values = np.arange(-127, 129, dtype=np.float32)
    values[-1] = 0

    np.testing.assert_array_equal(rounded(values, seed, loops), values)


def test_the_mean_over_seeds_is_the_value(loops: Loops) -> None:
    """False alarms: at most 2 in 10^6, by Hoeffding's inequality; the seeds are fixed."""
    num_seeds = 2000
    values = np.random.default_rng(5).uniform(-1, 1, INT8_BLOCK_SIZE).astype(np.float32)
    values[0] = 1.0

    mean = np.mean([rounded(values, seed, loops).astype(np.float64) for seed in range(num_seeds)], axis=0)

    # P(|mean - x| > t) <= 2 exp(-2 n (t / scale)^2) for each value; its 16-bit grid adds 2^-16 of a scale.
    bound = math.sqrt(math.log(2 * INT8_BLOCK_SIZE / 1e-6) / (2 * num_seeds)) + 2.0**-16
    assert np.abs(mean - values).max() * 127 <= bound
    bound_of_all = math.sqrt(math.log(2 / 1e-6) / (2 * num_seeds * INT8_BLOCK_SIZE)) + 2.0**-16
    assert abs((mean - values).mean()) * 127 <= bound_of_all


def test_errors_of_neighbours_and_of_seeds_are_unrelated(loops: Loops) -> None:
    """False alarms: about 1 in 10^5 (three correlations of 25,600 pairs at 4.7 standard errors, at a fixed seed)."""
    values = np.random.default_rng(6).uniform(-1, 1, 25_600).astype(np.float32)
    errors = [rounded(values, seed, loops) - values for seed in (0, 1)]

    pairs = [(errors[0][:-1], errors[0][1:]), (errors[0][:-4], errors[0][4:]), (errors[0], errors[1])]
    for first, second in pairs:
        assert abs(np.corrcoef(first, second)[0, 1]) * math.sqrt(len(first)) < 4.7


@given(seed=seeds, length=lengths)
def test_both_twins_give_the_same_bytes(twins: list[Loops], seed: int, length: int) -> None:
    values = np.random.default_rng(seed).standard_normal(length).astype(np.float32)

    results = [[part.tobytes() for part in packed(values, seed, loops)] for loops in twins]

    assert results[0] == results[1]


def test_wrong_lengths_types_and_seeds_are_refused(loops: Loops) -> None:
    values, scales, codes = np.ones(257, np.float32), np.ones(2, np.float32), np.ones(257, np.int8)

    with pytest.raises(ValueError):
        int8_pack(values, 0, scales[:1], codes, loops=loops)
    with pytest.raises(ValueError):
        int8_unpack(scales, codes[:256], values, loops=loops)
    with pytest.raises(TypeError):
        int8_pack(values.astype(np.float64), 0, scales, codes, loops=loops)  # type: ignore[arg-type]  # refused
    for seed in (-1, 2**64):
        with pytest.raises(TypeError):
            int8_pack(values, seed, scales, codes, loops=loops)
