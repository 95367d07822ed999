"""A model that lies in several services: how values are cut for them and put together again."""

import bisect
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from heronry.client.contribution_packing import Values, pieces_of
from heronry.client.parameter_vector import Bytes, VectorLayout
from heronry.client.parameters import Parameters
from heronry.types.errors import DataLossError, FailedPreconditionError, InvalidArgumentError, SchemaMismatchError
from heronry.types.models import ModelInfo, Shard
from heronry.types.shards import join_schemas, joint_hash, split_schema, version_of_shards
from heronry.types.tensors import Array, ModelSchema, TensorSpec, content_hash
from heronry.types.version import ParameterVersion


class ShardedParameters(Parameters):
    """One version of all shards: named tensors as read-only views of one buffer.

    Its content hash is that of the shards' hashes, in order.

    Attributes:
      lengths: bytes of each shard.
      part_versions: the version as each shard names it, in an epoch and with a hash of its own.
    """

    def __init__(
        self,
        version: ParameterVersion,
        schema: ModelSchema,
        flat: Bytes,
        lengths: Sequence[int],
        part_versions: Sequence[ParameterVersion],
        *,
        is_exact: bool,
    ) -> None:
        super().__init__(version, schema, flat, is_exact=is_exact)
        self.lengths = tuple(lengths)
        self.part_versions = tuple(part_versions)

    def verify(self) -> None:
        """Compute the shards' content hashes and compare theirs with the version's.

        Raises:
          DataLossError: they differ.
          FailedPreconditionError: there is nothing to compare, as the values are not exactly the version's.
        """
        if not self.is_exact or not self.version.content_hash:
            raise FailedPreconditionError(f"{self!r} cannot be verified; allowed: values pulled with f32")
        ends = list(itertools.accumulate(self.lengths))
        hashes = [content_hash(self.flat[end - n : end]) for n, end in zip(self.lengths, ends, strict=True)]
        actual, expected = joint_hash(hashes).hex(), self.version.content_hash.hex()
        if actual != expected:
            details = {"field": "content_hash", "value": actual, "allowed": expected}
            raise DataLossError(f"content_hash: got {actual}, allowed: {expected}", details=details)


class ShardedModel:
    """The schema of a whole model and the ranges that its shards hold."""

    def __init__(self, schema: ModelSchema, num_shards: int) -> None:
        self.schema = schema
        self.ranges = split_schema(schema, num_shards)
        self.layouts = tuple(VectorLayout(shard_range.schema) for shard_range in self.ranges)

    @classmethod
    def of(cls, infos: Sequence[ModelInfo]) -> "ShardedModel":
        """Return the model that shards make, as their services describe them.

        Raises:
          InvalidArgumentError: a service holds another shard than its place in the addresses says.
          SchemaMismatchError: the shards are not those of one model.
        """
        for index, info in enumerate(infos):
            shard = info.settings.shard or Shard(0, 1)
            if (shard.index, shard.num_shards) != (index, len(infos)):
                got = f"shard {shard.index} of {shard.num_shards}"
                raise InvalidArgumentError.of(f"addresses[{index}]", got, f"shard {index} of {len(infos)}")
        model = cls(join_schemas([info.schema for info in infos]), len(infos))
        for shard_range, info in zip(model.ranges, infos, strict=True):
            if shard_range.schema != info.schema:
                raise SchemaMismatchError.of("shards.schema", info.schema.num_bytes, f"{shard_range.num_bytes} bytes")
        return model

    def cut(self, values: Values, field: str = "values") -> list[dict[str, Array]]:
        """Return the tensors and pieces of each shard; views where the values are contiguous.

        Raises:
          SchemaMismatchError: a name, shape or element type differs from the schema, or the buffer's length.
        """
        pieces = zip(self.schema.tensors, pieces_of(self.schema, values, field), strict=True)
        filled = [(tensor.offset, piece) for tensor, piece in pieces if piece.size]
        return [
            {t.name: _part(filled, shard_range.start_byte + t.offset, t) for t in shard_range.schema.tensors}
            for shard_range in self.ranges
        ]

    def pieces(self, values: Values) -> list[list[Bytes]]:
        """Return the bytes of each shard's tensors; errors as `cut`."""
        parts = zip(self.ranges, self.cut(values), strict=True)
        return [pieces_of(shard_range.schema, part) for shard_range, part in parts]

    def bases(self, base: Parameters | None) -> list[Parameters | None]:
        """Return what each shard's service may send a difference to: its range of a version that was pulled.

        Raises:
          InvalidArgumentError: the version is not one of this model in these shards.
        """
        if base is None:
            return [None for _ in self.ranges]
        lengths = tuple(shard_range.num_bytes for shard_range in self.ranges)
        if not isinstance(base, ShardedParameters) or (base.schema, base.lengths) != (self.schema, lengths):
            raise InvalidArgumentError.of("base", base, "a version of this model, pulled from these shards with f32")
        return [
            Parameters(version, shard_range.schema, base.flat[shard_range.start_byte : shard_range.stop_byte])
            for version, shard_range in zip(base.part_versions, self.ranges, strict=True)
        ]

    def holds(self, version: ParameterVersion, index: int, part: Mapping[str, Array]) -> bool:
        """Tell whether a shard's version is its first one and has these values."""
        return version.number == 1 and version.content_hash == content_hash(self.ranges[index].schema.pack(part))

    def joined(self, parts: Sequence[Parameters]) -> ShardedParameters:
        """Return the version that the shards' versions of one number make.

        Raises:
          SchemaMismatchError: the parts are of different numbers, or of another model.
          DataLossError: a shard has parted from the first one.
        """
        flat = np.empty(self.schema.num_bytes, np.uint8)
        for index, (shard_range, part) in enumerate(zip(self.ranges, parts, strict=True)):
            if part.schema != shard_range.schema:
                raise SchemaMismatchError.of(f"shards[{index}].schema", repr(part), f"{shard_range.num_bytes} bytes")
            flat[shard_range.start_byte : shard_range.stop_byte] = part.flat
        flat.flags.writeable = False
        versions = [part.version for part in parts]
        lengths = [shard_range.num_bytes for shard_range in self.ranges]
        is_exact = all(part.is_exact for part in parts)
        return ShardedParameters(version_of_shards(versions), self.schema, flat, lengths, versions, is_exact=is_exact)


def _part(filled: Sequence[tuple[int, Bytes]], position: int, tensor: TensorSpec) -> Array:
    """Return a shard's tensor: a view of the bytes from `position` on, each whole tensor's given with its offset."""
    dtype = tensor.element_type.dtype
    if not tensor.num_bytes:
        return np.empty(tensor.shape, dtype)
    offset, piece = filled[bisect.bisect_right(filled, position, key=lambda entry: entry[0]) - 1]
    start = position - offset
    return piece[start : start + tensor.num_bytes].view(dtype).reshape(tensor.shape)
