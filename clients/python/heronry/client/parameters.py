"""One version of a model's values, and how it is put together."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from heronry.api.params.v1 import params_pb2 as pb
from heronry.types.errors import DataLossError
from heronry.types.tensors import Array, ModelSchema
from heronry.types.version import ParameterVersion
from heronry.wire.chunks import ChunkAssembler
from heronry.wire.schema import schema_from_proto
from heronry.wire.versions import version_from_proto

_EMPTY: npt.NDArray[np.uint8] = np.empty(0, np.uint8)


class Parameters(Mapping[str, Array]):
    """Named tensors of one version: read-only views of one buffer.

    A version that was watched without values has a schema but no tensors.
    """

    def __init__(self, version: ParameterVersion, schema: ModelSchema, flat: npt.NDArray[np.uint8] | None) -> None:
        self.version = version
        self.schema = schema
        self.flat = _EMPTY if flat is None else flat
        self._tensors = {} if flat is None else schema.views(flat)

    def __getitem__(self, name: str) -> Array:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        return f"Parameters(version={self.version}, {len(self)} tensors, {self.flat.nbytes} bytes)"


class ParametersAssembler:
    """Makes versions of the frames of a pull or watch: a manifest, then its chunks; not thread-safe.

    Frames are serialised `PullResponse`s; those of a watch are the same bytes.
    """

    def __init__(self, *, with_values: bool = True) -> None:
        self._with_values = with_values
        self._manifest: pb.Manifest | None = None
        self._chunks = ChunkAssembler(0)
        self._schema: tuple[object, ModelSchema] | None = None
        self.is_unchanged = False

    def add(self, frame: bytes) -> Parameters | None:
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

    def _open(self, manifest: pb.Manifest) -> Parameters | None:
        if self._manifest is not None:
            received = f"{self._chunks.num_received} of {self._manifest.num_bytes} bytes"
            raise DataLossError(f"part: got a manifest after {received}, allowed: a chunk", details={"field": "part"})
        self.is_unchanged = manifest.unchanged
        if manifest.unchanged:
            return None
        if not self._with_values:
            return Parameters(version_from_proto(manifest.version), self._schema_of(manifest), None)
        self._chunks = ChunkAssembler(manifest.num_bytes)
        if manifest.num_bytes == 0:
            return self._finish(manifest)
        self._manifest = manifest
        return None

    def _finish(self, manifest: pb.Manifest) -> Parameters:
        self._manifest = None
        version = version_from_proto(manifest.version)
        return Parameters(version, self._schema_of(manifest), self._chunks.finish_with_hash(version.content_hash))

    def _schema_of(self, manifest: pb.Manifest) -> ModelSchema:
        # Versions of a model share their schema: decoding it again would cost more than the values.
        if self._schema is None or self._schema[0] != manifest.schema:
            self._schema = manifest.schema, schema_from_proto(manifest.schema)
        return self._schema[1]
