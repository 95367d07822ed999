"""Arrays in address space that is taken at once and becomes memory where it is touched."""

import mmap
import sys
from collections.abc import Mapping
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from heronry.types.tensors import Array

S = TypeVar("S", bound=np.generic)

_ALIGNMENT: Final = 64
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


def copies(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return copies of arrays by name, in one allocation.

    NumPy takes large allocations in huge pages, whose first touch costs a tenth of that of small ones: a
    state of many megabytes is copied while callers stand still.
    """
    buffer = np.empty(sum(a.nbytes + -a.nbytes % _ALIGNMENT for a in arrays.values()), np.uint8)
    made: dict[str, Array] = {}
    offset = 0
    for name, array in arrays.items():
        made[name] = buffer[offset : offset + array.nbytes].view(array.dtype).reshape(array.shape)
        made[name][...] = array
        offset += array.nbytes + -array.nbytes % _ALIGNMENT
    return made
