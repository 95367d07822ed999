"""Versions packed for readers who take less than every bit."""

from dataclasses import dataclass

import numpy as np

from heronry.native.parameter_packing import pack_parameters
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.layout import Bytes, ParameterLayout, Vector
from heronry.params.core.versions import Published
from heronry.types.contribution import ParameterCodec
from heronry.types.errors import InvalidArgumentError, InvalidContributionError

DEFAULT_TOP_K_SHARE = 0.01


@dataclass(frozen=True)
class Packing:
    """How a reader wants a version.

    Attributes:
      codec: of the PARAMETER tensors.
      base: send the difference to this version; None: the values themselves.
      share: of the coordinates, with TOP_K.
    """

    codec: ParameterCodec = ParameterCodec.F32
    base: Published | None = None
    share: float = DEFAULT_TOP_K_SHARE

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InvalidArgumentError.of("top_k_share", self.share, "above 0, at most 1")


EXACT = Packing()


def packing_for(codec: ParameterCodec, base: Published | None, share: float) -> Packing:
    """Return the packing of an answer: TOP_K is for differences, and exact values need no base."""
    checked = Packing(codec, base, share or DEFAULT_TOP_K_SHARE)
    if codec is ParameterCodec.F32 or (codec is ParameterCodec.TOP_K and base is None):
        return EXACT
    return checked


def encode_packed(layout: ParameterLayout, published: Published, packing: Packing, pool: BufferPool) -> Bytes:
    """Return a version's bytes as they travel; with F32 the flat buffer itself.

    Equal for every reader: what INT8 rounds at random depends on the version's number alone.

    Raises:
      InvalidArgumentError: the codec cannot hold the values.
    """
    if packing.codec is ParameterCodec.F32:
        return published.flat
    values = _vector(layout, published, pool)
    if packing.base is not None:
        values = _difference(values, _vector(layout, packing.base, pool), pool)
    others = [published.flat[t.offset : t.offset + t.num_bytes] for t in layout.others]
    num_kept = max(1, round(packing.share * layout.num_parameters)) if packing.codec is ParameterCodec.TOP_K else 0
    try:
        return pack_parameters(packing.codec, values, others, seed=published.version.number, k=num_kept)
    except InvalidContributionError as error:
        allowed = f"'f32': version {published.version} cannot be packed otherwise ({error})"
        raise InvalidArgumentError.of("codec", packing.codec.value, allowed) from error


def _vector(layout: ParameterLayout, published: Published, pool: BufferPool) -> Vector:
    return layout.vector(published.flat, None if layout.is_contiguous else _new_vector(layout, pool))


def _difference(values: Vector, base: Vector, pool: BufferPool) -> Vector:
    out = pool.take(values.nbytes).view(values.dtype)
    with np.errstate(over="ignore"):
        return np.subtract(values, base, out=out)


def _new_vector(layout: ParameterLayout, pool: BufferPool) -> Vector:
    vector: Vector = pool.take(layout.num_parameters * layout.dtype.itemsize).view(layout.dtype)
    return vector
