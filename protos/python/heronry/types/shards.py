"""A model's flat buffer cut into contiguous ranges, one a shard."""

import bisect
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import blake3

from heronry.types.errors import DataLossError, InvalidArgumentError, SchemaMismatchError
from heronry.types.tensors import ModelSchema, TensorSpec
from heronry.types.version import ParameterVersion

_PIECE: Final = re.compile(
    r"(?P<name>.+)\((?P<shape>[0-9]+(x[0-9]+)*)\)\[(?P<start>[0-9]+):(?P<stop>[0-9]+)\]", re.DOTALL
)


@dataclass(frozen=True)
class ShardRange:
    """The bytes `[start_byte, stop_byte)` of a model's flat buffer, and the schema that they have by themselves."""

    schema: ModelSchema
    start_byte: int
    stop_byte: int

    @property
    def num_bytes(self) -> int:
        """Length of the range."""
        return self.stop_byte - self.start_byte


def split_schema(schema: ModelSchema, num_shards: int) -> tuple[ShardRange, ...]:
    """Cut a model into ranges of about equal bytes, between elements; every range holds at least one.

    A tensor that lies in one range whole keeps its name and shape. A piece of one is a 1-D tensor such as
    `name(4x3)[5:12]`: the elements 5 to 12 of a tensor of that shape, so that readers can put it together.
    Roles, merge rules and groups stay.

    Raises:
      InvalidArgumentError: there are more shards than elements.
      SchemaMismatchError: a tensor has a name such as pieces have.
    """
    for tensor in schema.tensors:
        if _PIECE.fullmatch(tensor.name):
            raise SchemaMismatchError.of("schema.name", tensor.name, "a name unlike that of a piece, `w(4x3)[5:12]`")
    num_elements = sum(t.num_elements for t in schema.tensors)
    if not 1 <= num_shards <= max(1, num_elements):
        raise InvalidArgumentError.of("num_shards", num_shards, f"1 to {max(1, num_elements)} (the model's elements)")
    bounds = [0, *_cuts(schema, num_shards, num_elements), schema.num_bytes]
    return tuple(_range(schema, start, stop) for start, stop in itertools.pairwise(bounds))


def join_schemas(schemas: Sequence[ModelSchema]) -> ModelSchema:
    """Return the schema of the whole model, given those of all its shards in order.

    Raises:
      SchemaMismatchError: a piece is missing, or out of place.
    """
    joined: list[TensorSpec] = []
    begun: TensorSpec | None = None
    offset = next_element = 0
    for tensor in itertools.chain.from_iterable(schema.tensors for schema in schemas):
        piece = _PIECE.fullmatch(tensor.name)
        whole = replace(tensor, offset=offset) if piece is None else _whole(piece, tensor, begun, offset)
        start, stop = (0, whole.num_elements) if piece is None else (int(piece["start"]), int(piece["stop"]))
        if start != next_element or stop - start != tensor.num_elements or (begun and begun.name != whole.name):
            raise SchemaMismatchError.of("shards.schema", tensor.name, _expected(begun, next_element))
        is_whole = stop == whole.num_elements
        begun, next_element = (None, 0) if is_whole else (whole, stop)
        if is_whole:
            joined.append(whole)
        offset += tensor.num_bytes
    if begun is not None:
        raise SchemaMismatchError.of("shards.schema", "the end", _expected(begun, next_element))
    return ModelSchema(tuple(joined))


def version_of_shards(versions: Sequence[ParameterVersion]) -> ParameterVersion:
    """Name the version that shards make together: the first one's epoch and number, and a hash of all hashes.

    The parent hash of a later shard's version is the content hash of the first one's: equal numbers alone would
    not tell that the first shard was restored to an earlier state and went on differently.

    Raises:
      SchemaMismatchError: their numbers differ; such shards do not belong together.
      DataLossError: a later shard has followed another version than the first one has.
    """
    first, numbers = versions[0], [version.number for version in versions]
    if len(set(numbers)) != 1:
        raise SchemaMismatchError.of("version.number", numbers, "the same at every shard")
    for index, version in enumerate(versions[1:], start=1):
        # The first values were registered, not followed.
        if version.parent_hash not in {b"", first.content_hash}:
            message = f"shard {index} has parted from the first shard before version {first.number}"
            raise DataLossError(message, details={"shard": str(index), "number": str(first.number)})
    content_hash = joint_hash([version.content_hash for version in versions])
    return ParameterVersion(first.epoch, first.number, content_hash)


def joint_hash(hashes: Sequence[bytes]) -> bytes:
    """Return BLAKE3 of the shards' hashes in order; empty when one is unknown."""
    return blake3.blake3(b"".join(hashes)).digest() if all(hashes) else b""


def _cuts(schema: ModelSchema, num_shards: int, num_elements: int) -> list[int]:
    """Return the bytes at which ranges end, but for the last one."""
    first_elements = [0]
    for tensor in schema.tensors:
        first_elements.append(first_elements[-1] + tensor.num_elements)
    cuts: list[int] = []
    element = 0
    for index in range(1, num_shards):
        nearest = _element_near(schema, first_elements, schema.num_bytes * index // num_shards)
        # Neither this range nor those that follow may be left without an element.
        element = max(element + 1, min(nearest, num_elements - (num_shards - index)))
        cuts.append(_byte_of(schema, first_elements, element))
    return cuts


def _element_near(schema: ModelSchema, first_elements: list[int], position: int) -> int:
    """Return the number of elements before the boundary that is nearest to a byte."""
    which = bisect.bisect_right([t.offset for t in schema.tensors], position) - 1
    tensor = schema.tensors[which]
    size = tensor.element_type.dtype.itemsize
    return first_elements[which] + min(tensor.num_elements, (position - tensor.offset + size // 2) // size)


def _byte_of(schema: ModelSchema, first_elements: list[int], element: int) -> int:
    """Return the byte at which an element begins."""
    which = bisect.bisect_right(first_elements, element) - 1
    tensor = schema.tensors[which]
    return tensor.offset + (element - first_elements[which]) * tensor.element_type.dtype.itemsize


def _range(schema: ModelSchema, start: int, stop: int) -> ShardRange:
    is_last = stop == schema.num_bytes
    pieces = [_piece(tensor, start, stop, is_last=is_last) for tensor in schema.tensors]
    return ShardRange(ModelSchema(tuple(piece for piece in pieces if piece is not None)), start, stop)


def _piece(tensor: TensorSpec, start: int, stop: int, *, is_last: bool) -> TensorSpec | None:
    """Return what lies in the range of one tensor, its offset counted from the range's start."""
    if not tensor.num_elements:
        # It has no bytes to lie in two ranges with: it belongs where the next tensor's first byte does.
        is_here = start <= tensor.offset < stop or (is_last and tensor.offset == stop)
        return replace(tensor, offset=tensor.offset - start) if is_here else None
    first, last = max(start, tensor.offset), min(stop, tensor.offset + tensor.num_bytes)
    if first >= last:
        return None
    if last - first == tensor.num_bytes:
        return replace(tensor, offset=first - start)
    size = tensor.element_type.dtype.itemsize
    begin, end = (first - tensor.offset) // size, (last - tensor.offset) // size
    name = f"{tensor.name}({'x'.join(map(str, tensor.shape))})[{begin}:{end}]"
    return replace(tensor, name=name, shape=(end - begin,), offset=first - start)


def _whole(piece: re.Match[str], tensor: TensorSpec, begun: TensorSpec | None, offset: int) -> TensorSpec:
    """Return the tensor that a piece is of, which begins at `offset` unless it has begun before."""
    shape = tuple(int(extent) for extent in piece["shape"].split("x"))
    return replace(tensor, name=piece["name"], shape=shape, offset=offset if begun is None else begun.offset)


def _expected(begun: TensorSpec | None, next_element: int) -> str:
    return "a tensor, or the first piece of one" if begun is None else f"{begun.name} from element {next_element} on"
