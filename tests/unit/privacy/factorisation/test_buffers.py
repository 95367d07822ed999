"""Buffered Toeplitz matrices: their columns, their fit, the claims that their form makes."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.privacy.factorisation import BufferedToeplitz, fit_buffers
from heronry.types.errors import InvalidArgumentError

HORIZON = 60

gaps = st.lists(st.floats(0.01, 3.0), min_size=2, max_size=12).filter(lambda values: len(values) % 2 == 0)


def strategy_with(steps: list[float]) -> BufferedToeplitz:
    rates = list(itertools.accumulate(steps))
    return BufferedToeplitz(tuple(rates[::2]), tuple(rates[1::2]))


@given(gaps)
def test_every_column_is_positive_and_does_not_increase(steps: list[float]) -> None:
    column = strategy_with(steps).coefficients(HORIZON)

    assert column[0] == 1.0
    assert np.all(column > 0)
    assert np.all(np.diff(column) <= 1e-12)


@given(gaps)
def test_prefix_variances_are_those_of_the_inverted_matrix(steps: list[float]) -> None:
    strategy = strategy_with(steps)
    column = strategy.coefficients(HORIZON)
    inverse = np.zeros(HORIZON)
    inverse[0] = 1.0
    for t in range(1, HORIZON):
        inverse[t] = -np.dot(column[1 : t + 1], inverse[t - 1 :: -1][:t])

    expected = np.cumsum(np.cumsum(inverse) ** 2)

    np.testing.assert_allclose(strategy.prefix_variances(HORIZON), expected, rtol=1e-9)


def test_one_buffer_is_a_geometric_column() -> None:
    strategy = BufferedToeplitz((0.1,), (0.7,))

    column = strategy.coefficients(4)

    weight = np.exp(-0.1) - np.exp(-0.7)
    np.testing.assert_allclose(column, [1.0, weight, weight * np.exp(-0.1), weight * np.exp(-0.2)])


def test_the_same_pattern_is_fitted_once() -> None:
    assert fit_buffers(2, 300, 3, 50) is fit_buffers(2, 300, 3, 50)


def test_a_fit_is_the_same_when_it_is_made_again() -> None:
    first = fit_buffers(2, 300, 3, 50)

    fit_buffers.cache_clear()

    assert fit_buffers(2, 300, 3, 50) == first


@pytest.mark.parametrize(
    "pattern", [(1, 1, 1), (2, 1, 1), (5, 5, 1), (10, 2, 3), (100_000, 1, 1), (100_000, 100, 1000)]
)
def test_a_fit_ends_for_patterns_of_every_size(pattern: tuple[int, int, int]) -> None:
    strategy = fit_buffers(3, *pattern)

    assert np.isfinite(strategy.weights()).all()
    assert strategy.num_buffers == 3


@pytest.mark.parametrize(
    "rates, inverse_rates",
    [
        ((0.2,), (0.1,)),
        ((0.1, 0.2), (0.3, 0.4)),
        ((0.0,), (0.1,)),
        ((0.1,), ()),
        ((0.1,), (float("nan"),)),
        ((1.0,), (90.0,)),
    ],
)
def test_rates_that_do_not_interlace_are_refused(rates: tuple[float, ...], inverse_rates: tuple[float, ...]) -> None:
    with pytest.raises(InvalidArgumentError, match="rates"):
        BufferedToeplitz(rates, inverse_rates)
