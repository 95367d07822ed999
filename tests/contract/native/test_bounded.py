"""One suite over both twins of what moves reals into their bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heronry.native import bounded
from heronry.native.backend import Loops
from heronry.types.errors import SchemaMismatchError

_LOW = np.array([-1.0, -np.inf, 0.1])
_HIGH = np.array([1.0, 3.0, np.inf])
_ROWS = st.tuples(st.integers(0, 40), st.just(3))


@given(
    hnp.arrays(np.float32, _ROWS, elements=st.floats(-9, 9, width=32)),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([np.float32, np.float64]),
)
def test_it_is_what_numpy_clips(loops: Loops, rows: np.ndarray, given_as: type, wanted: type) -> None:
    result, first = bounded(rows.astype(given_as), _LOW, _HIGH, wanted, loops=loops)

    assert first == -1
    assert result.dtype == wanted
    np.testing.assert_array_equal(result, np.clip(rows.astype(np.float64), _LOW, _HIGH).astype(wanted))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_first_row_that_is_not_finite_is_told(loops: Loops, bad: float, dtype: type) -> None:
    rows = np.zeros((20, 3), dtype)
    rows[[7, 9], [2, 0]] = bad

    assert bounded(rows, _LOW, _HIGH, loops=loops)[1] == 7


def test_the_largest_numbers_are_finite(loops: Loops) -> None:
    rows = np.array([[np.finfo(np.float64).max, np.finfo(np.float64).min, 5e-324]])

    result, first = bounded(rows, _LOW, _HIGH, np.float64, loops=loops)

    assert (result.tolist(), first) == ([[1.0, np.finfo(np.float64).min, 0.1]], -1)


def test_rows_with_gaps_are_accepted(loops: Loops) -> None:
    rows = np.arange(24, dtype=np.float32).reshape(4, 6)[:, ::2]

    result, _ = bounded(rows, _LOW, _HIGH, loops=loops)

    np.testing.assert_array_equal(result, np.clip(rows, _LOW, _HIGH).astype(np.float32))


def test_other_shapes_and_types_are_refused(loops: Loops) -> None:
    with pytest.raises(SchemaMismatchError, match="rows"):
        bounded(np.zeros((2, 3), np.int64), _LOW, _HIGH, loops=loops)  # type: ignore[arg-type]
    with pytest.raises(SchemaMismatchError, match="rows"):
        bounded(np.zeros(3, np.float32), _LOW, _HIGH, loops=loops)
    with pytest.raises(ValueError, match="bounds"):
        bounded(np.zeros((2, 4), np.float32), _LOW, _HIGH, loops=loops)
    with pytest.raises(ValueError, match=r"out|result"):
        loops.bound_rows(np.zeros((2, 3), np.float32), _LOW, _HIGH, np.zeros((3, 3), np.float32))
