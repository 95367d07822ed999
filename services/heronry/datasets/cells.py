"""A column's values ⇄ Arrow: scalars as they are, arrays as lists row-major, frames of bytes as binary."""

import math

import numpy as np
import pyarrow as pa

from heronry.types.columns import ColumnSpec
from heronry.types.tensors import Array, ElementType

_FRAME_AXES = 2


def cell_type(spec: ColumnSpec) -> pa.DataType:
    """Return the Arrow type of one step's value."""
    if not spec.shape:
        return pa.from_numpy_dtype(spec.element_type.dtype)
    if _is_frame(spec):
        return pa.binary(math.prod(spec.shape))
    return pa.list_(pa.from_numpy_dtype(spec.element_type.dtype), math.prod(spec.shape))


def cells_of(values: Array, spec: ColumnSpec) -> pa.Array:
    """Return `[T, ...]` values as T cells."""
    flat = np.ascontiguousarray(values, spec.element_type.dtype)
    if not spec.shape:
        return pa.array(flat)
    if _is_frame(spec):
        return pa.Array.from_buffers(cell_type(spec), len(flat), [None, pa.py_buffer(flat)])
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), type=cell_type(spec))


def values_of(cells: pa.Array, spec: ColumnSpec) -> Array:
    """Return T cells as `[T, ...]` values."""
    shape = (len(cells), *spec.shape)
    if not spec.shape:
        return np.asarray(cells.to_numpy(zero_copy_only=False), spec.element_type.dtype)
    if _is_frame(spec):
        width = math.prod(spec.shape)
        data = np.frombuffer(cells.buffers()[1], np.uint8)
        return data[cells.offset * width : (cells.offset + len(cells)) * width].reshape(shape)
    elements = cells.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(elements, spec.element_type.dtype).reshape(shape)


def _is_frame(spec: ColumnSpec) -> bool:
    return spec.element_type is ElementType.UINT8 and len(spec.shape) >= _FRAME_AXES and math.prod(spec.shape) > 0
