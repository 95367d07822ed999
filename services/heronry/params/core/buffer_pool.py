"""Large buffers that are used again: fresh pages cost more than the arithmetic on them."""

import threading
import weakref
from collections import OrderedDict
from typing import Final

import numpy as np

from heronry.native.large_buffers import large_buffer
from heronry.params.core.layout import Bytes

_FEWEST_POOLED: Final = 256 << 10


class BufferPool:
    """Lends buffers, which come back when no array refers to their memory any more.

    Keeps at most `max_idle_bytes` that nobody uses, those given back last. Any thread may take, and the
    collector gives back in whichever thread it runs.
    """

    def __init__(self, max_idle_bytes: int) -> None:
        self._max_idle_bytes = max_idle_bytes
        self._num_idle_bytes = 0
        self._idle: OrderedDict[int, list[memoryview]] = OrderedDict()
        # Reentrant: the collector may give a buffer back while this thread takes one.
        self._gate = threading.RLock()

    def take(self, num_bytes: int) -> Bytes:
        """Return `num_bytes` writable bytes of any content."""
        if num_bytes < _FEWEST_POOLED:
            return np.empty(num_bytes, np.uint8)
        memory = self._taken(num_bytes)
        # An array over foreign memory stays the base of all its views: it dies last.
        array = np.frombuffer(memory, np.uint8)
        weakref.finalize(array, self._give_back, memory).atexit = False
        return array

    @property
    def num_idle_bytes(self) -> int:
        """Bytes kept for nobody."""
        return self._num_idle_bytes

    def clear(self) -> None:
        """Let go of what nobody uses."""
        with self._gate:
            self._idle.clear()
            self._num_idle_bytes = 0

    def _taken(self, num_bytes: int) -> memoryview:
        with self._gate:
            # Tried, not looked up first: a buffer given back by this very thread may push the last one out.
            try:
                memory = self._idle[num_bytes].pop()
            except (KeyError, IndexError):
                return large_buffer(num_bytes)
            self._num_idle_bytes -= num_bytes
            if not self._idle.get(num_bytes):
                self._idle.pop(num_bytes, None)
            return memory

    def _give_back(self, memory: memoryview) -> None:
        with self._gate:
            self._idle.setdefault(len(memory), []).append(memory)
            self._idle.move_to_end(len(memory))
            self._num_idle_bytes += len(memory)
            while self._num_idle_bytes > self._max_idle_bytes and self._idle:
                size, kept = next(iter(self._idle.items()))
                kept.pop(0)
                self._num_idle_bytes -= size
                if not kept:
                    del self._idle[size]
