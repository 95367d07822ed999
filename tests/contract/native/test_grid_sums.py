"""One suite over both twins of the sums on an integer grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import grid_add, grid_add_all, grid_mean
from heronry.native.backend import Loops

TYPES = (np.float32, np.float64)
seeds = st.integers(0, 2**32 - 1)


def test_values_count_as_their_nearest_grid_point_half_to_even(loops: Loops) -> None:
    total = np.array([10, 0, 0, 0, 0, 0], np.int64)

    grid_add(total, np.array([0.25, 0.5, 1.5, -0.5, -2.5, 3.75]), 1.0, 1.0, loops=loops)

    assert total.tolist() == [10, 0, 2, 0, -2, 4]


@given(seed=seeds, order=st.permutations(range(6)), dtype=st.sampled_from(TYPES))
def test_the_order_of_arrival_does_not_change_a_bit(loops: Loops, seed: int, order: list[int], dtype: type) -> None:
    rng = np.random.default_rng(seed)
    vectors = [(rng.standard_normal(300) * 10.0 ** rng.uniform(-5, 5, 300)).astype(dtype) for _ in range(6)]
    weights = rng.uniform(0.1, 10, 6)
    totals = [np.zeros(300, np.int64), np.zeros(300, np.int64)]

    for total, indices in zip(totals, (range(6), order), strict=True):
        for i in indices:
            grid_add(total, vectors[i], weights[i], 2.0**-20, loops=loops)

    np.testing.assert_array_equal(totals[0], totals[1])


@given(seed=seeds, dtype=st.sampled_from(TYPES))
def test_a_mean_lies_within_half_a_step_of_the_exact_one(loops: Loops, seed: int, dtype: type) -> None:
    rng = np.random.default_rng(seed)
    vectors, step = [rng.standard_normal(300).astype(dtype) for _ in range(5)], 2.0**-16
    total, out = np.zeros(300, np.int64), np.empty(300, np.float64)

    for values in vectors:
        grid_add(total, values, 1.0, step, loops=loops)
    grid_mean(total, step, 5.0, out, loops=loops)

    exact = np.mean([values.astype(np.float64) for values in vectors], axis=0)
    assert np.abs(out - exact).max() <= step / 2 + 1e-15


def test_a_mean_is_rounded_once_to_its_type(loops: Loops) -> None:
    total, out = np.array([1, -2, 1 << 40], np.int64), np.empty(3, np.float32)

    grid_mean(total, 0.1, 3.0, out, loops=loops)

    np.testing.assert_array_equal(out, (total * 0.1 / 3.0).astype(np.float32))


@given(seed=seeds, dtype=st.sampled_from(TYPES), length=st.sampled_from((0, 1, 7, 1000)))
def test_both_twins_give_the_same_integers(twins: list[Loops], seed: int, dtype: type, length: int) -> None:
    values = np.random.default_rng(seed).standard_normal(length).astype(dtype) * dtype(1e6)
    totals = [np.ones(length, np.int64) for _ in twins]

    for loops, total in zip(twins, totals, strict=True):
        grid_add(total, values, 1.7, 1e-7, loops=loops)

    np.testing.assert_array_equal(totals[0], totals[1])


@given(
    seed=seeds,
    dtype=st.sampled_from(TYPES),
    step=st.sampled_from((2.0**-20, 3e-7, 2.0**-1040, 2.0**900)),
    largest=st.integers(0, 61),
)
def test_both_twins_agree_on_any_grid_up_to_the_largest_integers(
    twins: list[Loops], seed: int, dtype: type, step: float, largest: int
) -> None:
    rng = np.random.default_rng(seed)
    # Halves of steps at all magnitudes, beyond those that float64 can round by an addition (2^51), in some pieces only.
    steps = rng.integers(-(2**20), 2**20, 5000) / 2.0 ** rng.integers(0, 22)
    steps[:2500] *= 2.0 ** (largest - 20)
    values = steps.astype(dtype)
    totals = [np.ones(5000, np.int64) for _ in twins]

    for loops, total in zip(twins, totals, strict=True):
        grid_add(total, values, step, step, loops=loops)

    np.testing.assert_array_equal(totals[0], totals[1])


@given(
    seed=seeds,
    dtype=st.sampled_from(TYPES),
    step=st.sampled_from((2.0**-20, 3e-7)),
    num_sources=st.integers(0, 9),
    length=st.sampled_from((1, 600, 5000)),
)
def test_several_vectors_at_once_count_as_one_after_the_other(
    loops: Loops, seed: int, dtype: type, step: float, num_sources: int, length: int
) -> None:
    rng = np.random.default_rng(seed)
    sources = [(rng.standard_normal(length) * 10.0 ** rng.uniform(-5, 5)).astype(dtype) for _ in range(num_sources)]
    for source in sources[:: 1 + num_sources // 2]:
        source[-1] = 2.0**52 * step
    weights = rng.uniform(0.1, 2, num_sources)
    totals = [np.ones(length, np.int64), np.ones(length, np.int64)]

    grid_add_all(totals[0], sources, weights, step, loops=loops)
    for source, weight in zip(sources, weights, strict=True):
        grid_add(totals[1], source, float(weight), step, loops=loops)

    np.testing.assert_array_equal(totals[0], totals[1])


def test_another_type_or_length_is_refused(loops: Loops) -> None:
    total, values = np.zeros(4, np.int64), np.zeros(4, np.float32)

    with pytest.raises(TypeError):
        grid_add(total.astype(np.int32), values, 1.0, 1.0, loops=loops)  # type: ignore[arg-type]  # refused
    with pytest.raises(TypeError):
        grid_add(total, np.zeros(8, np.float32)[::2], 1.0, 1.0, loops=loops)
    with pytest.raises(ValueError):
        grid_add(total, values[:3], 1.0, 1.0, loops=loops)
    with pytest.raises(ValueError):
        grid_mean(total, 1.0, 1.0, values[:3], loops=loops)
    with pytest.raises(TypeError):
        grid_add_all(total, [values, values.astype(np.float64)], np.ones(2), 1.0, loops=loops)
    with pytest.raises(ValueError):
        grid_add_all(total, [values, values[:3]], np.ones(2), 1.0, loops=loops)
    with pytest.raises(ValueError):
        grid_add_all(total, [values], np.ones(2), 1.0, loops=loops)
