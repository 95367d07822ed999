"""Packed forms of a model's values, as uploads and downloads carry them.

The vector of all PARAMETER tensors comes first, in the codec's form, then the bytes of the other tensors. With F32
the flat buffer travels as it is: nothing here is called then. Numbers are little-endian. float64 vectors pack through
float32. It lies here and not in `heronry.wire` because the service's core decodes, and a core knows no wire.
"""

import math
import sys
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from heronry.native.arrays import Bytes, Codes, Floats, HalfBits, ShortIndices, Vector
from heronry.native.int8_blocks import int8_pack, int8_unpack, num_int8_blocks
from heronry.native.number_formats import bf16_pack, bf16_unpack, f16_pack, f16_unpack
from heronry.native.top_k import scatter, top_k
from heronry.native.vector_sums import measure
from heronry.types.contribution import ParameterCodec
from heronry.types.errors import InvalidArgumentError, InvalidContributionError, SchemaMismatchError

_BYTES_PER_KEPT: Final = 8
# Magnitudes from here on round to infinity: half a step above the largest number of the form.
_LEAST_TOO_LARGE: Final = {
    ParameterCodec.BF16: (2.0 - 2.0**-8) * 2.0**127,
    ParameterCodec.F16: 65520.0,
    # 127 times a rounded scale stays finite.
    ParameterCodec.INT8: (2.0 - 2.0**-22) * 2.0**127,
    ParameterCodec.TOP_K: math.inf,
}

assert sys.byteorder == "little", "packed parameters are read and written in place"


def packed_num_bytes(codec: ParameterCodec, num_parameters: int, others_num_bytes: int = 0, *, k: int = 0) -> int:
    """Return the length of a packed transfer.

    Args:
      codec: any but F32.
      num_parameters: P, elements of all PARAMETER tensors.
      others_num_bytes: of the tensors that are not packed.
      k: how many values TOP_K keeps; at most P. Without meaning otherwise.
    """
    return _vector_num_bytes(codec, num_parameters, k) + others_num_bytes


def pack_parameters(
    codec: ParameterCodec,
    values: Vector,
    others: Sequence[Bytes] = (),
    *,
    seed: int = 0,
    k: int = 0,
    out: Bytes | None = None,
) -> Bytes:
    """Pack a vector and append the other tensors' bytes.

    Args:
      codec: any but F32.
      values: [P] float32 or float64.
      others: the other tensors as bytes, in the order of their offsets.
      seed: of the rounding, for INT8; another one for each vector.
      k: how many values TOP_K keeps.
      out: where to write, as long as `packed_num_bytes` says and aligned to 4; a new array without it.

    Returns:
      `out`.

    Raises:
      InvalidContributionError: a value is NaN or infinite, or beyond the codec's range.
      InvalidArgumentError: F32, or k is more than there are values.
      SchemaMismatchError: `out` has another length.
    """
    others_num_bytes = sum(len(other) for other in others)
    num_bytes = packed_num_bytes(codec, len(values), others_num_bytes, k=k)
    packed = np.empty(num_bytes, np.uint8) if out is None else out
    if len(packed) != num_bytes:
        raise SchemaMismatchError.of("num_bytes", len(packed), f"{num_bytes} with {codec.value}")
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32, copy=False)
    _refuse_unpackable(codec, narrow)
    at = num_bytes - others_num_bytes
    _pack_vector(codec, narrow, packed[:at], seed, k)
    for other in others:
        packed[at : at + len(other)] = other
        at += len(other)
    return packed


def unpack_parameters(codec: ParameterCodec, packed: Bytes, others_num_bytes: int, out: Vector) -> int:
    """Fill `out` from a packed transfer and return the offset at which the other tensors begin.

    What the bytes say is checked but for the values: `measure(out)` tells whether all are finite.

    Args:
      codec: any but F32.
      packed: the whole transfer.
      others_num_bytes: what the layout says of the tensors that are not packed.
      out: [P] float32 or float64.

    Raises:
      SchemaMismatchError: the transfer has another length than codec and layout give.
      InvalidContributionError: a scale is negative or not finite, a code is -128, or the indices of TOP_K are not
        ascending or past the end. `out` is then undefined.
      InvalidArgumentError: F32.
    """
    offset = len(packed) - others_num_bytes
    k = max(0, offset) // _BYTES_PER_KEPT if codec is ParameterCodec.TOP_K else 0
    if k > len(out):
        raise SchemaMismatchError.of("num_bytes", len(packed), f"at most {len(out)} values with {codec.value}")
    needed = packed_num_bytes(codec, len(out), others_num_bytes, k=k)
    if len(packed) != needed:
        raise SchemaMismatchError.of("num_bytes", len(packed), f"{needed} with {codec.value}")
    vector = np.require(packed[:offset], requirements=["C"])
    if vector.ctypes.data % 4:
        vector = vector.copy()
    if out.dtype == np.float32:
        _unpack_vector(codec, vector, out.view(np.float32), k)
    else:
        narrow = np.empty(len(out), np.float32)
        _unpack_vector(codec, vector, narrow, k)
        out[:] = narrow
    return offset


def _vector_num_bytes(codec: ParameterCodec, num_parameters: int, k: int) -> int:
    match codec:
        case ParameterCodec.BF16 | ParameterCodec.F16:
            return 2 * num_parameters
        case ParameterCodec.INT8:
            return 4 * num_int8_blocks(num_parameters) + num_parameters
        case ParameterCodec.TOP_K:
            if not 0 <= k <= num_parameters:
                raise InvalidArgumentError.of("k", k, f"0 to {num_parameters}, the number of values")
            return _BYTES_PER_KEPT * k
        case _:
            raise InvalidArgumentError.of("codec", codec.value, "a codec that packs: bf16, f16, int8, top_k")


def _refuse_unpackable(codec: ParameterCodec, values: Floats) -> None:
    largest, _ = measure(values)
    if not largest < _LEAST_TOO_LARGE[codec]:
        allowed = f"finite, magnitudes below {_LEAST_TOO_LARGE[codec]:.6g} with {codec.value}"
        raise InvalidContributionError.of("values", largest, allowed)


def _pack_vector(codec: ParameterCodec, values: Floats, packed: Bytes, seed: int, k: int) -> None:
    match codec:
        case ParameterCodec.BF16:
            bf16_pack(values, packed.view(np.uint16))
        case ParameterCodec.F16:
            f16_pack(values, packed.view(np.uint16))
        case ParameterCodec.INT8:
            scales, codes = _int8_parts(packed, len(values))
            int8_pack(values, seed, scales, codes)
        case _:
            indices, kept = _top_k_parts(packed, k)
            indices[:], kept[:] = top_k(values, k)


def _unpack_vector(codec: ParameterCodec, packed: Bytes, out: Floats, k: int) -> None:
    match codec:
        case ParameterCodec.BF16 | ParameterCodec.F16:
            unpack: Callable[[HalfBits, Floats], None] = bf16_unpack if codec is ParameterCodec.BF16 else f16_unpack
            unpack(packed.view(np.uint16), out)
        case ParameterCodec.INT8:
            scales, codes = _int8_parts(packed, len(out))
            _check_int8(scales, codes)
            int8_unpack(scales, codes, out)
        case _:
            indices, kept = _top_k_parts(packed, k)
            _check_indices(indices, len(out))
            scatter(indices, kept, out)


def _int8_parts(packed: Bytes, num_parameters: int) -> tuple[Floats, Codes]:
    scales_end = 4 * num_int8_blocks(num_parameters)
    return packed[:scales_end].view(np.float32), packed[scales_end:].view(np.int8)


def _top_k_parts(packed: Bytes, k: int) -> tuple[ShortIndices, Floats]:
    return packed[: 4 * k].view(np.uint32), packed[4 * k :].view(np.float32)


def _check_int8(scales: Floats, codes: Codes) -> None:
    is_wrong = ~(np.isfinite(scales) & (scales >= 0))
    if is_wrong.any():
        block = int(is_wrong.argmax())
        raise InvalidContributionError.of(f"scales[{block}]", float(scales[block]), "finite, at least 0")
    if len(codes) and codes.min() == -128:
        raise InvalidContributionError.of(f"codes[{int(codes.argmin())}]", -128, "-127 to 127")


def _check_indices(indices: ShortIndices, num_parameters: int) -> None:
    is_behind = indices[1:] <= indices[:-1]
    if is_behind.any():
        at = int(is_behind.argmax()) + 1
        raise InvalidContributionError.of(f"indices[{at}]", int(indices[at]), f"above {indices[at - 1]}, ascending")
    if len(indices) and indices[-1] >= num_parameters:
        at = len(indices) - 1
        raise InvalidContributionError.of(f"indices[{at}]", int(indices[at]), f"below {num_parameters}")
