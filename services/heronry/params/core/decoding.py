"""Contributions as they travel, and the values in them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heronry.native import measure
from heronry.native.parameter_packing import packed_num_bytes, unpack_parameters
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import Bytes, ParameterLayout, Vector
from heronry.types.contribution import ContributionHeader, ContributionKind, ParameterCodec
from heronry.types.errors import InvalidArgumentError, InvalidContributionError, SchemaMismatchError
from heronry.types.tensors import Array

_BYTES_A_KEPT_VALUE = 8


@dataclass(frozen=True)
class Decoded:
    """A contribution's values, all finite.

    Attributes:
      vector: `[P]` values of the PARAMETER tensors, read-only.
      others: the tensors that are not learnt, by name.
      largest: largest magnitude in `vector`.
      squared_norm: sum of its squares.
    """

    vector: Vector
    others: Mapping[str, Array]
    largest: float
    squared_norm: float


def check_packing(layout: ParameterLayout, header: ContributionHeader, num_bytes: int) -> None:
    """Refuse a length that a contribution of this codec cannot have, before any memory is taken for it.

    Raises:
      InvalidArgumentError: the codec is not for values of this kind.
      SchemaMismatchError: the length does not fit the model's schema.
    """
    if header.codec is ParameterCodec.TOP_K:
        if header.kind is ContributionKind.WEIGHTS:
            allowed = "'f32', 'bf16', 'f16', 'int8' with weights: what 'top_k' leaves out would be 0"
            raise InvalidArgumentError.of("codec", header.codec.value, allowed)
        _check_top_k(layout, num_bytes)
        return
    expected = layout.schema.num_bytes
    if header.codec is not ParameterCodec.F32:
        expected = packed_num_bytes(header.codec, layout.num_parameters, _others_num_bytes(layout))
    if num_bytes != expected:
        packing = "the model's schema" if header.codec is ParameterCodec.F32 else f"as {header.codec.value!r}"
        raise SchemaMismatchError.of("num_bytes", num_bytes, f"{expected} ({packing})")


def check_decoded(layout: ParameterLayout, decoded: Decoded) -> None:
    """Refuse values that were decoded for another schema: the model was deleted and registered again meanwhile.

    Raises:
      SchemaMismatchError: with what differs.
    """
    got, have = (decoded.vector.shape, decoded.vector.dtype), ((layout.num_parameters,), layout.dtype)
    if got != have:
        raise SchemaMismatchError.of("parameters", f"{got[1]}{list(got[0])}", f"{have[1]}{list(have[0])}")
    got_others = {name: (values.shape, values.dtype) for name, values in decoded.others.items()}
    have_others = {t.name: (t.shape, t.element_type.dtype) for t in layout.others}
    if got_others != have_others:
        raise SchemaMismatchError.of("tensors", str(sorted(got_others)), f"{sorted(have_others)}, of the same types")


def decode_packed(
    layout: ParameterLayout,
    codec: ParameterCodec,
    packed: Bytes,
    pool: BufferPool,
    sizes: tuple[float, float] | None = None,
) -> Decoded:
    """Return the values in the packed bytes of a contribution, or of a model's first version.

    With F32 the vector is a view of `packed` where the layout allows. O(P), and the interpreter is free
    meanwhile: meant for a thread of its own. Not so when the vector is all there is and its `sizes` are known,
    as `measure` gives them.

    Raises:
      SchemaMismatchError: the bytes have another length than the model's.
      InvalidContributionError: NaN or infinity, with tensor and index; or bytes that no sender packs.
    """
    if codec is ParameterCodec.F32:
        if packed.nbytes != layout.schema.num_bytes:
            raise SchemaMismatchError.of("num_bytes", packed.nbytes, f"{layout.schema.num_bytes} (the model's schema)")
        vector = layout.vector(packed, None if layout.is_contiguous else _new_vector(layout, pool))
        others = {name: values.copy() for name, values in layout.other_values(packed).items()}
    else:
        vector = _new_vector(layout, pool)
        begin = unpack_parameters(codec, packed, _others_num_bytes(layout), vector)
        others = _others_from(layout, packed[begin:])
    return _checked(layout, vector, others, sizes)


def _checked(
    layout: ParameterLayout, vector: Vector, others: Mapping[str, Array], sizes: tuple[float, float] | None
) -> Decoded:
    largest, squared_norm = measure(vector) if sizes is None else sizes
    if not np.isfinite(largest):
        index = int(np.argmin(np.isfinite(vector)))
        tensor, position = layout.tensor_at(index)
        raise _not_finite(tensor.name, position, float(vector[index]))
    for name, values in others.items():
        if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
            first = np.unravel_index(int(np.argmin(np.isfinite(values))), values.shape)
            position = tuple(int(i) for i in first)
            raise _not_finite(name, position, float(values[position]))
    vector.flags.writeable = False
    return Decoded(vector, others, largest, squared_norm)


def _new_vector(layout: ParameterLayout, pool: BufferPool) -> Vector:
    memory = pool.take(layout.num_parameters * layout.dtype.itemsize)
    vector: Vector = memory.view(layout.dtype)
    return vector


def _others_from(layout: ParameterLayout, tail: Bytes) -> dict[str, Array]:
    """Return the tensors that follow the packed vector; copies, which do not keep the upload in memory."""
    values: dict[str, Array] = {}
    begin = 0
    for tensor in layout.others:
        part = tail[begin : begin + tensor.num_bytes].copy()
        values[tensor.name] = part.view(tensor.element_type.dtype).reshape(tensor.shape)
        begin += tensor.num_bytes
    return values


def _others_num_bytes(layout: ParameterLayout) -> int:
    return sum(tensor.num_bytes for tensor in layout.others)


def _check_top_k(layout: ParameterLayout, num_bytes: int) -> None:
    others = _others_num_bytes(layout)
    num_kept, rest = divmod(num_bytes - others, _BYTES_A_KEPT_VALUE)
    if rest or not 0 <= num_kept <= layout.num_parameters:
        allowed = f"{others} and {_BYTES_A_KEPT_VALUE} for each of at most {layout.num_parameters} values ('top_k')"
        raise SchemaMismatchError.of("num_bytes", num_bytes, allowed)


def _not_finite(tensor: str, position: tuple[int, ...], value: float) -> InvalidContributionError:
    place = f"{tensor}{list(position)}" if position else tensor
    details = {
        "field": place,
        "value": repr(value),
        "allowed": "finite",
        "tensor": tensor,
        "index": str(list(position)),
    }
    return InvalidContributionError(f"{place}: got {value!r}, allowed: finite", details=details)
