"""The PARAMETER tensors of a model as one vector, and the other tensors beside it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from heronry.types.tensors import ElementType, ModelSchema, TensorRole, TensorSpec

Bytes = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.floating]


class VectorLayout:
    """Where the elements of the `[P]` vector lie in a model's flat buffer.

    The vector is float32, or float64 as soon as one of the tensors is.
    """

    def __init__(self, schema: ModelSchema) -> None:
        self.schema = schema
        self.parameters = tuple(schema.with_role(TensorRole.PARAMETER))
        self.others = tuple(t for t in schema.tensors if t.role is not TensorRole.PARAMETER)
        self.num_parameters = sum(t.num_elements for t in self.parameters)
        self.others_num_bytes = sum(t.num_bytes for t in self.others)
        is_double = any(t.element_type is ElementType.FLOAT64 for t in self.parameters)
        self.dtype: np.dtype[np.floating] = np.dtype(np.float64 if is_double else np.float32)

    def vector(self, pieces: Sequence[Bytes]) -> Vector:
        """Return the vector of a model's tensors, each given as its bytes, in the order of their offsets."""
        parts = [
            p.view(t.element_type.dtype) for t, p in zip(self.schema.tensors, pieces, strict=True) if _is_learnt(t)
        ]
        if len(parts) == 1:
            return parts[0].astype(self.dtype, copy=False)
        return np.concatenate(parts, dtype=self.dtype) if parts else np.empty(0, self.dtype)

    def other_pieces(self, pieces: Sequence[Bytes]) -> list[Bytes]:
        """Return the bytes of the tensors that are not learnt, of those of all."""
        return [p for t, p in zip(self.schema.tensors, pieces, strict=True) if not _is_learnt(t)]

    def pieces(self, vector: Vector, others: Sequence[Bytes]) -> list[Bytes]:
        """Return the bytes of each tensor, in the order of their offsets; views where types allow."""
        coming = iter(others)
        start = 0
        pieces: list[Bytes] = []
        for tensor in self.schema.tensors:
            if not _is_learnt(tensor):
                pieces.append(next(coming))
                continue
            part = vector[start : start + tensor.num_elements]
            pieces.append(part.astype(tensor.element_type.dtype, copy=False).view(np.uint8))
            start += tensor.num_elements
        return pieces

    def flat(self, vector: Vector, others: Sequence[Bytes]) -> Bytes:
        """Return the flat buffer of a vector and the other tensors; the vector becomes it where it can."""
        if not self.others and all(t.element_type.dtype == vector.dtype for t in self.parameters):
            return vector.view(np.uint8)
        pieces = self.pieces(vector, others)
        return np.concatenate(pieces) if pieces else np.empty(0, np.uint8)

    def split(self, flat: Bytes) -> list[Bytes]:
        """Return the bytes of each tensor as views of a flat buffer."""
        return [flat[t.offset : t.offset + t.num_bytes] for t in self.schema.tensors]

    def split_others(self, section: Bytes) -> list[Bytes]:
        """Return the bytes of each tensor that is not learnt as views of their section of packed bytes."""
        ends = np.cumsum([t.num_bytes for t in self.others], dtype=np.int64)
        return [section[end - t.num_bytes : end] for t, end in zip(self.others, ends, strict=True)]


def _is_learnt(tensor: TensorSpec) -> bool:
    return tensor.role is TensorRole.PARAMETER
