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


def require_vectors(*, like: Array, **arguments: Array) -> None:
    """Refuse vectors that are not of the type and length of `like`, a float32 or float64 one.

    Raises:
      TypeError: another type, or gaps.
      ValueError: another length.
    """
    if like.dtype not in (np.float32, np.float64):
        raise TypeError(f"{like.dtype} where float32 or float64 is needed")
    require(out=(like, like.dtype), **{name: (array, like.dtype) for name, array in arguments.items()})
    require_lengths(len(like), **arguments)


def require_lengths(length: int, **arguments: Array) -> None:
    """Refuse arrays that are not vectors of that length.

    Raises:
      TypeError: not one axis.
      ValueError: another length.
    """
    for name, array in arguments.items():
        if array.ndim != 1:
            raise TypeError(f"{name}: {list(array.shape)}, needed: one axis")
        if len(array) != length:
            raise ValueError(f"{name}: {len(array)} elements, needed: {length}")
