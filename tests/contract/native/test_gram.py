"""One suite over both twins of what adds up inner products of rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import add_products
from heronry.native.arrays import Reals, Vector
from heronry.native.backend import Loops

TYPES = (np.float32, np.float64)
# Below, at and above what fills a vector, a tile of rows, a slice, and the rows that stay in a cache.
nums_rows = st.sampled_from((1, 2, 3, 4, 5, 7, 8, 20, 21, 64, 97, 130))
lengths = st.sampled_from((0, 1, 3, 4, 7, 8, 15, 16, 17, 63, 511, 513, 1024, 1025, 2047, 2048, 2049, 4100))
seeds = st.integers(0, 2**32 - 1)
# So many products of a slice are added one after the other at most: narrow vectors have four lanes of float32 or two
# of float64, and the twin's slices are no longer.
_LONGEST_SUM = 520


def integers(seed: int, num_rows: int, length: int, dtype: type) -> list[Vector]:
    """Rows whose sums of products are exact in any order."""
    rng = np.random.default_rng(seed)
    return [rng.integers(-4, 5, length).astype(dtype) for _ in range(num_rows)]


def exact_products(sources: list[Vector], origin: int, unit: float) -> Reals:
    rows = (np.array(sources, np.float64) - sources[origin].astype(np.float64)) * unit
    return np.triu(rows @ rows.T)


@given(seed=seeds, num_rows=nums_rows, length=lengths, dtype=st.sampled_from(TYPES), unit=st.sampled_from((1.0, 0.25)))
def test_products_are_added_to_the_upper_half_alone(
    loops: Loops, seed: int, num_rows: int, length: int, dtype: type, unit: float
) -> None:
    sources, origin = integers(seed, num_rows, length, dtype), seed % num_rows
    before = np.arange(num_rows**2, dtype=np.float64).reshape(num_rows, num_rows)
    products = before.copy()

    add_products(sources, origin, unit, products, loops=loops)

    np.testing.assert_array_equal(products, before + exact_products(sources, origin, unit))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("num_rows", "length"), [(5, 300_001), (1100, 1000)])
def test_neither_long_rows_nor_many_are_cut_short(loops: Loops, dtype: type, num_rows: int, length: int) -> None:
    sources, products = integers(0, num_rows, length, dtype), np.zeros((num_rows, num_rows))

    add_products(sources, 1, 1.0, products, loops=loops)

    np.testing.assert_array_equal(products, exact_products(sources, 1, 1.0))


@given(seed=seeds, num_rows=nums_rows, length=lengths, dtype=st.sampled_from(TYPES))
def test_rounding_is_that_of_short_sums_in_the_vectors_own_type(
    loops: Loops, seed: int, num_rows: int, length: int, dtype: type
) -> None:
    rng = np.random.default_rng(seed)
    sources = [(rng.standard_normal(length) * 10.0 ** rng.uniform(-3, 3)).astype(dtype) for _ in range(num_rows)]
    products = np.zeros((num_rows, num_rows))

    add_products(sources, 0, 0.5, products, loops=loops)

    rows = ((np.array(sources) - sources[0]) * dtype(0.5)).astype(np.float64)
    # The reference and the sums across slices are rounded too.
    rounding = _LONGEST_SUM * np.finfo(dtype).eps / 2 + length * np.finfo(np.float64).eps
    bound = rounding * np.triu(np.abs(rows) @ np.abs(rows).T)
    assert (np.abs(products - np.triu(rows @ rows.T)) <= bound).all()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 17, 2048, 4099])
def test_a_row_that_is_not_finite_spoils_its_own_products_alone(loops: Loops, dtype: type, bad: float, at: int) -> None:
    sources = integers(1, 30, 4100, dtype)
    expected = exact_products(sources, 0, 1.0)
    sources[13][at] = bad
    products = np.zeros((30, 30))

    add_products(sources, 0, 1.0, products, loops=loops)

    is_its_own = np.zeros((30, 30), bool)
    is_its_own[13, 13:] = is_its_own[:13, 13] = True
    np.testing.assert_array_equal(products[~is_its_own], expected[~is_its_own])
    # Against the origin, which is zero, infinity may count nothing or be no number.
    assert not np.isfinite(products[is_its_own][1:]).any()


def test_a_unit_keeps_squares_of_large_rows_in_range(loops: Loops) -> None:
    sources, products = [np.zeros(3, np.float32), np.full(3, 2.0**100, np.float32)], np.zeros((2, 2))

    add_products(sources, 0, 2.0**-100, products, loops=loops)

    assert products.tolist() == [[0.0, 0.0], [0.0, 3.0]]


def test_opposite_rows_of_the_largest_numbers_do_not_overflow_before_the_unit_counts(loops: Loops) -> None:
    largest, products = np.finfo(np.float32).max, np.zeros((2, 2))
    sources = [np.full(20, largest), np.full(20, -largest)]

    add_products(sources, 0, 2.0**-100, products, loops=loops)

    assert products[1, 1] == pytest.approx(20 * (2 * float(largest) * 2.0**-100) ** 2, rel=1e-5)


def test_unlike_types_gaps_lengths_and_origins_are_refused(loops: Loops) -> None:
    row, products = np.ones(4, np.float32), np.zeros((2, 2))

    for other in (np.ones(4), np.ones(8, np.float32)[::2], np.ones((2, 2), np.float32)):
        with pytest.raises(TypeError):
            add_products([row, other], 0, 1.0, products, loops=loops)
    with pytest.raises(TypeError):
        add_products([np.ones(4, np.int64)] * 2, 0, 1.0, products, loops=loops)  # type: ignore[list-item]
    for wrong in (np.zeros((2, 2), np.float32), np.zeros((2, 4))[:, ::2], np.zeros(2)):
        with pytest.raises(TypeError):
            add_products([row, row], 0, 1.0, wrong, loops=loops)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"length|elements"):
        add_products([row, np.ones(5, np.float32)], 0, 1.0, products, loops=loops)
    for wrong_size in (np.zeros((3, 3)), np.zeros((3, 2)), np.zeros((2, 3))):
        with pytest.raises(ValueError, match="products"):
            add_products([row, row], 0, 1.0, wrong_size, loops=loops)
    for origin in (-1, 2):
        with pytest.raises(IndexError, match="origin"):
            add_products([row, row], origin, 1.0, products, loops=loops)
    with pytest.raises(IndexError, match="origin"):
        add_products([], 0, 1.0, np.zeros((0, 0)), loops=loops)
    assert not products.any()
