"""One suite over both twins of the return scan."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heronry.native import return_scan
from heronry.native.backend import Loops
from heronry.types.errors import SchemaMismatchError


def reference(deltas: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    out = np.zeros((len(deltas) + 1, deltas.shape[1]))
    for t in reversed(range(len(deltas))):
        out[t] = deltas[t].astype(np.float64) + coefficients[t].astype(np.float64) * out[t + 1]
    return out[:-1]


@pytest.mark.parametrize("dtype,tolerance", [(np.float32, 2e-6), (np.float64, 1e-14)])
@pytest.mark.parametrize("shape", [(1, 1), (128, 1), (7, 33), (64, 256)])
def test_the_scan_equals_the_float64_recurrence(
    loops: Loops, dtype: type, tolerance: float, shape: tuple[int, int]
) -> None:
    rng = np.random.default_rng(5)
    deltas = rng.standard_normal(shape).astype(dtype)
    coefficients = rng.uniform(0, 1, shape).astype(dtype)

    result = return_scan(deltas, coefficients, loops=loops)

    expected = reference(deltas, coefficients)
    assert result.dtype == dtype
    assert np.linalg.norm(result - expected) <= tolerance * np.linalg.norm(expected)


def test_constant_coefficients_give_the_geometric_series(loops: Loops) -> None:
    result = return_scan(np.ones((50, 2)), np.full((50, 2), 0.9), loops=loops)

    closed_form = (1 - 0.9 ** np.arange(50, 0, -1)) / (1 - 0.9)
    np.testing.assert_allclose(result[:, 0], closed_form, rtol=1e-12)


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 5)), elements=st.floats(-1e3, 1e3)))
def test_zero_coefficients_return_the_deltas(loops: Loops, deltas: np.ndarray) -> None:
    np.testing.assert_array_equal(return_scan(deltas, np.zeros_like(deltas), loops=loops), deltas)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_an_empty_axis_gives_an_empty_result(loops: Loops, shape: tuple[int, int]) -> None:
    assert return_scan(np.zeros(shape), np.zeros(shape), loops=loops).shape == shape


def test_strided_arguments_are_accepted_and_not_modified(loops: Loops) -> None:
    deltas = np.arange(24, dtype=np.float64).reshape(4, 6)[:, ::2]
    before = deltas.copy()

    result = return_scan(deltas, np.full_like(deltas, 0.5), loops=loops)

    np.testing.assert_allclose(result, reference(deltas, np.full_like(deltas, 0.5)))
    np.testing.assert_array_equal(deltas, before)


def test_other_shapes_and_types_are_refused_by_name(loops: Loops) -> None:
    with pytest.raises(SchemaMismatchError, match="coefficients"):
        return_scan(np.zeros((2, 2)), np.zeros((2, 3)), loops=loops)
    with pytest.raises(SchemaMismatchError, match="deltas"):
        return_scan(np.zeros((2, 2), np.int64), np.zeros((2, 2), np.int64), loops=loops)  # type: ignore[type-var]


def test_nan_stays_in_its_own_column(loops: Loops) -> None:
    deltas = np.zeros((5, 2))
    deltas[2, 0] = np.nan

    result = return_scan(deltas, np.ones((5, 2)), loops=loops)

    assert np.isnan(result[:3, 0]).all()
    assert np.isfinite(result[3:, 0]).all()
    assert np.isfinite(result[:, 1]).all()
