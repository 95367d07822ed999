"""Tensors of NumPy, torch and other libraries as NumPy arrays, in place where they lie in this machine's memory."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from heronry.client.arguments import shown
from heronry.types.errors import SchemaMismatchError
from heronry.types.tensors import Array

# NumPy has no such type: values travel as float32, of which it is the upper half.
_BFLOAT16: Final = "torch.bfloat16"


def as_array(field: str, value: object) -> Array:
    """Return a tensor as an array: a view of its memory, or a copy of what lies elsewhere.

    Raises:
      SchemaMismatchError: it is no tensor; `field` names it.
    """
    if isinstance(value, np.ndarray):
        return value
    try:
        plain = _within_reach(value)
        if hasattr(plain, "__array__"):
            return np.asarray(plain)
        if hasattr(plain, "__dlpack__"):
            return np.from_dlpack(plain)
    except (TypeError, ValueError, BufferError, RuntimeError) as error:
        raise SchemaMismatchError.of(field, shown(value), f"a tensor that NumPy can read ({error})") from error
    raise SchemaMismatchError.of(field, shown(value), "a NumPy array or a tensor")


def named_arrays(field: str, values: object) -> dict[str, Array]:
    """Return named tensors as arrays.

    Raises:
      SchemaMismatchError: it is no mapping of names to tensors.
    """
    if not isinstance(values, Mapping):
        raise SchemaMismatchError.of(field, shown(values), "a mapping of names to arrays or tensors")
    for name in values:
        if not isinstance(name, str):
            raise SchemaMismatchError.of(field, name, "names that are strings")
    return {name: as_array(f"{field}.{name}", value) for name, value in values.items()}


def _within_reach(value: object) -> object:
    """Return a tensor free of its gradient and in this machine's memory; anything else as it is."""
    if not (hasattr(value, "detach") and hasattr(value, "cpu")):
        return value
    detached = value.detach()
    if str(detached.dtype) == _BFLOAT16:
        detached = detached.float()
    return detached.cpu()
