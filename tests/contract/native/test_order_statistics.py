"""One suite over both twins of the order statistics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import coordinate_median, trimmed_mean
from heronry.native.arrays import Vector
from heronry.native.backend import Loops

TYPES = (np.float32, np.float64)
lengths = st.sampled_from((0, 1, 127, 128, 129, 300))
seeds = st.integers(0, 2**32 - 1)


def rows_of(seed: int, num_rows: int, length: int, dtype: type) -> list[Vector]:
    """Rows with many ties."""
    rng = np.random.default_rng(seed)
    return [np.round(rng.standard_normal(length) * 3, int(rng.integers(0, 4))).astype(dtype) for _ in range(num_rows)]


@given(seed=seeds, num_rows=st.integers(1, 70), length=lengths, dtype=st.sampled_from(TYPES))
def test_medians_are_those_of_numpy_in_the_vectors_type(
    loops: Loops, seed: int, num_rows: int, length: int, dtype: type
) -> None:
    rows = rows_of(seed, num_rows, length, dtype)
    out = np.empty(length, dtype)

    coordinate_median(rows, out, loops=loops)

    np.testing.assert_array_equal(out, np.median(np.array(rows), axis=0))


@pytest.mark.parametrize("num_rows", [3, 8, 16, 33, 100, 129])
def test_every_rank_is_found_whatever_the_order_of_rows(loops: Loops, num_rows: int) -> None:
    rng = np.random.default_rng(num_rows)
    columns = np.array([rng.permutation(num_rows) for _ in range(200)], np.float32)
    out = np.empty(200, np.float32)

    coordinate_median([np.ascontiguousarray(row) for row in columns.T], out, loops=loops)

    np.testing.assert_array_equal(out, np.full(200, (num_rows - 1) / 2))


@pytest.mark.parametrize("num_rows", range(1, 11))
def test_networks_sort_every_column_of_zeros_and_ones(loops: Loops, num_rows: int) -> None:
    """By the zero-one principle (Knuth 3, 5.3.4, Theorem Z) they then sort anything."""
    columns = (np.arange(1 << num_rows)[:, None] >> np.arange(num_rows)) & 1
    rows = [np.ascontiguousarray(row, np.float64) for row in columns.T]
    ones, out = columns.sum(axis=1), np.empty(len(columns))

    for num_trimmed in range((num_rows + 1) // 2):
        trimmed_mean(rows, num_trimmed, out, loops=loops)

        kept = num_rows - 2 * num_trimmed
        np.testing.assert_array_equal(out, np.clip(ones - num_trimmed, 0, kept) / kept)


@given(seed=seeds, num_rows=st.integers(1, 40), data=st.data())
def test_a_trimmed_mean_is_that_of_the_sorted_middle(
    loops: Loops, seed: int, num_rows: int, data: st.DataObject
) -> None:
    num_trimmed = data.draw(st.integers(0, (num_rows - 1) // 2))
    rows = rows_of(seed, num_rows, 130, np.float32)
    out = np.empty(130, np.float32)
    middle = np.sort(np.array(rows, np.float64), axis=0)[num_trimmed : num_rows - num_trimmed]

    trimmed_mean(rows, num_trimmed, out, loops=loops)

    np.testing.assert_allclose(out, middle.mean(axis=0), rtol=1e-5, atol=1e-5)


@given(seed=seeds, order=st.permutations(range(9)))
def test_the_order_of_sources_does_not_change_a_bit(loops: Loops, seed: int, order: list[int]) -> None:
    rng = np.random.default_rng(seed)
    rows = [rng.standard_normal(130).astype(np.float32) for _ in range(9)]
    outs = [np.empty(130, np.float32) for _ in range(2)]

    trimmed_mean(rows, 2, outs[0], loops=loops)
    trimmed_mean([rows[i] for i in order], 2, outs[1], loops=loops)

    np.testing.assert_array_equal(outs[0], outs[1])


def test_a_minority_however_large_does_not_move_the_median_out_of_the_others(loops: Loops) -> None:
    honest = [np.full(10, value, np.float32) for value in (1, 2, 3)]
    out = np.empty(10, np.float32)

    coordinate_median([*honest, np.full(10, np.inf, np.float32), np.full(10, 3e38, np.float32)], out, loops=loops)

    np.testing.assert_array_equal(out, np.full(10, 3))


@given(seed=seeds, num_rows=st.integers(1, 20), dtype=st.sampled_from(TYPES), num_trimmed=st.integers(0, 9))
def test_both_twins_give_the_same_bits(
    twins: list[Loops], seed: int, num_rows: int, dtype: type, num_trimmed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = [rng.standard_normal(300).astype(dtype) for _ in range(num_rows)]
    results = []
    for loops in twins:
        median, mean = np.empty(300, dtype), np.empty(300, dtype)
        coordinate_median(rows, median, loops=loops)
        trimmed_mean(rows, min(num_trimmed, (num_rows - 1) // 2), mean, loops=loops)
        results.append((median.tobytes(), mean.tobytes()))

    assert results[0] == results[1]


def test_too_few_sources_and_unlike_ones_are_refused(loops: Loops) -> None:
    row = np.ones(4, np.float32)

    with pytest.raises(ValueError):
        coordinate_median([], row.copy(), loops=loops)
    with pytest.raises(ValueError):
        trimmed_mean([row] * 4, 2, row.copy(), loops=loops)
    with pytest.raises(TypeError):
        trimmed_mean([row], -1, row.copy(), loops=loops)
    with pytest.raises(ValueError):
        coordinate_median([row, row[:3]], row.copy(), loops=loops)
    with pytest.raises(TypeError):
        coordinate_median([row, np.ones(4)], row.copy(), loops=loops)
