"""One suite over both twins of the passes over whole vectors."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import MEASURED_BLOCK, apply_difference, apply_sum, copy_measured, measure, weighted_sum
from heronry.native.arrays import Vector
from heronry.native.backend import Loops

TYPES = (np.float32, np.float64)
lengths = st.sampled_from((0, 1, 31, 32, 33, 2047, 2048, 2049, 16385))
seeds = st.integers(0, 2**32 - 1)


def vector(rng: np.random.Generator, length: int, dtype: type) -> Vector:
    """Values of many sizes, so that the order of additions shows in the last bits."""
    return (rng.standard_normal(length) * 10.0 ** rng.uniform(-3, 3, length)).astype(dtype)


@pytest.mark.parametrize("dtype", TYPES)
def test_measuring_gives_the_largest_magnitude_and_the_sum_of_squares(loops: Loops, dtype: type) -> None:
    assert measure(np.array([3, -4, 0], dtype), loops=loops) == (4.0, 25.0)
    assert measure(np.array([], dtype), loops=loops) == (0.0, 0.0)


@given(seed=seeds, length=lengths)
def test_the_sum_of_squares_is_that_of_float64(loops: Loops, seed: int, length: int) -> None:
    values = vector(np.random.default_rng(seed), length, np.float32)

    largest, squares = measure(values, loops=loops)

    assert largest == np.abs(values).max(initial=0)
    assert math.isclose(squares, math.fsum(float(x) ** 2 for x in values), rel_tol=1e-13)


def test_squares_that_float32_cannot_hold_are_summed(loops: Loops) -> None:
    values = np.full(1000, 1e30, np.float32)

    _, squares = measure(values, loops=loops)

    assert math.isclose(squares, 1000 * float(np.float32(1e30)) ** 2, rel_tol=1e-12)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("wrong", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 31, 2048, 4999])
def test_a_single_value_that_is_not_finite_shows_in_the_largest(
    loops: Loops, dtype: type, wrong: float, at: int
) -> None:
    values = np.ones(5000, dtype)
    values[at] = wrong

    assert not math.isfinite(measure(values, loops=loops)[0])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("num_sources", range(10))
@pytest.mark.parametrize("onto", [False, True])
def test_a_weighted_sum_adds_from_left_to_right_rounding_each_time(
    loops: Loops, dtype: type, num_sources: int, onto: bool
) -> None:
    rng = np.random.default_rng(num_sources)
    sources, weights = [vector(rng, 20_000, dtype) for _ in range(num_sources)], rng.random(num_sources)
    out = vector(rng, 20_000, dtype)
    expected = out.copy() if onto else np.zeros_like(out)
    for source, weight in zip(sources, weights, strict=True):
        expected = expected + source * dtype(weight)

    weighted_sum(sources, weights, out, onto=onto, loops=loops)

    np.testing.assert_array_equal(out, expected)


def test_a_source_of_weight_one_alone_keeps_every_bit(loops: Loops) -> None:
    bits = np.random.default_rng(0).integers(0, 0x7F800000, 5000, np.uint32) | np.uint32(0x80000000)
    source = bits.view(np.float32)
    out = np.empty_like(source)

    weighted_sum([source], np.ones(1), out, loops=loops)

    assert out.tobytes() == source.tobytes()


@pytest.mark.parametrize("dtype", TYPES)
def test_a_difference_is_applied_in_the_vectors_own_type(loops: Loops, dtype: type) -> None:
    rng = np.random.default_rng(1)
    newest, total = vector(rng, 5000, dtype), vector(rng, 5000, dtype)
    expected = newest * dtype(0.9) + total * dtype(0.1)

    largest = apply_difference(newest, total, 0.9, 0.1, newest, loops=loops)

    np.testing.assert_array_equal(newest, expected)
    assert largest == np.abs(expected).max()


def test_an_overflow_shows_in_the_largest(loops: Loops) -> None:
    newest = np.full(3000, 3e38, np.float32)

    assert apply_difference(newest, newest, 1.0, 1.0, np.empty_like(newest), loops=loops) == math.inf


@given(seed=seeds, length=lengths, dtype=st.sampled_from(TYPES), onto=st.booleans(), num_sources=st.integers(0, 6))
def test_both_twins_give_the_same_bits(
    twins: list[Loops], seed: int, length: int, dtype: type, onto: bool, num_sources: int
) -> None:
    results = []
    for loops in twins:
        rng = np.random.default_rng(seed)
        sources = [vector(rng, length, dtype) for _ in range(num_sources)]
        out = vector(rng, length, dtype)
        weighted_sum(sources, rng.standard_normal(num_sources), out, onto=onto, loops=loops)
        largest = apply_difference(out, vector(rng, length, dtype), 0.7, 0.3, out, loops=loops)
        results.append((out.tobytes(), largest))

    assert results[0] == results[1]


def test_unlike_types_gaps_and_lengths_are_refused(loops: Loops) -> None:
    single, double = np.ones(4, np.float32), np.ones(4)
    one = np.ones(1)

    for sources, out in (([double], single), ([single], double), ([np.ones(8, np.float32)[::2]], single)):
        with pytest.raises(TypeError):
            weighted_sum(sources, one, out, loops=loops)
    with pytest.raises(TypeError):
        measure(np.ones(4, np.int32), loops=loops)  # type: ignore[arg-type]  # that it is refused is the point
    with pytest.raises(ValueError):
        weighted_sum([np.ones(3, np.float32)], one, single, loops=loops)
    with pytest.raises(ValueError):
        weighted_sum([single], np.ones(2), single, loops=loops)
    with pytest.raises(ValueError):
        apply_difference(single, np.ones(5, np.float32), 1.0, 1.0, single, loops=loops)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("offset", [0, 1, 13])
def test_a_vector_that_is_copied_is_measured_at_any_alignment(loops: Loops, dtype: type, offset: int) -> None:
    values = vector(np.random.default_rng(2), 20_001, dtype)
    source = np.concatenate([np.zeros(offset, np.uint8), values.view(np.uint8)])[offset:]
    out = np.zeros_like(values)

    sizes = copy_measured(source, out, loops=loops)

    np.testing.assert_array_equal(out, values)
    assert sizes == measure(values, loops=loops)


@pytest.mark.parametrize("dtype", TYPES)
def test_measured_part_after_part_is_measured_as_a_whole(loops: Loops, dtype: type) -> None:
    values = vector(np.random.default_rng(3), 5 * MEASURED_BLOCK + 77, dtype)
    out, sizes = np.zeros_like(values), []
    squares = 0.0

    for begin, end in ((0, 2), (2, 3), (3, 6)):
        part = slice(begin * MEASURED_BLOCK, end * MEASURED_BLOCK)
        sizes.append(copy_measured(values[part].view(np.uint8), out[part], squares, loops=loops))
        squares = sizes[-1][1]

    assert (max(largest for largest, _ in sizes), squares) == measure(values, loops=loops)
    np.testing.assert_array_equal(out, values)


@pytest.mark.parametrize("wrong", [np.nan, -np.inf])
def test_a_value_that_is_not_finite_shows_in_the_copy(loops: Loops, wrong: float) -> None:
    values = np.ones(5000, np.float32)
    values[4999] = wrong

    assert not math.isfinite(copy_measured(values.view(np.uint8), np.empty_like(values), loops=loops)[0])


def test_bytes_of_another_length_are_refused(loops: Loops) -> None:
    with pytest.raises(ValueError):
        copy_measured(np.zeros(15, np.uint8), np.zeros(4, np.float32), loops=loops)
    with pytest.raises(TypeError):
        copy_measured(np.zeros(16, np.uint8), np.zeros(4, np.int32), loops=loops)  # type: ignore[arg-type]  # refused


@given(seed=seeds, length=lengths, dtype=st.sampled_from(TYPES), num_sources=st.integers(1, 10))
def test_a_sum_is_applied_with_the_bits_of_the_two_passes(
    loops: Loops, seed: int, length: int, dtype: type, num_sources: int
) -> None:
    rng = np.random.default_rng(seed)
    sources, weights = [vector(rng, length, dtype) for _ in range(num_sources)], rng.standard_normal(num_sources)
    newest = vector(rng, length, dtype)
    total, expected, out = np.empty_like(newest), np.empty_like(newest), np.empty_like(newest)
    weighted_sum(sources, weights, total, loops=loops)
    largest = apply_difference(newest, total, 0.9, -0.3, expected, loops=loops)

    assert apply_sum(newest, sources, weights, 0.9, -0.3, out, loops=loops) == largest
    assert out.tobytes() == expected.tobytes()
    # The result may lie where the newest values lay.
    apply_sum(newest, sources, weights, 0.9, -0.3, newest, loops=loops)
    assert newest.tobytes() == expected.tobytes()


@pytest.mark.parametrize("at", [0, (1 << 20) // 2 - 1, (1 << 20) // 2, (1 << 20) + 2])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_halves_of_a_long_vector_are_one_result(loops: Loops, at: int, wrong: float) -> None:
    newest, source = np.zeros((1 << 20) + 3, np.float32), np.full((1 << 20) + 3, 0.5, np.float32)
    out = np.empty_like(newest)
    source[at] = -3.0

    largest = apply_sum(newest, [source, source], np.ones(2), 1.0, 1.0, out, loops=loops)

    assert largest == 6.0
    np.testing.assert_array_equal(out, source * 2)
    source[at] = wrong
    assert not math.isfinite(apply_sum(newest, [source], np.ones(1), 1.0, 1.0, out, loops=loops))


def test_a_sum_of_nothing_is_not_applied(loops: Loops) -> None:
    single = np.ones(4, np.float32)

    with pytest.raises(ValueError):
        apply_sum(single, [], np.ones(0), 1.0, 1.0, single, loops=loops)
    with pytest.raises(ValueError):
        apply_sum(single, [np.ones(5, np.float32)], np.ones(1), 1.0, 1.0, single, loops=loops)
