"""One suite over both twins of the largest magnitudes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import scatter, top_k
from heronry.native.arrays import Floats
from heronry.native.backend import Loops

few_values = st.lists(st.sampled_from((0.0, -0.0, 1.0, -1.0, 2.0, 1e-45, -1e-45, 3e38, np.inf)), max_size=40)
any_values = st.lists(st.floats(width=32, allow_nan=False), max_size=40)


def by_sorting(values: Floats, k: int) -> list[int]:
    """Largest magnitude first, of equal ones the lower index."""
    return sorted(sorted(range(len(values)), key=lambda i: (-abs(values[i]), i))[:k])


@given(values=few_values | any_values, data=st.data())
def test_the_largest_are_those_that_a_sort_puts_first(loops: Loops, values: list[float], data: st.DataObject) -> None:
    array = np.array(values, np.float32)
    k = data.draw(st.integers(0, len(values)))

    indices, kept = top_k(array, k, loops=loops)

    assert indices.tolist() == by_sorting(array, k)
    np.testing.assert_array_equal(kept, array[indices])


@pytest.mark.parametrize("k", [1, 50, 999, 5000])
def test_many_values_of_one_exponent_are_told_apart(loops: Loops, k: int) -> None:
    """They differ in their last bits only."""
    bits = np.random.default_rng(k).integers(0x3F800000, 0x3F800400, 5000, np.uint32)
    values = bits.view(np.float32)

    indices, _ = top_k(values, k, loops=loops)

    assert indices.tolist() == by_sorting(values, k)


@given(values=any_values, data=st.data())
def test_what_is_scattered_is_the_vector_without_its_small_values(
    loops: Loops, values: list[float], data: st.DataObject
) -> None:
    array = np.array(values, np.float32)
    indices, kept = top_k(array, data.draw(st.integers(0, len(values))), loops=loops)
    out = np.full(len(array), np.nan, np.float32)

    scatter(indices, kept, out, loops=loops)

    expected = np.zeros_like(array)
    expected[indices] = array[indices]
    np.testing.assert_array_equal(out, expected)


def test_a_k_outside_the_values_is_refused(loops: Loops) -> None:
    for k in (-1, 5):
        with pytest.raises(ValueError, match="k:"):
            top_k(np.ones(4, np.float32), k, loops=loops)
    with pytest.raises(TypeError):
        top_k(np.ones(4), 1, loops=loops)  # type: ignore[arg-type]  # that it is refused is the point


def test_an_index_past_the_end_changes_nothing(loops: Loops) -> None:
    out, kept = np.ones(4, np.float32), np.zeros(2, np.float32)

    with pytest.raises(IndexError):
        scatter(np.array([1, 4], np.uint32), kept, out, loops=loops)
    with pytest.raises(ValueError):
        scatter(np.array([1], np.uint32), kept, out, loops=loops)

    assert out.tolist() == [1, 1, 1, 1]
