"""Versions packed and cut into frames, once each, for however many readers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from heronry.api.params.v1 import params_pb2 as pb
from heronry.native import cut_chunk
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.encoding import EXACT, Packing, encode_packed
from heronry.params.core.layout import Bytes, ParameterLayout
from heronry.params.core.versions import Published
from heronry.params.shared_versions import Offer
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion
from heronry.wire.chunks import DOWNLOAD_CHUNK_BYTES, cut_frames, num_chunks
from heronry.wire.contributions import codec_to_proto
from heronry.wire.schema import schema_to_proto
from heronry.wire.versions import version_to_proto

# Sends one message of a stream; waits while its reader is behind.
Write = Callable[[bytes], Awaitable[None]]

# Cut at a time at most, in a thread. The first reader waits for one chunk, then for twice as many each time.
_MOST_CUT: Final = 4 * DOWNLOAD_CHUNK_BYTES
# Packed and cut without a thread, which costs as much.
_INLINE_BYTES: Final = 1 << 20


class Frames:
    """The messages of one version; chunks are cut ahead of the reader that is farthest. For one event loop."""

    def __init__(self, manifest: bytes, packed: Bytes) -> None:
        """Take the manifest's frame and the bytes to cut."""
        self.manifest = manifest
        self.num_bytes = packed.nbytes
        self._num_chunks = num_chunks(packed.nbytes, DOWNLOAD_CHUNK_BYTES)
        self._chunks: list[bytes] = []
        self._cutting: asyncio.Task[None] | None = None
        self._grown = asyncio.Event()
        if packed.nbytes <= _INLINE_BYTES:
            self._chunks = _chunks_of(packed)
        else:
            self._cutting = asyncio.create_task(self._cut(packed))

    async def send(self, write: Write) -> None:
        """Write them in order, each as soon as it is there."""
        await write(self.manifest)
        for index in range(self._num_chunks):
            while len(self._chunks) <= index:
                await self._growth()
            await write(self._chunks[index])

    @property
    def has_failed(self) -> bool:
        """Whether they will never be complete: somebody must try anew."""
        return self._cutting is not None and self._cutting.done() and len(self._chunks) < self._num_chunks

    async def _growth(self) -> None:
        if self._cutting is not None and self._cutting.done():
            # It ended too early: of an error, which is the reader's now.
            self._cutting.result()
        await self._grown.wait()

    async def _cut(self, packed: Bytes) -> None:
        try:
            begin, size = 0, DOWNLOAD_CHUNK_BYTES
            while begin < packed.nbytes:
                end = begin + size
                self._add(await asyncio.to_thread(_chunks_of, packed, begin, end))
                begin, size = end, min(2 * size, _MOST_CUT)
        finally:
            self._grown.set()

    def _add(self, frames: list[bytes]) -> None:
        self._chunks += frames
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()


def _chunks_of(packed: Bytes, begin: int = 0, end: int | None = None) -> list[bytes]:
    return cut_frames(packed, pb.PullResponse, chunk_bytes=DOWNLOAD_CHUNK_BYTES, begin=begin, end=end, cut=cut_chunk)


class _Key(NamedTuple):
    """The version first: keys of one model sort by it."""

    epoch: int
    number: int
    codec: str
    base_number: int
    share: float


class FrameCache:
    """Keeps the serialised messages of each model's newest version, up to `max_bytes` of them in all.

    Those of older versions go with their readers. They are `PullResponse`s; a `WatchResponse` has the same fields
    and therefore the same bytes. Task-safety: one event loop; readers that come while a version is cut share the work.
    """

    def __init__(self, max_bytes: int, pool: BufferPool) -> None:
        self._max_bytes = max_bytes
        self._pool = pool
        self._num_bytes = 0
        self._ready: dict[tuple[str, _Key], Frames] = {}
        self._packing: dict[tuple[str, _Key], asyncio.Future[Frames]] = {}

    @property
    def num_bytes(self) -> int:
        """Bytes kept ready."""
        return self._num_bytes

    async def frames(self, model: str, layout: ParameterLayout, published: Published, packing: Packing) -> Frames:
        """Return the frames of a version.

        Raises:
          InvalidArgumentError: the codec cannot hold the values.
        """
        key = model, _key_of(published, packing)
        if (ready := self._ready.get(key)) is not None and not ready.has_failed:
            return ready
        if published.flat.nbytes <= _INLINE_BYTES:
            return self._keep(key, Frames(*_packed(layout, published, packing, self._pool)))
        if key not in self._packing:
            self._packing[key] = asyncio.ensure_future(self._frames(layout, published, packing))
            self._packing[key].add_done_callback(lambda done: self._finish(key, done))
        # Shielded: a reader that goes away must not take the frames from the others.
        return await asyncio.shield(self._packing[key])

    def outdate(self, model: str, version: ParameterVersion) -> None:
        """Forget what is older than a version that was published: who reads on keeps what it reads."""
        for key in [k for k in self._ready if k[0] == model and k[1][:2] < (version.epoch, version.number)]:
            self._drop(key)

    def drop(self, model: str) -> None:
        """Forget the frames of a model that was deleted: another may get its name."""
        for key in [k for k in self._ready if k[0] == model]:
            self._drop(key)

    def clear(self) -> None:
        """Forget all frames: another run's versions may have the same names."""
        self._ready.clear()
        self._num_bytes = 0

    async def _frames(self, layout: ParameterLayout, published: Published, packing: Packing) -> Frames:
        if packing is EXACT:
            return Frames(*_packed(layout, published, packing, self._pool))
        return Frames(*await asyncio.to_thread(_packed, layout, published, packing, self._pool))

    def _finish(self, key: tuple[str, _Key], done: "asyncio.Future[Frames]") -> None:
        del self._packing[key]
        if not done.cancelled() and done.exception() is None:
            self._keep(key, done.result())

    def _keep(self, key: tuple[str, _Key], frames: Frames) -> Frames:
        model, (epoch, number, *_) = key
        if any(k[0] == model and k[1][:2] > (epoch, number) for k in self._ready):
            return frames
        self.outdate(model, ParameterVersion(epoch, number))
        if key in self._ready:
            self._drop(key)
        self._ready[key] = frames
        self._num_bytes += frames.num_bytes
        while self._num_bytes > self._max_bytes:
            self._drop(next(iter(self._ready)))
        return frames

    def _drop(self, key: tuple[str, _Key]) -> None:
        self._num_bytes -= self._ready.pop(key).num_bytes


def manifest_frame(schema: ModelSchema, published: Published) -> bytes:
    """Return the frame that announces a version without its values."""
    return _serialised(_manifest(schema, published))


def unchanged_frame(published: Published) -> bytes:
    """Return the frame that tells a reader that it has the newest version."""
    return _serialised(pb.Manifest(version=version_to_proto(published.version), unchanged=True))


def shared_frame(schema: ModelSchema, published: Published, offer: Offer) -> bytes:
    """Return the frame that tells a reader on this machine where the version lies."""
    manifest = _manifest(schema, published)
    manifest.num_bytes = offer.num_bytes
    manifest.shared_memory.socket_path = offer.socket_path
    manifest.shared_memory.token = offer.token
    manifest.shared_memory.num_bytes = offer.num_bytes
    return _serialised(manifest)


def _packed(layout: ParameterLayout, published: Published, packing: Packing, pool: BufferPool) -> tuple[bytes, Bytes]:
    packed = encode_packed(layout, published, packing, pool)
    manifest = _manifest(layout.schema, published, packing)
    manifest.num_bytes, manifest.num_chunks = packed.nbytes, num_chunks(packed.nbytes, DOWNLOAD_CHUNK_BYTES)
    return _serialised(manifest), packed


def _manifest(schema: ModelSchema, published: Published, packing: Packing = EXACT) -> pb.Manifest:
    manifest = pb.Manifest(
        version=version_to_proto(published.version),
        schema=schema_to_proto(schema),
        codec=codec_to_proto(packing.codec),
    )
    if packing.base is not None:
        manifest.base_version.CopyFrom(version_to_proto(packing.base.version))
    return manifest


def _key_of(published: Published, packing: Packing) -> _Key:
    base_number = 0 if packing.base is None else packing.base.version.number
    version = published.version
    return _Key(version.epoch, version.number, packing.codec.value, base_number, packing.share)


def _serialised(manifest: pb.Manifest) -> bytes:
    return pb.PullResponse(manifest=manifest).SerializeToString()
