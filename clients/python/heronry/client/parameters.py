"""One version of a model's values, and how it is put together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heronry.api.common.v1 import tensor_pb2
from heronry.api.params.v1 import params_pb2 as pb
from heronry.client.parameter_vector import VectorLayout
from heronry.client.spare_buffers import SpareBuffers
from heronry.native.chunk_frames import place_chunk
from heronry.native.parameter_packing import unpack_parameters
from heronry.types.contribution import ParameterCodec
from heronry.types.errors import DataLossError, FailedPreconditionError
from heronry.types.tensors import Array, ModelSchema, content_hash
from heronry.types.version import ParameterVersion
from heronry.wire.chunks import DOWNLOAD_CHUNK_BYTES, ChunkAssembler, chunk_tag
from heronry.wire.contributions import codec_from_proto
from heronry.wire.schema import schema_from_proto
from heronry.wire.versions import version_from_proto

Bytes = npt.NDArray[np.uint8]

_EMPTY: Bytes = np.empty(0, np.uint8)


class Parameters(Mapping[str, Array]):
    """Named tensors of one version: read-only views of one buffer.

    A version that was watched without values has a schema but no tensors.

    Attributes:
      is_exact: the values are the version's, bit for bit; False after a lossy codec.
    """

    def __init__(
        self, version: ParameterVersion, schema: ModelSchema, flat: Bytes | None, *, is_exact: bool = True
    ) -> None:
        self.version = version
        self.schema = schema
        self.flat = _EMPTY if flat is None else flat
        self.is_exact = is_exact
        self._tensors = {} if flat is None else schema.views(flat)

    @property
    def num_bytes(self) -> int:
        """Bytes of the values."""
        return self.flat.nbytes

    def verify(self) -> None:
        """Compute the content hash and compare it with the version's; its chunks were checked as they came.

        Raises:
          DataLossError: they differ.
          FailedPreconditionError: there is nothing to compare: no values, or not exactly the version's.
        """
        if not self._tensors or not self.is_exact or not self.version.content_hash:
            raise FailedPreconditionError(f"{self!r} cannot be verified; allowed: values pulled with f32")
        actual = content_hash(self.flat)
        if actual != self.version.content_hash:
            expected = self.version.content_hash.hex()
            details = {"field": "content_hash", "value": actual.hex(), "allowed": expected}
            raise DataLossError(f"content_hash: got {actual.hex()}, allowed: {expected}", details=details)

    def __getitem__(self, name: str) -> Array:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        return f"Parameters(version={self.version}, {len(self)} tensors, {self.flat.nbytes} bytes)"


@dataclass(frozen=True)
class PackedVersion:
    """A version as it travelled, complete; with `base` its PARAMETER tensors are differences to that version's."""

    version: ParameterVersion
    schema: ModelSchema
    codec: ParameterCodec
    packed: Bytes
    base: ParameterVersion | None

    @property
    def num_bytes(self) -> int:
        """Bytes as it travelled."""
        return self.packed.nbytes

    def unpacked(self, base: Parameters | None, spare: SpareBuffers) -> Parameters:
        """Return the values, added to those of `base` where they are differences, in memory of `spare`.

        Raises:
          DataLossError: they are differences to another version.
        """
        layout = VectorLayout(self.schema)
        vector = spare.take(layout.num_parameters * layout.dtype.itemsize).view(layout.dtype)
        start = unpack_parameters(self.codec, self.packed, layout.others_num_bytes, vector)
        if self.base is not None:
            vector += layout.vector(layout.split(self._held(base).flat))
        flat = layout.flat(vector, layout.split_others(self.packed[start:]))
        flat.flags.writeable = False
        return Parameters(self.version, self.schema, flat, is_exact=False)

    def _held(self, base: Parameters | None) -> Parameters:
        held = None if base is None else base.version
        if base is None or held != self.base:
            raise DataLossError(f"base_version: got differences to {self.base}, allowed: {held or 'no differences'}")
        return base


@dataclass(frozen=True)
class OfferedVersion:
    """A version that lies in memory on the service's machine."""

    version: ParameterVersion
    schema: ModelSchema
    offer: pb.SharedMemoryOffer


Received = Parameters | PackedVersion | OfferedVersion


class SchemaDecoder:
    """Decodes the schemas of manifests. Versions share theirs: decoding it again would cost more than small values.

    Any thread may ask.
    """

    def __init__(self) -> None:
        self._last: tuple[tensor_pb2.ModelSchema, ModelSchema] | None = None

    def schema(self, message: tensor_pb2.ModelSchema) -> ModelSchema:
        """Return the schema of a message, the same object for the same schema as before."""
        # Read once: another thread may put the schema of another model there meanwhile.
        last = self._last
        if last is None or last[0] != message:
            self._last = last = message, schema_from_proto(message)
        return last[1]


class ParametersAssembler:
    """Makes versions of the frames of a pull or watch: a manifest, then its chunks; not thread-safe.

    Frames are serialised `PullResponse`s; those of a watch are the same bytes.
    """

    def __init__(
        self, *, with_values: bool = True, spare: SpareBuffers | None = None, schemas: SchemaDecoder | None = None
    ) -> None:
        """Take where the memory of versions comes from, None: each has its own, and what decodes their schemas."""
        self._with_values = with_values
        self._schemas = schemas or SchemaDecoder()
        self._spare = spare or SpareBuffers()
        self._manifest: pb.Manifest | None = None
        self._chunks = ChunkAssembler(0)
        self.is_unchanged = False

    def add(self, frame: bytes) -> Received | None:
        """Take the next frame; return the version that it completes.

        Raises:
          DataLossError: a chunk that does not belong to the manifest before it, or fails its check.
        """
        manifest = self._manifest
        if manifest is not None and self._chunks.add_frame(frame, pb.PullResponse):
            return self._finish(manifest) if self._chunks.is_complete else None
        message = pb.PullResponse.FromString(frame)
        if message.HasField("manifest"):
            return self._open(message.manifest)
        if manifest is None:
            raise DataLossError("part: got a chunk, allowed: a manifest first", details={"field": "part"})
        self._chunks.add(message.chunk)
        return self._finish(manifest) if self._chunks.is_complete else None

    def _open(self, manifest: pb.Manifest) -> Received | None:
        if self._manifest is not None:
            received = f"{self._chunks.num_received} of {self._manifest.num_bytes} bytes"
            raise DataLossError(f"part: got a manifest after {received}, allowed: a chunk", details={"field": "part"})
        self.is_unchanged = manifest.unchanged
        if manifest.unchanged:
            return None
        if not self._with_values:
            return Parameters(version_from_proto(manifest.version), self._schemas.schema(manifest.schema), None)
        if manifest.HasField("shared_memory"):
            version = version_from_proto(manifest.version)
            return OfferedVersion(version, self._schemas.schema(manifest.schema), manifest.shared_memory)
        self._chunks = _assembler_into(self._spare.take(manifest.num_bytes))
        if manifest.num_bytes == 0:
            return self._finish(manifest)
        self._manifest = manifest
        return None

    def _finish(self, manifest: pb.Manifest) -> Parameters | PackedVersion:
        self._manifest = None
        version, schema, codec = (
            version_from_proto(manifest.version),
            self._schemas.schema(manifest.schema),
            codec_from_proto(manifest.codec),
        )
        if codec is ParameterCodec.F32:
            return Parameters(version, schema, self._chunks.completed())
        base = version_from_proto(manifest.base_version) if manifest.HasField("base_version") else None
        return PackedVersion(version, schema, codec, self._chunks.completed(), base)


def _assembler_into(buffer: Bytes) -> ChunkAssembler:
    tag = chunk_tag(pb.PullResponse)

    def place_frame(frame: bytes, begin: int) -> int:
        return place_chunk(frame, tag, buffer, begin, DOWNLOAD_CHUNK_BYTES)

    return ChunkAssembler(buffer.size, chunk_bytes=DOWNLOAD_CHUNK_BYTES, buffer=buffer, place_frame=place_frame)
