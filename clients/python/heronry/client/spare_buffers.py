"""Memory of versions that were dropped, for those that come: fresh pages cost more than receiving."""

import threading
import weakref
from typing import Final

import numpy as np

from heronry.client.parameter_vector import Bytes
from heronry.native.large_buffers import large_buffer

_FEWEST_KEPT: Final = 1 << 20
_MAX_SPARE: Final = 2


class SpareBuffers:
    """Lends buffers, which come back when no array refers to their memory any more; keeps one each of two lengths.

    Any thread may take, and the collector gives back in whichever thread it runs.
    """

    def __init__(self) -> None:
        self._spare: dict[int, memoryview] = {}
        # Reentrant: the collector may give a buffer back while this thread takes one.
        self._gate = threading.RLock()

    def take(self, num_bytes: int) -> Bytes:
        """Return `num_bytes` writable bytes of any content."""
        if num_bytes < _FEWEST_KEPT:
            return np.empty(num_bytes, np.uint8)
        with self._gate:
            memory = self._spare.pop(num_bytes, None)
        if memory is None:
            memory = large_buffer(num_bytes)
        # An array over foreign memory stays the base of all its views: it dies last.
        array = np.frombuffer(memory, np.uint8)
        weakref.finalize(array, self._give_back, memory).atexit = False
        return array

    def _give_back(self, memory: memoryview) -> None:
        with self._gate:
            self._spare.pop(len(memory), None)
            self._spare[len(memory)] = memory
            while len(self._spare) > _MAX_SPARE:
                del self._spare[next(iter(self._spare))]
