"""Makes pages of reserved memory usable ahead of the writes to them."""

import ctypes
import mmap
import sys
from typing import Final

import numpy as np
import numpy.typing as npt

_PAGE: Final = mmap.PAGESIZE
_MADV_POPULATE_WRITE: Final = 23  # of Linux 5.14; without a name in Python's module
_LIBRARY: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


def populate(region: npt.NDArray[np.uint8], first: int, last: int) -> None:
    """Have bytes `first` to `last` of a region in memory, writable; what is in them stays.

    One call of the system for all of them: a fault for each costs five times as much, and ten times a write.
    """
    if last <= first or _is_done_by_system(region, first, last):
        return
    pages = region[first:last:_PAGE]
    np.bitwise_or(pages, 0, out=pages)


def _is_done_by_system(region: npt.NDArray[np.uint8], first: int, last: int) -> bool:
    """Whether the system did it; older ones cannot."""
    if _LIBRARY is None:
        return False
    address = int(region.__array_interface__["data"][0])
    begin = (address + first) // _PAGE * _PAGE
    num_bytes = address + last - begin
    advised: int = _LIBRARY.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(num_bytes), _MADV_POPULATE_WRITE)
    return advised == 0
