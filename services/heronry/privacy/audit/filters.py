"""How the releases are best added up to tell whether a canary is in them."""

import numpy as np

from heronry.native.arrays import Reals
from heronry.privacy.factorisation import Strategy


def noise_rows(strategy: Strategy, horizon: int) -> Reals:
    """Return the matrix M of correlated noise `M Z`, [T, T]: row t is what release t takes of each draw.

    Time and memory O(T^2), a little more for trees.
    """
    rows = np.empty((horizon, horizon))

    def draw(index: int, out: Reals) -> None:
        out[:] = 0.0
        out[index] = 1.0

    recurrence = strategy.recurrence(horizon, draw)
    for release, row in enumerate(rows):
        draw(release, row)
        recurrence.next(row)
    return rows


def matched_filter(participation: Reals, rows: Reals | None = None) -> Reals:
    """Return the weights of the releases, [T], that show a canary best: the likelihood ratio's.

    Args:
      participation: [T], what the canary adds to each release.
      rows: of `noise_rows`; None: noise that is independent and equal.
    """
    if rows is None:
        return participation
    return np.asarray(np.linalg.solve(rows @ rows.T, participation), np.float64)


def scores_of(releases: Reals, filters: Reals, coordinates: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Reals:
    """Return the canaries' scores, [m].

    Args:
      releases: [T, P], what each release changed.
      filters: [m, T], of `matched_filter`.
      coordinates: [m], the one in which each canary differs from zero.
    """
    return np.asarray(np.einsum("mt,tm->m", filters, releases[:, coordinates]), np.float64)
