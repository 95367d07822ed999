"""Columns of experience: named arrays with leading axes time `T` and lane or batch `B`."""

from collections.abc import Mapping
from dataclasses import dataclass

from heronry.types.tensors import Array, ElementType

Columns = Mapping[str, Array]


@dataclass(frozen=True)
class ColumnSpec:
    """A column's signature without its leading axes: `observation`, FLOAT32, (4,)."""

    path: str
    element_type: ElementType
    shape: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        """Bytes of one step."""
        size = self.element_type.dtype.itemsize
        for extent in self.shape:
            size *= extent
        return size


def column_specs(columns: Columns, num_leading: int = 2) -> tuple[ColumnSpec, ...]:
    """Return the signatures of arrays with `num_leading` leading axes, in their order."""
    return tuple(ColumnSpec(p, ElementType.of(a.dtype), tuple(a.shape[num_leading:])) for p, a in columns.items())
