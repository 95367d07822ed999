"""How far one unit moves `C X` when it takes part several times, exactly, for Toeplitz strategies."""

import numpy as np

from heronry.native.arrays import Reals

# Coefficients that are equal on paper may differ in their last bits.
_ROUNDING = 1e-12


def toeplitz_sensitivity(coefficients: Reals, max_participations: int, min_separation: int) -> float:
    """Return the largest L2 norm of `C X` when X's rows are one unit's contributions of norm at most 1.

    Columns of `C` with non-negative entries have non-negative inner products, so aligned contributions are the
    worst; columns that do not increase make the earliest and closest pattern the worst: releases 0, b, 2b, ...

    Args:
      coefficients: [T] float64, first column of C; non-negative, non-increasing.
      max_participations: k, contributions of a unit in T releases, at most.
      min_separation: b, releases from one to the next, at least.

    Returns:
      `|| sum_{j < k} C[:, j b] ||_2`, in O(T).

    Source: Kalinin and Lampert 2024, "Banded square root matrix factorization", theorem 2.
    """
    if coefficients.min() < 0 or np.any(np.diff(coefficients) > _ROUNDING):
        raise ValueError("coefficients must be non-negative and must not increase")
    horizon = len(coefficients)
    separation = min(min_separation, horizon)
    num_blocks = -(-horizon // separation)
    # v_t = c_t + c_{t-b} + ..., k terms: running sums down the columns of blocks of b.
    blocks = np.zeros(num_blocks * separation)
    blocks[:horizon] = coefficients
    columns = np.cumsum(blocks.reshape(num_blocks, separation), axis=0)
    if max_participations < num_blocks:
        columns[max_participations:] -= columns[:-max_participations].copy()
    return float(np.linalg.norm(columns.ravel()[:horizon]))
