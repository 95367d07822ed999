"""Where the learnt tensors lie in a model's flat buffer, and the vector they form."""

from collections.abc import Container, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heronry.types.errors import SchemaMismatchError
from heronry.types.tensors import Array, ElementType, ModelSchema, TensorRole, TensorSpec

Bytes = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.floating]

_LEARNABLE = (ElementType.FLOAT16, ElementType.FLOAT32, ElementType.FLOAT64)


@dataclass(frozen=True)
class _Segment:
    """Neighbouring PARAMETER tensors of one type: `num_elements` from byte `offset`, from vector index `start`."""

    offset: int
    start: int
    num_elements: int
    element_type: ElementType

    @property
    def num_bytes(self) -> int:
        return self.num_elements * self.element_type.dtype.itemsize


class ParameterLayout:
    """Maps a model's flat buffer to the `[P]` vector of its PARAMETER tensors and back.

    The vector is float32, or float64 as soon as one of the tensors is. Where all tensors are
    learnt and of the vector's own type, both directions are views: nothing is copied.
    """

    def __init__(self, schema: ModelSchema) -> None:
        _check_roles(schema)
        self.schema = schema
        self._segments = _segments(schema)
        self.num_parameters = sum(s.num_elements for s in self._segments)
        is_double = any(s.element_type is ElementType.FLOAT64 for s in self._segments)
        self.dtype: np.dtype[np.floating] = np.dtype(np.float64 if is_double else np.float32)
        self.others = tuple(t for t in schema.tensors if t.role is not TensorRole.PARAMETER)

    @property
    def is_contiguous(self) -> bool:
        """Whether the vector lies in a flat buffer as it is: `vector` is a view."""
        return len(self._segments) == 1 and self._segments[0].element_type.dtype == self.dtype

    def vector(self, flat: Bytes, out: Vector | None = None) -> Vector:
        """Return the `[P]` vector of a flat buffer: a view of it where the layout allows, else in `out`."""
        parts = [self._part(flat, segment) for segment in self._segments]
        if self.is_contiguous:
            return parts[0]
        values = np.empty(self.num_parameters, self.dtype) if out is None else out
        for segment, part in zip(self._segments, parts, strict=True):
            values[segment.start : segment.start + segment.num_elements] = part
        return values

    def other_values(self, flat: Bytes) -> dict[str, Array]:
        """Return the BUFFER and STATISTIC tensors of a flat buffer, as views."""
        return {t.name: _view(flat, t) for t in self.others}

    def write(self, vector: Vector, others: Mapping[str, Array], flat: Bytes) -> None:
        """Write a vector and the other tensors into a flat buffer, each in its published type."""
        with np.errstate(over="ignore"):
            for segment in self._segments:
                self._part(flat, segment)[:] = vector[segment.start : segment.start + segment.num_elements]
        self.write_others(others, flat)

    def write_others(self, others: Mapping[str, Array], flat: Bytes) -> None:
        """Write the tensors that are not learnt into a flat buffer."""
        for tensor in self.others:
            _view(flat, tensor)[...] = others[tensor.name]

    def sections(self, groups: Container[str]) -> list[tuple[str, int, int]]:
        """Return where the vector's elements of each group lie, in order: group, start and stop.

        Groups that are not in `groups` are one, the default one; neighbours of one group are one section.
        """
        sections: list[tuple[str, int, int]] = []
        start = 0
        for tensor in self.schema.with_role(TensorRole.PARAMETER):
            group, stop = tensor.group if tensor.group in groups else "", start + tensor.num_elements
            if sections and sections[-1][0] == group:
                sections[-1] = group, sections[-1][1], stop
            elif stop > start:
                sections.append((group, start, stop))
            start = stop
        return sections

    def tensor_at(self, index: int) -> tuple[TensorSpec, tuple[int, ...]]:
        """Return the tensor and the position in it of the vector's element `index`."""
        for tensor in self.schema.with_role(TensorRole.PARAMETER):
            if index < tensor.num_elements:
                return tensor, tuple(int(i) for i in np.unravel_index(index, tensor.shape))
            index -= tensor.num_elements
        raise IndexError(index)

    def _part(self, flat: Bytes, segment: _Segment) -> Vector:
        return flat[segment.offset : segment.offset + segment.num_bytes].view(segment.element_type.dtype)


def _view(flat: Bytes, tensor: TensorSpec) -> Array:
    part = flat[tensor.offset : tensor.offset + tensor.num_bytes]
    return part.view(tensor.element_type.dtype).reshape(tensor.shape)


def _segments(schema: ModelSchema) -> tuple[_Segment, ...]:
    segments: list[_Segment] = []
    start = 0
    for tensor in schema.with_role(TensorRole.PARAMETER):
        last = segments[-1] if segments else None
        if last and last.offset + last.num_bytes == tensor.offset and last.element_type is tensor.element_type:
            merged = last.num_elements + tensor.num_elements
            segments[-1] = _Segment(last.offset, last.start, merged, last.element_type)
        else:
            segments.append(_Segment(tensor.offset, start, tensor.num_elements, tensor.element_type))
        start += tensor.num_elements
    return tuple(segments)


def _check_roles(schema: ModelSchema) -> None:
    if not schema.tensors:
        raise SchemaMismatchError.of("schema.tensors", "none", "at least one tensor")
    for tensor in schema.tensors:
        if tensor.role is TensorRole.PARAMETER:
            if tensor.element_type not in _LEARNABLE:
                allowed = ", ".join(t.name.lower() for t in _LEARNABLE)
                field = f"schema.{tensor.name}.element_type"
                raise SchemaMismatchError.of(field, tensor.element_type.name.lower(), f"{allowed} (role PARAMETER)")
            if tensor.merge_rule is not None:
                field = f"schema.{tensor.name}.merge_rule"
                raise SchemaMismatchError.of(field, tensor.merge_rule.name, "none (role PARAMETER is aggregated)")
        elif tensor.merge_rule is None:
            raise SchemaMismatchError.of(f"schema.{tensor.name}.merge_rule", "none", "LAST, MEAN, MERGE_COUNTS")
