"""The point of least summed distance to all contributions."""

from typing import Final

import numpy as np

from heronry.native.arrays import Reals
from heronry.params.core.aggregation.differences import MeanDifference
from heronry.params.core.aggregation.gram import Gram, gram_of
from heronry.params.core.aggregation.robust_rules import NewVector
from heronry.params.core.aggregation.row_reader import RowReader, combination

_MAX_ITERATIONS: Final = 100
_TOLERANCE: Final = 1e-10
# Of the typical distance: distances below count as this, so that a point that coincides with a row has a weight.
_SMOOTHING: Final = 1e-6


class GeometricMedianRule:
    """Weiszfeld's iteration, smoothed, on the coefficients of the rows: vectors are read twice, once for distances.

    Whatever f of N rows are, it lies within `2 (N - f) / (N - 2 f)` of the others' radius from any centre of theirs.

    Source: Pillutla et al. 2022, Algorithm 2.
    """

    def result(self, reader: RowReader, new_vector: NewVector) -> MeanDifference:
        """Return the geometric median."""
        coefficients = coefficients_of(gram_of(reader))
        used = np.flatnonzero(coefficients).tolist()
        chosen = reader.of([reader.rows[i] for i in used])
        out = new_vector()
        combination(chosen, list(coefficients[used]), out)
        return MeanDifference(out, chosen.anchor, chosen.scale)


def coefficients_of(gram: Gram) -> Reals:
    """Return [N] weights of the rows, of sum 1, that make their geometric median.

    A row so far away that its products overflow has the weight 0.
    """
    coefficients = np.zeros(len(gram.products))
    smoothing = _SMOOTHING * float(np.sqrt(gram.typical))
    if not (smoothing and np.isfinite(smoothing)):
        # Half of the rows or more are one point, which is the median, or are absurdly far from all others.
        coefficients[gram.centre] = 1.0
        return coefficients
    usable = np.flatnonzero(np.isfinite(gram.squared_distances[gram.centre]))
    coefficients[usable] = _weiszfeld(gram.products[np.ix_(usable, usable)], smoothing)
    return coefficients


def _weiszfeld(products: Reals, smoothing: float) -> Reals:
    """Iterate from the mean until the weights stay as they are."""
    weights = np.full(len(products), 1.0 / len(products))
    for _ in range(_MAX_ITERATIONS):
        # In units of the smoothing: of tiny vectors the inverse distances themselves would be infinite.
        pulls = smoothing / np.maximum(_distances(products, weights), smoothing)
        before, weights = weights, pulls / pulls.sum()
        if np.abs(weights - before).sum() <= _TOLERANCE:
            break
    return weights


def _distances(products: Reals, weights: Reals) -> Reals:
    """Return each row's distance to the weighted mean of all."""
    projected = products @ weights
    squares = np.diagonal(products) - 2.0 * projected + weights @ projected
    return np.sqrt(np.maximum(squares, 0.0))
