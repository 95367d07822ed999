"""Arrays in address space that is taken at once and becomes memory where it is touched."""

import mmap
import sys
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from heronry.types.tensors import Array

S = TypeVar("S", bound=np.generic)

_ALIGNMENT: Final = 64
_PIECE: Final = 1 << 14
# Below this an allocation costs less than a mapping's page.
_SMALL_BYTES: Final = 4096
# Address space only, no promise of memory; the name is missing from Python's module before 3.13.
_MAP_NORESERVE: Final = 0x4000 if sys.platform == "linux" else 0


def reserved(count: int, dtype: type[S]) -> npt.NDArray[S]:
    """Return `count` zeros that take no memory before they are written.

    Not `np.zeros`: NumPy asks for huge pages, of which a single element touches 2 MiB.
    """
    num_bytes = count * np.dtype(dtype).itemsize
    if num_bytes <= _SMALL_BYTES:
        return np.zeros(count, dtype)
    memory = mmap.mmap(-1, num_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE)
    return np.frombuffer(memory, dtype)


def grown(array: npt.NDArray[S], count: int, used: int) -> npt.NDArray[S]:
    """Return a larger array of which the first `used` elements are the former one's."""
    larger = reserved(count, array.dtype.type)
    larger[:used] = array[:used]
    return larger


class CopySpace:
    """Memory for copies of arrays; beyond what was taken at its making each copy takes memory of its own.

    Memory that was touched before is written ten times as fast as memory that was not: who makes the space
    ahead, in another thread, stands still only for the copying. It lives as long as the copies.
    """

    def __init__(self, num_bytes: int = 0) -> None:
        self._free = _touched(num_bytes)

    def copy(self, array: Array) -> Array:
        """Return a copy of an array."""
        made = self._empty(array.shape[0], array)
        made[...] = array
        return made

    def take(self, array: Array, indices: Array) -> Array:
        """Return the elements of a flat array at some indices."""
        made = self._empty(len(indices), array)
        # In pieces: their indices, converted, lie in the processor's cache.
        for first in range(0, len(indices), _PIECE):
            made[first : first + _PIECE] = array[indices[first : first + _PIECE]]
        return made

    def without(self, array: Array, value: np.generic, count: int) -> Array:
        """Return the `count` elements of a flat array that are not `value`."""
        if count == len(array):
            return self.copy(array)
        made, done = self._empty(count, array), 0
        for first in range(0, len(array), _PIECE):
            piece = array[first : first + _PIECE]
            kept = piece[piece != value]
            made[done : done + len(kept)] = kept
            done += len(kept)
        return made

    def _empty(self, count: int, like: Array) -> Array:
        num_bytes = count * like[:0].itemsize * int(np.prod(like.shape[1:], dtype=np.int64))
        taken = num_bytes + -num_bytes % _ALIGNMENT
        if taken > len(self._free):
            return np.empty((count, *like.shape[1:]), like.dtype)
        memory, self._free = self._free[:num_bytes], self._free[taken:]
        return np.asarray(memory.view(like.dtype).reshape(count, *like.shape[1:]))


class CopyMeasure(CopySpace):
    """Copies nothing, and counts how many bytes copies would take."""

    def __init__(self) -> None:
        super().__init__()
        self.num_bytes = 0

    def copy(self, array: Array) -> Array:
        """Count an array."""
        return self._counted(array, len(array))

    def take(self, array: Array, indices: Array) -> Array:
        """Count the elements taken."""
        return self._counted(array, len(indices))

    def without(self, array: Array, value: np.generic, count: int) -> Array:
        """Count the elements kept."""
        return self._counted(array, count)

    def _counted(self, array: Array, count: int) -> Array:
        self.num_bytes += count * array.itemsize + _ALIGNMENT
        return array[:0]


def _touched(num_bytes: int) -> npt.NDArray[np.uint8]:
    if num_bytes == 0:
        return np.zeros(0, np.uint8)
    memory = mmap.mmap(-1, num_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        # All of it is used: one fault for 2 MiB.
        memory.madvise(mmap.MADV_HUGEPAGE)
    region = np.frombuffer(memory, np.uint8)
    region[:: mmap.PAGESIZE] = 0
    return region
