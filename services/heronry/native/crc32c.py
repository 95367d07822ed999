"""CRC-32C, as each chunk of a stream carries it."""

from heronry.native import twins
from heronry.native.arrays import Bytes
from heronry.native.backend import LOOPS, Loops

# Without instructions that multiply 512 bits at a time the library is the faster one.
_QUICKER: Loops = LOOPS if LOOPS.has_wide_crc32c() else twins


def crc32c(data: Bytes, *, loops: Loops = _QUICKER) -> int:
    """Return the CRC-32C of bytes.

    Raises:
      TypeError: not a contiguous vector of bytes.
    """
    return loops.crc32c(data)
