"""Gymnasium spaces that hold a column's values, as Minari wants to have them."""

from typing import Any

import gymnasium
import numpy as np

from heronry.types.columns import ColumnSpec


def space_of(spec: ColumnSpec) -> gymnasium.spaces.Box:
    """Return the box of all values of a column's type; what bounds the environment has a table does not know."""
    dtype = spec.element_type.dtype
    if dtype.kind == "f":
        return _box(-np.inf, np.inf, spec, dtype)
    if dtype.kind == "b":
        return _box(0, 1, spec, np.dtype(np.int8))
    limits: np.iinfo[Any] = np.iinfo(dtype)
    return _box(limits.min, limits.max, spec, dtype)


def _box(low: float, high: float, spec: ColumnSpec, dtype: np.dtype[Any]) -> gymnasium.spaces.Box:
    return gymnasium.spaces.Box(low, high, spec.shape, dtype.type)
