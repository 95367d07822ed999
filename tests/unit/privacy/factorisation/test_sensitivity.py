"""The formula of the sensitivity against every pattern of participation there is."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.privacy.factorisation import BandedToeplitz, TreeAggregation, fit_buffers, toeplitz_sensitivity
from heronry.types.errors import InvalidArgumentError

HORIZON = 10


def largest_norm(coefficients: np.ndarray, max_participations: int, min_separation: int) -> float:
    """Try all sets of at most k releases that are b apart or more."""
    matrix = np.array(
        [np.concatenate([np.zeros(t), coefficients[: len(coefficients) - t]]) for t in range(len(coefficients))]
    )
    patterns = (
        pattern
        for size in range(1, max_participations + 1)
        for pattern in itertools.combinations(range(len(coefficients)), size)
        if all(b - a >= min_separation for a, b in itertools.pairwise(pattern))
    )
    return max(float(np.linalg.norm(matrix[list(pattern)].sum(axis=0))) for pattern in patterns)


@pytest.mark.parametrize("band", [1, 3, HORIZON])
@pytest.mark.parametrize("min_separation", [1, 2, 3, 4, 20])
@pytest.mark.parametrize("max_participations", [1, 2, 3])
def test_a_band_s_sensitivity_is_the_worst_pattern_s(band: int, min_separation: int, max_participations: int) -> None:
    strategy = BandedToeplitz(band)

    sensitivity = strategy.sensitivity(HORIZON, max_participations, min_separation)

    expected = largest_norm(strategy.coefficients(HORIZON), max_participations, min_separation)
    assert sensitivity == pytest.approx(expected, rel=1e-12)


@settings(max_examples=30)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=8),
    st.integers(1, 4),
    st.integers(1, 5),
)
def test_any_falling_column_s_sensitivity_is_the_worst_pattern_s(values: list[float], most: int, apart: int) -> None:
    column = np.sort(np.array(values))[::-1]

    expected = largest_norm(column, most, apart)

    assert toeplitz_sensitivity(column, most, apart) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_contributions_that_point_elsewhere_move_less() -> None:
    strategy = fit_buffers(2, HORIZON, 3, 3)
    matrix = np.array(
        [
            np.roll(np.concatenate([strategy.coefficients(HORIZON), np.zeros(HORIZON)]), t)[:HORIZON]
            for t in range(HORIZON)
        ]
    )
    directions = np.random.default_rng(0).standard_normal((200, 3, 4))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)

    moved = [np.linalg.norm(matrix[[0, 3, 6]].T @ direction) for direction in directions]

    assert max(moved) <= strategy.sensitivity(HORIZON, 3, 3)


def test_a_band_within_the_separation_costs_the_square_root_of_the_participations() -> None:
    strategy = BandedToeplitz(20)

    sensitivity = strategy.sensitivity(100, 5, 20)

    assert sensitivity == pytest.approx(math.sqrt(5) * strategy.sensitivity(100, 1, 20))


def test_a_band_wider_than_the_separation_costs_more() -> None:
    strategy = BandedToeplitz(40)

    assert strategy.sensitivity(100, 5, 20) > 1.05 * math.sqrt(5) * strategy.sensitivity(100, 1, 20)


def test_a_pattern_counts_no_more_participations_than_the_horizon_has_room_for() -> None:
    strategy = BandedToeplitz(HORIZON)

    assert strategy.sensitivity(HORIZON, 4, 3) == strategy.sensitivity(HORIZON, 400, 3)


@pytest.mark.parametrize("column", [[1.0, 0.5, 0.6], [1.0, -0.1]])
def test_a_column_that_the_formula_does_not_cover_is_refused(column: list[float]) -> None:
    with pytest.raises(ValueError, match="must not increase"):
        toeplitz_sensitivity(np.array(column), 1, 1)


def test_a_tree_has_a_claim_for_one_contribution_only() -> None:
    with pytest.raises(InvalidArgumentError, match="max_participations"):
        TreeAggregation().sensitivity(HORIZON, 2, 3)
