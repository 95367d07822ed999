"""A contribution's values as the bytes that travel."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from heronry.client.error_feedback import ErrorFeedback
from heronry.client.parameter_vector import Bytes, Vector, VectorLayout
from heronry.client.tensor_arrays import as_array, named_arrays
from heronry.native.parameter_packing import pack_parameters, unpack_parameters
from heronry.types.contribution import ContributionKind, ParameterCodec
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.tensors import Array, ElementType, ModelSchema, TensorSpec
from heronry.wire.chunks import Buffer

Values = Mapping[str, object] | Buffer

# Above this, packing would hold up the event loop; below, a thread costs more than it does.
_INLINE_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Packing:
    """How a contribution is packed.

    Attributes:
      top_k_share: share of the coordinates that TOP_K keeps.
      feedback: adds what packing lost before; None: what is lost is lost.
    """

    codec: ParameterCodec
    kind: ContributionKind
    request_id: str
    top_k_share: float
    feedback: ErrorFeedback | None

    def __post_init__(self) -> None:
        if self.codec is ParameterCodec.TOP_K and self.kind is ContributionKind.WEIGHTS:
            raise InvalidArgumentError.of("codec", self.codec, "f32, bf16, f16 or int8 with WEIGHTS")

    @property
    def needs_vector(self) -> bool:
        """Whether the tensors do not travel as they are."""
        return self.codec is not ParameterCodec.F32 or self.feedback is not None

    def parts(self, layouts: Sequence[VectorLayout], pieces: Sequence[list[Bytes]]) -> list[list[Bytes]]:
        """Return the packed bytes of each part of a model, each by itself; with feedback, they are then under way.

        One residual is kept for all parts: what is handed in together counts together.

        Args:
          layouts: of the parts; a whole model is one.
          pieces: the bytes of each part's tensors.
        """
        others = [layout.other_pieces(part) for layout, part in zip(layouts, pieces, strict=True)]
        vectors = [layout.vector(part) for layout, part in zip(layouts, pieces, strict=True)]
        if self.feedback is None:
            packed = [self._pack(vector) for vector in vectors]
        else:
            joined = _joined(vectors)
            packed = self.feedback.begin(self.request_id, self.kind, joined, lambda v: self._sent(layouts, v))
        if self.codec is not ParameterCodec.F32:
            return [[part, *rest] for part, rest in zip(packed, others, strict=True)]
        return [
            layout.pieces(part.view(layout.dtype), rest)
            for layout, part, rest in zip(layouts, packed, others, strict=True)
        ]

    def _sent(self, layouts: Sequence[VectorLayout], values: Vector) -> tuple[list[Bytes], Vector]:
        """Return the packed vectors of the parts and what the services make of them."""
        vectors = _split(layouts, values)
        if self.codec is ParameterCodec.F32:
            return [vector.view(np.uint8) for vector in vectors], _joined(vectors).astype(values.dtype)
        packed = [self._pack(vector) for vector in vectors]
        received = [np.empty_like(vector) for vector in vectors]
        for part, out in zip(packed, received, strict=True):
            unpack_parameters(self.codec, part, 0, out)
        return packed, _joined(received).astype(values.dtype, copy=False)

    def _pack(self, vector: Vector) -> Bytes:
        k = kept_of(self.top_k_share, vector.size) if self.codec is ParameterCodec.TOP_K else 0
        return pack_parameters(self.codec, vector, seed=_seed_of(self.request_id), k=k)


async def packed(packing: Packing, values: Values, schema: Callable[[], Awaitable[ModelSchema]]) -> list[Bytes]:
    """Return the bytes of a contribution; with feedback, it is then under way.

    Raises:
      SchemaMismatchError: the values are not the model's.
      InvalidContributionError: what the codec cannot pack.
    """
    # Looked at before the service is asked for the schema: a wrong argument needs no connection.
    arrays = named_arrays("values", values) if isinstance(values, Mapping) else flat_bytes("values", values)
    if not isinstance(arrays, dict) and not packing.needs_vector:
        return [arrays]
    pieces = pieces_of(await schema(), arrays)
    return (await packed_parts(packing, [VectorLayout(await schema())], [pieces]))[0]


async def packed_parts(
    packing: Packing, layouts: Sequence[VectorLayout], pieces: Sequence[list[Bytes]]
) -> list[list[Bytes]]:
    """Return what travels of each part of a model; see `Packing.parts`.

    Raises:
      InvalidContributionError: what the codec cannot pack.
    """
    if not packing.needs_vector:
        return list(pieces)
    if sum(layout.schema.num_bytes for layout in layouts) <= _INLINE_BYTES:
        return packing.parts(layouts, pieces)
    return await _in_thread(packing, layouts, pieces)


async def _in_thread(
    packing: Packing, layouts: Sequence[VectorLayout], pieces: Sequence[list[Bytes]]
) -> list[list[Bytes]]:
    work = asyncio.ensure_future(asyncio.to_thread(packing.parts, layouts, pieces))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        # The thread goes on, and would leave its contribution under way for ever.
        await asyncio.wait([work])
        if packing.feedback is not None and not work.cancelled() and work.exception() is None:
            packing.feedback.drop()
        raise


def _joined(vectors: Sequence[Vector]) -> Vector:
    """Return vectors one after the other, in the wider of their types; the only one as it is."""
    return vectors[0] if len(vectors) == 1 else np.concatenate(vectors)


def _split(layouts: Sequence[VectorLayout], values: Vector) -> list[Vector]:
    """Return each part's piece of a joined vector, in its own type; views where types allow."""
    ends = np.cumsum([layout.num_parameters for layout in layouts], dtype=np.int64)
    return [
        values[end - layout.num_parameters : end].astype(layout.dtype, copy=False)
        for layout, end in zip(layouts, ends, strict=True)
    ]


def kept_of(share: float, num_parameters: int) -> int:
    """Return how many of the coordinates a share of them is; at least one."""
    return min(num_parameters, max(1, round(share * num_parameters)))


def pieces_of(schema: ModelSchema, values: Values, field: str = "values") -> list[Bytes]:
    """Return the bytes of each tensor, in the order of their offsets; views where they are contiguous.

    Raises:
      SchemaMismatchError: a name, shape or element type differs from the schema, or the buffer's length.
    """
    if not isinstance(values, Mapping):
        return VectorLayout(schema).split(_of_length(flat_bytes(field, values), schema, field))
    tensors = named_arrays(field, values)
    if set(tensors) != {t.name for t in schema.tensors}:
        raise SchemaMismatchError.of(field, sorted(tensors), str(sorted(t.name for t in schema.tensors)))
    return [_piece(spec, tensors[spec.name]) for spec in schema.tensors]


def flat_bytes(field: str, values: object) -> Bytes:
    """Return a flat buffer as bytes, without a copy where it is contiguous.

    Raises:
      SchemaMismatchError: it is none.
    """
    if isinstance(values, (bytes, bytearray, memoryview)):
        return np.frombuffer(values, np.uint8)
    return np.ascontiguousarray(as_array(field, values)).reshape(-1).view(np.uint8)


def _of_length(flat: Bytes, schema: ModelSchema, field: str) -> Bytes:
    if flat.size != schema.num_bytes:
        raise SchemaMismatchError.of(f"{field}.num_bytes", flat.size, str(schema.num_bytes))
    return flat


def _piece(spec: TensorSpec, array: Array) -> Bytes:
    if tuple(array.shape) != spec.shape:
        raise SchemaMismatchError.of(f"{spec.name}.shape", tuple(array.shape), str(spec.shape))
    if ElementType.of(array.dtype) is not spec.element_type:
        raise SchemaMismatchError.of(f"{spec.name}.element_type", str(array.dtype), spec.element_type.name.lower())
    return np.ascontiguousarray(array, dtype=spec.element_type.dtype).reshape(-1).view(np.uint8)


def _seed_of(request_id: str) -> int:
    # A repeated request has the bytes of the first, whatever was lost in between.
    return int.from_bytes(hashlib.blake2b(request_id.encode(), digest_size=8).digest(), "little")
