"""Mappings of a service's memory, kept for the versions that come in it later."""

import fcntl
import mmap
import os
import threading
import weakref
from collections import OrderedDict
from typing import Final

import numpy as np

from heronry.client.offered_memory import map_checked
from heronry.client.parameter_vector import Bytes

# A service fills the memories of its last versions in turn.
_MAX_IDLE: Final = 4

_Place = tuple[int, int]


class MappedMemories:
    """Reads memory in place. What no array refers to is given back to the service, but stays mapped for a while.

    A new mapping costs page faults and, at its end, as much again: together more than a copy of the values. The
    service sees by a lock on the descriptor whether memory is in use; a mapping without one is never read. Arrays
    may die in any thread.
    """

    def __init__(self) -> None:
        self._idle: OrderedDict[_Place, mmap.mmap] = OrderedDict()
        self._max_idle = _MAX_IDLE
        # Reentrant: the collector may end an array while this thread takes a mapping.
        self._gate = threading.RLock()

    def array(self, descriptor: int, num_bytes: int) -> Bytes:
        """Take over a descriptor, which carries its own lock; return the memory's bytes, read-only.

        Raises:
          OSError: the memory is not sealed, or of another length.
        """
        try:
            status = os.fstat(descriptor)
            place = status.st_dev, status.st_ino
            with self._gate:
                memory = self._idle.pop(place, None)
            if memory is None or len(memory) != num_bytes:
                memory = map_checked(descriptor, num_bytes, mmap.ACCESS_READ)
            array = np.frombuffer(memory, np.uint8)
        except BaseException:
            os.close(descriptor)
            raise
        weakref.finalize(array, self._put_back, place, memory, descriptor).atexit = False
        return array

    def clear(self) -> None:
        """Unmap what is not in use: its service is gone."""
        with self._gate:
            self._idle.clear()

    def close(self) -> None:
        """Unmap it, and keep nothing any more that comes back."""
        self._max_idle = 0
        self.clear()

    def _put_back(self, place: _Place, memory: mmap.mmap, descriptor: int) -> None:
        # A mapping keeps the descriptor that it was made of: closing ours alone would leave the lock.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
        with self._gate:
            self._idle[place] = memory
            while len(self._idle) > self._max_idle:
                self._idle.popitem(last=False)
