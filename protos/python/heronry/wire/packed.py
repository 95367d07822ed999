"""Keys and priorities as packed bytes."""

from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from heronry.types.errors import InvalidArgumentError

_E = TypeVar("_E", bound=np.generic)

_KEY: Final = np.dtype("<u8")
_PRIORITY: Final = np.dtype("<f8")


def packed_keys(data: bytes) -> npt.NDArray[np.uint64]:
    """Return the keys in bytes, as a view.

    Raises:
      InvalidArgumentError: not 8 bytes each.
    """
    return _array("keys", data, _KEY)


def packed_priorities(data: bytes, num_keys: int) -> npt.NDArray[np.float64]:
    """Return the priorities in bytes, as a view.

    Raises:
      InvalidArgumentError: not 8 bytes each, or not as many as keys.
    """
    priorities = _array("priorities", data, _PRIORITY)
    if len(priorities) != num_keys:
        raise InvalidArgumentError.of("priorities", f"{len(priorities)} values", f"as many as keys, {num_keys}")
    return priorities


def _array(field: str, data: bytes, dtype: "np.dtype[_E]") -> npt.NDArray[_E]:
    if len(data) % dtype.itemsize:
        raise InvalidArgumentError.of(field, f"{len(data)} bytes", f"a multiple of {dtype.itemsize}")
    return np.frombuffer(data, dtype)
