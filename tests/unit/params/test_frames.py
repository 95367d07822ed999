"""Versions as frames: the bytes protobuf would make, made once."""

import asyncio

import numpy as np

from heronry.api.params.v1 import params_pb2 as pb
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.encoding import EXACT, Packing
from heronry.params.core.layout import ParameterLayout
from heronry.params.core.versions import Published
from heronry.params.frames import FrameCache, Frames, manifest_frame, unchanged_frame
from heronry.types.contribution import ParameterCodec
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion
from heronry.wire.chunks import DOWNLOAD_CHUNK_BYTES, cut_frames


def published(num_bytes: int, number: int = 1) -> tuple[ParameterLayout, Published]:
    values = np.arange(num_bytes // 4, dtype=np.float32)
    flat = Published.of(values.view(np.uint8), ParameterVersion(1, number - 1), 0.0)
    return ParameterLayout(ModelSchema.of({"w": values})), flat


async def sent(frames: Frames) -> list[bytes]:
    messages: list[bytes] = []

    async def write(message: bytes) -> None:
        messages.append(message)

    await frames.send(write)
    return messages


def cache_of(max_bytes: int) -> FrameCache:
    return FrameCache(max_bytes, BufferPool(0))


async def test_frames_are_those_of_pull_and_watch_alike() -> None:
    layout, version = published(20_000)

    frames = await cache_of(1 << 20).frames("policy", layout, version, EXACT)
    manifest, *chunks = await sent(frames)

    assert pb.PullResponse.FromString(manifest).manifest == pb.WatchResponse.FromString(manifest).manifest
    assert pb.WatchResponse.FromString(manifest).manifest.num_chunks == len(chunks) == 1
    chunk = pb.WatchResponse.FromString(chunks[0])
    assert chunk.chunk.data == version.flat.tobytes()
    assert chunk.SerializeToString() == chunks[0]


async def test_readers_that_come_at_once_share_one_cut() -> None:
    layout, version = published(3 << 20)
    cache = cache_of(1 << 30)

    one, other = await asyncio.gather(*(cache.frames("policy", layout, version, EXACT) for _ in range(2)))

    assert one is other is await cache.frames("policy", layout, version, EXACT)


async def test_a_cancelled_reader_takes_nothing_from_the_others() -> None:
    layout, version = published(3 * DOWNLOAD_CHUNK_BYTES)
    cache = cache_of(1 << 30)
    gone, stays = (asyncio.create_task(cache.frames("policy", layout, version, EXACT)) for _ in range(2))
    await asyncio.wait({gone}, timeout=0)

    gone.cancel()

    assert len(await sent(await stays)) == 4


async def test_chunks_that_are_cut_while_they_are_sent_make_up_the_version() -> None:
    layout, version = published(19 << 20)
    frames = await cache_of(1 << 30).frames("policy", layout, version, EXACT)

    one, other = await asyncio.gather(*(_read(frames) for _ in range(2)))

    assert one == other == cut_frames(version.flat, pb.PullResponse, chunk_bytes=DOWNLOAD_CHUNK_BYTES)


async def _read(frames: Frames) -> list[bytes]:
    return (await sent(frames))[1:]


async def test_only_the_newest_version_of_a_model_is_kept() -> None:
    cache = cache_of(1 << 30)
    old = await cache.frames("policy", *published(20_000, 1), EXACT)
    await cache.frames("other", *published(20_000, 1), EXACT)

    new = await cache.frames("policy", *published(20_000, 2), EXACT)
    old_again = await cache.frames("policy", *published(20_000, 1), EXACT)

    assert old_again is not old
    assert await cache.frames("policy", *published(20_000, 2), EXACT) is new
    assert cache.num_bytes == 2 * 20_000


async def test_the_bound_holds_over_all_codecs() -> None:
    cache = cache_of(25_000)
    exact = await cache.frames("policy", *published(20_000), EXACT)
    packed = await cache.frames("policy", *published(20_000), Packing(ParameterCodec.BF16))

    assert packed.num_bytes == 10_000
    assert cache.num_bytes == 10_000
    assert await cache.frames("policy", *published(20_000), EXACT) is not exact


async def test_each_codec_and_base_has_frames_of_its_own() -> None:
    cache = cache_of(1 << 30)
    _, base = published(20_000, 1)
    layout, version = published(20_000, 2)
    packings = [Packing(ParameterCodec.BF16), Packing(ParameterCodec.INT8), Packing(ParameterCodec.BF16, base)]

    frames = [await cache.frames("policy", layout, version, packing) for packing in packings]

    manifests = [pb.PullResponse.FromString(f.manifest).manifest for f in frames]
    assert [(m.codec, m.base_version.number) for m in manifests] == [
        (pb.PARAMETER_CODEC_BF16, 0),
        (pb.PARAMETER_CODEC_INT8, 0),
        (pb.PARAMETER_CODEC_BF16, 1),
    ]
    assert [m.num_bytes for m in manifests] == [f.num_bytes for f in frames] == [10_000, 20 * 4 + 5000, 10_000]


async def test_frames_of_a_deleted_model_are_forgotten() -> None:
    cache = cache_of(1 << 30)
    kept = await cache.frames("policy", *published(20_000), EXACT)

    cache.drop("policy")

    assert cache.num_bytes == 0
    assert await cache.frames("policy", *published(20_000), EXACT) is not kept


def test_manifests_without_values_announce_no_chunks() -> None:
    layout, version = published(20_000)

    bare = pb.WatchResponse.FromString(manifest_frame(layout.schema, version)).manifest
    unchanged = pb.PullResponse.FromString(unchanged_frame(version)).manifest

    assert (bare.num_chunks, bare.num_bytes, bare.version.number) == (0, 0, 1)
    assert unchanged.unchanged
    assert unchanged.version == bare.version
