"""The checks that the extension's signatures make by themselves."""

import numpy as np
import numpy.typing as npt

from heronry.native.arrays import Array


def require(**arguments: tuple[Array, npt.DTypeLike]) -> None:
    """Refuse arrays of another type, or with gaps.

    Raises:
      TypeError: as the extension does.
    """
    for name, (array, dtype) in arguments.items():
        if array.dtype != dtype or not array.flags.c_contiguous:
            raise TypeError(f"{name}: {array.dtype}{list(array.shape)}, needed: contiguous {np.dtype(dtype)}")
