"""Distances between contributions, from one Gram matrix."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from heronry.native import add_products
from heronry.native.arrays import Reals
from heronry.params.core.aggregation.row_reader import RowReader

_MAX_PASSES: Final = 3
# Products in binary32 lose about 1e-6 of the squared distances to the origin: below this many times the
# squared distances between rows, 1e-3 of these.
_MAX_LEVERAGE: Final = 1e3


@dataclass(frozen=True)
class Gram:
    """Inner products of rows, seen from one of them as the origin, in a unit of their own.

    Attributes:
      products: [N, N]; not finite where a row is absurdly far away.
      squared_distances: [N, N]; infinite there.
      centre: the row with the least median distance to the others; of equal ones the first.
    """

    products: Reals
    squared_distances: Reals
    centre: int

    @property
    def typical(self) -> float:
        """The median of the centre's squared distances to the others."""
        return float(_median_to_others(self.squared_distances)[self.centre])


def gram_of(reader: RowReader) -> Gram:
    """Return the products of rows that are in order of their norms.

    The origin is the row of median norm: as long as fewer than half are arbitrary, it is no longer than an
    honest one. Should the differences that matter still drown in rounding, because an arbitrary row was the origin
    or rows lie much closer together than to it, the products are taken again, from the centre.
    O(N^2 P), in one pass over the rows as a rule and three at most.
    """
    origin = (len(reader.rows) - 1) // 2
    for _ in range(_MAX_PASSES):
        products = _products(reader, origin)
        distances = _squared_distances(products)
        centre = int(np.argmin(_median_to_others(distances)))
        gram = Gram(products, distances, centre)
        if centre == origin or products[centre, centre] <= _MAX_LEVERAGE * gram.typical:
            break
        origin = centre
    return gram


def _products(reader: RowReader, origin: int) -> Reals:
    """Return products of rows less the origin's; vectors' precision in a slice, float64 across slices."""
    unit, products = _unit_of(reader, origin), np.zeros((len(reader.rows), len(reader.rows)))
    for chunk in reader.chunks():
        add_products(chunk.sources, origin, unit, products)
    return products + np.triu(products, 1).T


def _unit_of(reader: RowReader, origin: int) -> float:
    """Return the power of two that makes the origin's norm about 1: squares then neither overflow nor vanish."""
    norm = reader.norm(origin)
    if not (norm and math.isfinite(norm)):
        return 1.0
    return 2.0 ** -max(-100, min(100, math.frexp(norm)[1]))


def _squared_distances(products: Reals) -> Reals:
    squares = np.diagonal(products)
    with np.errstate(over="ignore", invalid="ignore"):
        distances = squares[:, None] + squares[None, :] - 2.0 * products
    distances = np.where(np.isfinite(distances), np.maximum(distances, 0.0), np.inf)
    np.fill_diagonal(distances, 0.0)
    return distances


def _median_to_others(distances: Reals) -> Reals:
    """Return for each row the lower median of its distances to the others."""
    # Column 0 is the row itself.
    return np.sort(distances, axis=1)[:, len(distances) // 2]
