"""Columns of experience: named arrays with leading axes time `T` and lane or batch `B`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heronry.types.errors import InvalidArgumentError
from heronry.types.field_checks import check_type, whole_number
from heronry.types.tensors import Array, ElementType

Columns = Mapping[str, Array]


@dataclass(frozen=True)
class ColumnSpec:
    """A column's signature without its leading axes: `observation`, FLOAT32, (4,).

    A NumPy type in place of the element type is turned into one, and a list of extents into a tuple.
    """

    path: str
    element_type: ElementType
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        check_type("column.path", self.path, str)
        field = f"column.{self.path}" if self.path else "column"
        declared: object = self.element_type
        if not isinstance(declared, ElementType):
            object.__setattr__(self, "element_type", _element_type(f"{field}.element_type", declared))
        given: object = self.shape
        if not isinstance(given, (tuple, list)):
            raise InvalidArgumentError.of(f"{field}.shape", given, "a tuple of whole numbers, () for a scalar")
        object.__setattr__(self, "shape", tuple(whole_number(f"{field}.shape", extent) for extent in given))

    @property
    def num_bytes(self) -> int:
        """Bytes of one step."""
        size = self.element_type.dtype.itemsize
        for extent in self.shape:
            size *= extent
        return size


def _element_type(field: str, value: object) -> ElementType:
    if isinstance(value, (np.dtype, type, str)):
        try:
            return ElementType.of(value)
        except (TypeError, InvalidArgumentError):
            pass
    raise InvalidArgumentError.of(field, value, ", ".join(kind.name for kind in ElementType))


def successors(columns: Columns) -> dict[str, str]:
    """Return the columns that are others one step on, in the same memory: `b[t]` lies where `a[t + 1]` would.

    Returns:
      the path of `a` by that of `b`.
    """
    shared = [(path, array) for path, array in columns.items() if array.base is not None and array.nbytes]
    if len({id(array.base) for _, array in shared}) == len(shared):
        return {}
    following = {(_address(array) + array.strides[0], _layout(array)): path for path, array in shared}
    found = {path: following.get((_address(array), _layout(array))) for path, array in shared}
    # Of three in a row only the first and the second share what is sent.
    return {path: other for path, other in found.items() if other is not None and found[other] is None}


def _address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])


def _layout(array: Array) -> tuple[object, ...]:
    return array.dtype, array.shape, array.strides


def column_specs(columns: Columns, num_leading: int = 2) -> tuple[ColumnSpec, ...]:
    """Return the signatures of arrays with `num_leading` leading axes, in their order."""
    return tuple(ColumnSpec(p, ElementType.of(a.dtype), tuple(a.shape[num_leading:])) for p, a in columns.items())
