"""CRC-32C by the library that the wire format uses."""

import google_crc32c
import numpy as np

from heronry.native.arrays import Bytes
from heronry.native.twins.arguments import require, require_lengths


def has_wide_crc32c() -> bool:
    """Return whether the extension's is the quicker one."""
    return False


def crc32c(data: Bytes) -> int:
    """Return the CRC-32C of bytes."""
    require(data=(data, np.uint8))
    require_lengths(data.size, data=data)
    return int(google_crc32c.value(data))
