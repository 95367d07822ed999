"""Measuring a vector while it comes in."""

import numpy as np
import numpy.typing as npt

from heronry.native import MEASURED_BLOCK, copy_measured
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
        is_whole = not data.size % self._block_bytes or end == self._flat.size
        if begin != self._num_measured or not is_whole:
            self._flat[begin:end] = data
            return
        item = self._vector.itemsize
        largest, self._squares = copy_measured(data, self._vector[begin // item : end // item], self._squares)
        self._largest = float(np.maximum(self._largest, largest))
        self._num_measured = end

    @property
    def sizes(self) -> tuple[float, float] | None:
        """The largest magnitude and the sum of squares of the whole vector; None when not all of it was measured."""
        return (self._largest, self._squares) if self._num_measured == self._flat.size else None
