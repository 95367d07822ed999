"""Memory for values that are copied past the caches."""

from typing import Final

import numpy as np

_LINE: Final = 64


def large_buffer(num_bytes: int) -> memoryview:
    """Return memory of any content that begins with a cache line; in huge pages where the system gives them.

    NumPy asks for those, and nothing is written before its time: fresh pages cost more than the arithmetic on them.
    """
    memory = np.empty(num_bytes + _LINE - 1, np.uint8)
    begin = -memory.ctypes.data % _LINE
    return memory.data[begin : begin + num_bytes]
