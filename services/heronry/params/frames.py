"""Versions cut into frames, once each, for however many readers."""

import asyncio
from collections import OrderedDict

from heronry.api.params.v1 import params_pb2 as pb
from heronry.params.core.versions import Published
from heronry.types.tensors import ModelSchema
from heronry.wire.chunks import CHUNK_BYTES, cut_frames, num_chunks
from heronry.wire.schema import schema_to_proto
from heronry.wire.versions import version_to_proto

_Key = tuple[str, int, int]


class FrameCache:
    """Keeps the serialised messages of the versions read last, up to `max_bytes` of them.

    They are `PullResponse`s; a `WatchResponse` has the same fields and therefore the same bytes.
    Task-safety: one event loop; readers that come while a version is cut share the work.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._num_bytes = 0
        self._ready: OrderedDict[_Key, list[bytes]] = OrderedDict()
        self._cutting: dict[_Key, asyncio.Future[list[bytes]]] = {}

    async def frames(self, model: str, schema: ModelSchema, published: Published) -> list[bytes]:
        """Return the manifest's frame and those of the chunks."""
        key = (model, published.version.epoch, published.version.number)
        if (ready := self._ready.get(key)) is not None:
            self._ready.move_to_end(key)
            return ready
        if published.flat.nbytes <= CHUNK_BYTES:
            return self._keep(key, _cut(schema, published))
        if key not in self._cutting:
            self._cutting[key] = asyncio.ensure_future(asyncio.to_thread(_cut, schema, published))
            self._cutting[key].add_done_callback(lambda done: self._finish(key, done))
        # Shielded: a reader that goes away must not take the frames from the others.
        return await asyncio.shield(self._cutting[key])

    def clear(self) -> None:
        """Forget all frames: another run's versions may have the same names."""
        self._ready.clear()
        self._num_bytes = 0

    def _finish(self, key: _Key, done: "asyncio.Future[list[bytes]]") -> None:
        del self._cutting[key]
        if not done.cancelled() and done.exception() is None:
            self._keep(key, done.result())

    def _keep(self, key: _Key, frames: list[bytes]) -> list[bytes]:
        self._ready[key] = frames
        self._num_bytes += _size(frames)
        while self._num_bytes > self._max_bytes and self._ready:
            self._num_bytes -= _size(self._ready.popitem(last=False)[1])
        return frames


def manifest_frame(schema: ModelSchema, published: Published) -> bytes:
    """Return the frame that announces a version without its values."""
    return _serialised(_manifest(schema, published, 0))


def unchanged_frame(published: Published) -> bytes:
    """Return the frame that tells a reader that it has the newest version."""
    return _serialised(pb.Manifest(version=version_to_proto(published.version), unchanged=True))


def _cut(schema: ModelSchema, published: Published) -> list[bytes]:
    manifest = _manifest(schema, published, published.flat.nbytes)
    return [_serialised(manifest), *cut_frames(published.flat, pb.PullResponse)]


def _manifest(schema: ModelSchema, published: Published, num_bytes: int) -> pb.Manifest:
    return pb.Manifest(
        version=version_to_proto(published.version),
        schema=schema_to_proto(schema),
        codec=pb.PARAMETER_CODEC_F32,
        num_bytes=num_bytes,
        num_chunks=num_chunks(num_bytes),
    )


def _serialised(manifest: pb.Manifest) -> bytes:
    return pb.PullResponse(manifest=manifest).SerializeToString()


def _size(frames: list[bytes]) -> int:
    return sum(len(frame) for frame in frames)
