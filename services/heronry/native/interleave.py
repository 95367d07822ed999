"""Pictures that come channels first, as emulators stack frames, with their channels last."""

import numpy as np

from heronry.native.arrays import Bytes
from heronry.native.backend import LOOPS, Loops
from heronry.types.errors import SchemaMismatchError


def channels_last(pictures: Bytes, *, loops: Loops = LOOPS) -> Bytes:
    """Return pictures `[N, C, H, W]` of bytes as a new array `[N, H, W, C]`.

    Raises:
      SchemaMismatchError: they have another type or number of axes.
    """
    if pictures.ndim != 4 or pictures.dtype != np.uint8:
        raise SchemaMismatchError.of("pictures", f"{pictures.dtype}{list(pictures.shape)}", "[N, C, H, W] uint8")
    count, channels, height, width = pictures.shape
    out = np.empty((count, height * width, channels), np.uint8)
    loops.interleave(np.ascontiguousarray(pictures).reshape(count, channels, height * width), out)
    return out.reshape(count, height, width, channels)
