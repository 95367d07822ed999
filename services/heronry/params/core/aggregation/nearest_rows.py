"""Krum and multi-Krum: the rows nearest to their neighbours."""

import numpy as np

from heronry.native.arrays import Reals
from heronry.params.core.aggregation.differences import MeanDifference
from heronry.params.core.aggregation.gram import gram_of
from heronry.params.core.aggregation.robust_rules import NewVector
from heronry.params.core.aggregation.row_reader import RowReader, combination


class NearestRows:
    """The mean of the `num_selected` rows of least score: the sum of the squared distances to the N - f - 2 nearest.

    Of rows with equal scores the first in the order of rows is taken. Whatever f rows are, Krum's choice lies within
    `sqrt(N - f - 2)` of the others' diameter from one of them, for N >= 2 f + 3.

    Source: Blanchard et al. 2017, section 4.
    """

    def __init__(self, num_byzantine: int, num_selected: int) -> None:
        self._num_byzantine = num_byzantine
        self._num_selected = num_selected

    def result(self, reader: RowReader, new_vector: NewVector) -> MeanDifference:
        """Return the mean of the selected rows; a single one is returned as it is, where it lies in memory."""
        scores = _scores(gram_of(reader).squared_distances, self._num_byzantine)
        selected = np.argsort(scores, kind="stable")[: self._num_selected]
        chosen = reader.of([reader.rows[i] for i in sorted(selected)])
        values = chosen.rows[0].values
        if len(chosen.rows) == 1 and values is not None:
            return MeanDifference(values, chosen.anchor, chosen.scale)
        out = new_vector()
        combination(chosen, [1.0] * len(chosen.rows), out)
        return MeanDifference(out, chosen.anchor, chosen.scale / len(chosen.rows))


def _scores(squared_distances: Reals, num_byzantine: int) -> Reals:
    """Return each row's sum over its nearest neighbours; itself is none of them."""
    num_neighbours = max(1, len(squared_distances) - num_byzantine - 2)
    nearest: Reals = np.sort(squared_distances, axis=1)[:, 1 : 1 + num_neighbours]
    scores: Reals = np.sum(nearest, axis=1)
    return scores
