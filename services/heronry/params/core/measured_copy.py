"""Measuring a vector while it comes in."""

import math

import numpy as np
import numpy.typing as npt

from heronry.native import MEASURED_BLOCK, copy_measured, place_measured
from heronry.params.core.layout import Vector


class MeasuredCopy:
    """Copies a vector's bytes part after part, and measures them while they are in the cache.

    The result is that of `measure`, to the last bit. Parts that end in the middle of what is measured as one leave
    it without a result: the vector is then measured when it is whole.
    """

    def __init__(self, vector: Vector) -> None:
        """Take the contiguous vector to fill; a model's whole flat buffer."""
        self._vector = vector
        self._flat: npt.NDArray[np.uint8] = vector.view(np.uint8)
        self._block_bytes = MEASURED_BLOCK * vector.itemsize
        self._num_measured = 0
        self._largest = 0.0
        self._squares = 0.0

    def place(self, begin: int, data: npt.NDArray[np.uint8]) -> None:
        """Put bytes where they belong; parts come in order."""
        end = begin + data.size
        if begin != self._num_measured or not self._is_whole(begin, end):
            self._flat[begin:end] = data
            return
        item = self._vector.itemsize
        largest, squares = copy_measured(data, self._vector[begin // item : end // item], self._squares)
        self._count(end, largest, squares)

    def place_frame(self, frame: bytes, tag: bytes, begin: int, max_bytes: int) -> int:
        """Check the chunk of a frame and put it where it belongs in one pass; return where it ends.

        Returns:
          -1 when it is not the chunk that belongs there, as `place_chunk`; `place` may follow.
        """
        end, largest, squares = place_measured(frame, tag, self._vector, begin, max_bytes, self._squares)
        if end >= 0 and begin == self._num_measured and self._is_whole(begin, end):
            self._count(end, largest, squares)
        return end

    def _is_whole(self, begin: int, end: int) -> bool:
        return not (end - begin) % self._block_bytes or end == self._flat.size

    def _count(self, end: int, largest: float, squares: float) -> None:
        # NaN stays, and replaces any number.
        if not (largest <= self._largest or math.isnan(self._largest)):
            self._largest = largest
        self._squares = squares
        self._num_measured = end

    @property
    def sizes(self) -> tuple[float, float] | None:
        """The largest magnitude and the sum of squares of the whole vector; None when not all of it was measured."""
        return (self._largest, self._squares) if self._num_measured == self._flat.size else None
