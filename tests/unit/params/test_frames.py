"""Versions as frames: the bytes protobuf would make, made once."""

import asyncio

import numpy as np

from heronry.api.params.v1 import params_pb2 as pb
from heronry.params.core.versions import Published
from heronry.params.frames import FrameCache, manifest_frame, unchanged_frame
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion


def published(num_bytes: int, number: int = 1) -> tuple[ModelSchema, Published]:
    values = np.arange(num_bytes // 4, dtype=np.float32)
    flat = Published.of(values.view(np.uint8), ParameterVersion(1, number - 1), 0.0)
    return ModelSchema.of({"w": values}), flat


async def test_frames_are_those_of_pull_and_watch_alike() -> None:
    schema, version = published(20_000)

    manifest, *chunks = await FrameCache(1 << 20).frames("policy", schema, version)

    assert pb.PullResponse.FromString(manifest).manifest == pb.WatchResponse.FromString(manifest).manifest
    assert pb.WatchResponse.FromString(manifest).manifest.num_chunks == len(chunks) == 1
    chunk = pb.WatchResponse.FromString(chunks[0])
    assert chunk.chunk.data == version.flat.tobytes()
    assert chunk.SerializeToString() == chunks[0]


async def test_readers_that_come_at_once_share_one_cut() -> None:
    schema, version = published(3 << 20)
    cache = FrameCache(1 << 30)

    one, other = await asyncio.gather(*(cache.frames("policy", schema, version) for _ in range(2)))

    assert one is other is await cache.frames("policy", schema, version)


async def test_a_cancelled_reader_takes_nothing_from_the_others() -> None:
    schema, version = published(3 << 20)
    cache = FrameCache(1 << 30)
    gone, stays = (asyncio.create_task(cache.frames("policy", schema, version)) for _ in range(2))
    await asyncio.wait({gone}, timeout=0)

    gone.cancel()

    assert len(await stays) == 4


async def test_the_version_read_longest_ago_makes_room() -> None:
    cache = FrameCache(50_000)
    kept = [await cache.frames("policy", *published(20_000, number)) for number in (1, 2, 3)]

    assert await cache.frames("policy", *published(20_000, 3)) is kept[2]
    assert await cache.frames("policy", *published(20_000, 1)) is not kept[0]


def test_manifests_without_values_announce_no_chunks() -> None:
    schema, version = published(20_000)

    bare = pb.WatchResponse.FromString(manifest_frame(schema, version)).manifest
    unchanged = pb.PullResponse.FromString(unchanged_frame(version)).manifest

    assert (bare.num_chunks, bare.num_bytes, bare.version.number) == (0, 0, 1)
    assert unchanged.unchanged
    assert unchanged.version == bare.version
