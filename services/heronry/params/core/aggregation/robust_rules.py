"""Rules that need all contributions of a round at once."""

from collections.abc import Callable
from typing import Final, Protocol

from heronry.native import coordinate_median, trimmed_mean
from heronry.params.core.aggregation.differences import MeanDifference
from heronry.params.core.aggregation.row_reader import RowReader
from heronry.params.core.layout import Vector

# A chunk may be copied to be sorted: without the extension, twice.
_COPIES: Final = 2
NewVector = Callable[[], Vector]


class RobustRule(Protocol):
    """Makes one update of rows that are in an order of their own, not of their arrival."""

    def result(self, reader: RowReader, new_vector: NewVector) -> MeanDifference:
        """Return the update; of a single row that row."""


class CoordinateMedian:
    """The median of each coordinate.

    Fewer than half of the rows, however chosen, leave it between the least and the largest of the others.
    """

    def result(self, reader: RowReader, new_vector: NewVector) -> MeanDifference:
        """Return the medians."""
        out = new_vector()
        for chunk in reader.chunks(_COPIES * len(reader.rows)):
            coordinate_median(chunk.sources, out[chunk.part])
        return MeanDifference(out, reader.anchor, reader.scale)


class CoordinateTrimmedMean:
    """The mean of each coordinate without its extremes.

    Up to `num_trimmed` rows, however chosen, leave it between the least and the largest of the others.

    Source: Yin et al. 2018, Definition 2.
    """

    def __init__(self, num_trimmed: int) -> None:
        self._num_trimmed = num_trimmed

    def result(self, reader: RowReader, new_vector: NewVector) -> MeanDifference:
        """Return the trimmed means; there must be more rows than are trimmed."""
        out = new_vector()
        for chunk in reader.chunks(_COPIES * len(reader.rows)):
            trimmed_mean(chunk.sources, self._num_trimmed, out[chunk.part])
        return MeanDifference(out, reader.anchor, reader.scale)
