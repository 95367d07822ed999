"""A real parameter service in this process, and clients of it."""

import asyncio
import contextlib
import mmap
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
import numpy as np
import pytest
from model_shards import NUM_SHARDS, Shards

from heronry.api.params.v1 import params_pb2 as pb
from heronry.api.params.v1 import params_pb2_grpc as pb_grpc
from heronry.client.options import ConnectionOptions
from heronry.client.params import ParamsClient
from heronry.params import ParamsSettings, build
from heronry.params.service import ParamsService
from heronry.runtime.node import ServiceNode
from heronry.types.contribution import ContributionHeader, ContributionKind
from heronry.types.errors import HeronryError
from heronry.types.models import ModelSettings
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion
from heronry.wire.chunks import DOWNLOAD_CHUNK_BYTES, ChunkAssembler, cut_frames, upload_end
from heronry.wire.contributions import contribution_header_to_proto
from heronry.wire.model_settings import settings_to_proto
from heronry.wire.schema import schema_to_proto
from heronry.wire.status import error_from_rpc
from heronry.wire.versions import version_from_proto

METADATA = (("heronry-client-id", "raw"),)


def weights(value: float, num: int = 4) -> dict[str, np.ndarray]:
    return {"weight": np.full(num, value, np.float32)}


def _fetched(offer: pb.SharedMemoryOffer) -> int | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(10)
        peer.connect(offer.socket_path)
        peer.sendall(offer.token)
        _, descriptors, _, _ = socket.recv_fds(peer, 1, 1)
    return descriptors[0] if descriptors else None


@dataclass
class Pulled:
    """A version as it came: its manifest and its packed bytes."""

    manifest: pb.Manifest
    packed: np.ndarray

    @property
    def values(self) -> np.ndarray:
        return self.packed.view(np.float32)


@dataclass
class Mesh:
    """The service, the SDK's client and a bare stub beside it."""

    service: ParamsService
    node: ServiceNode
    client: ParamsClient
    stub: "pb_grpc.ParamsServiceAsyncStub"
    data_dir: Path

    async def set_weights(self, value: float, num: int = 4, **fields: object):
        base = fields.pop("base_version", None) or (await self.client.get_model("policy")).version
        values = weights(value, num)
        return await self.client.push("policy", values, base_version=base, kind=ContributionKind.WEIGHTS, **fields)

    async def register(
        self, tensors: dict[str, np.ndarray], settings: ModelSettings | None = None, roles: object = None
    ) -> ParameterVersion:
        """Register `policy` by bare messages."""
        schema = ModelSchema.of(tensors, roles)
        flat = schema.pack(tensors)
        header = pb.RegisterModelHeader(
            model="policy",
            schema=schema_to_proto(schema),
            settings=settings_to_proto(settings or ModelSettings()),
            request_id="register",
        )
        frames = [pb.RegisterModelRequest.FromString(frame) for frame in cut_frames(flat, pb.RegisterModelRequest)]
        end = pb.RegisterModelRequest(end=upload_end(flat))
        messages = [pb.RegisterModelRequest(header=header), *frames, end]
        return version_from_proto((await self.stub.RegisterModel(iter(messages), metadata=METADATA)).version)

    def upload(self, value: float, base: ParameterVersion, **fields: object) -> list[pb.PushRequest]:
        """Return a correct upload of four floats, message by message."""
        return self.upload_of(ModelSchema.of(weights(value)).pack(weights(value)), base, **fields)

    def upload_of(self, packed: bytes | np.ndarray, base: ParameterVersion, **fields: object) -> list[pb.PushRequest]:
        """Return a correct upload of packed bytes, message by message."""
        chunks = [pb.PushRequest.FromString(frame) for frame in cut_frames(packed, pb.PushRequest)]
        return [self.opening(len(packed), base, **fields), *chunks, pb.PushRequest(end=upload_end(packed))]

    def opening(self, num_bytes: int, base: ParameterVersion, **fields: object) -> pb.PushRequest:
        """Return the first message of an upload."""
        defaults: dict[str, object] = {"request_id": "r", "kind": ContributionKind.WEIGHTS, "client_id": "raw"}
        header = ContributionHeader(model="policy", base_version=base, **{**defaults, **fields})
        return pb.PushRequest(header=contribution_header_to_proto(header, num_bytes))

    async def push_raw(self, messages: Iterable[pb.PushRequest], client_id: str = "raw") -> pb.PushResponse:
        return await self.stub.Push(iter(messages), metadata=(("heronry-client-id", client_id),), timeout=20)

    async def pull_raw(self, client_id: str = "raw", **fields: object) -> Pulled:
        """Pull a version by bare messages; no bytes follow an offer or `unchanged`."""
        request = pb.PullRequest(model="policy", **fields)
        stream = aiter(self.stub.Pull(request, metadata=(("heronry-client-id", client_id),), timeout=20))
        manifest = (await anext(stream)).manifest
        num_bytes = manifest.num_bytes if manifest.num_chunks else 0
        assembler = ChunkAssembler(num_bytes, chunk_bytes=DOWNLOAD_CHUNK_BYTES)
        async for message in stream:
            assembler.add(message.chunk)
        return Pulled(manifest, assembler.completed())

    async def mapped(self, offer: pb.SharedMemoryOffer, *, is_writable: bool = False) -> np.ndarray | None:
        """Return the memory under an offer as an array, which alone keeps it; None when the token gets nothing."""
        descriptor = await asyncio.to_thread(_fetched, offer)
        if descriptor is None:
            return None
        access = mmap.PROT_READ | (mmap.PROT_WRITE if is_writable else 0)
        memory = mmap.mmap(descriptor, offer.num_bytes, prot=access)
        os.close(descriptor)
        return np.frombuffer(memory, np.uint8)

    @staticmethod
    async def refusal(call: Awaitable[object]) -> HeronryError:
        """Return the named error that a call ends with."""
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await call
        return error_from_rpc(error.value)


@contextlib.asynccontextmanager
async def running(data_dir: Path, **fields: object) -> AsyncIterator[Mesh]:
    """Serve with settings of one's own."""
    settings = ParamsSettings(data_dir=data_dir, **{"stall_s": 2.0, **fields})
    service = build(settings)
    node = ServiceNode(service, settings)
    await node.start()
    client = ParamsClient(node.addresses, ConnectionOptions(client_id="worker"))
    try:
        async with grpc.aio.insecure_channel(node.addresses[0]) as channel:
            yield Mesh(service, node, client, pb_grpc.ParamsServiceStub(channel), data_dir)
    finally:
        await client.close()
        await node.stop()


@pytest.fixture
async def mesh(tmp_path: Path) -> AsyncIterator[Mesh]:
    async with running(tmp_path) as started:
        yield started


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Mesh]]]:
    """Return what serves with settings of one's own."""
    async with contextlib.AsyncExitStack() as stack:
        yield lambda **fields: stack.enter_async_context(running(tmp_path, **fields))


@pytest.fixture
async def make_shards(tmp_path: Path) -> AsyncIterator[Callable[..., object]]:
    made: list[Shards] = []

    async def make(**settings: object) -> Shards:
        shards = Shards(tmp_path, **settings)
        made.append(shards)
        for index in range(NUM_SHARDS):
            await shards.start(index)
        return shards

    yield make
    for shards in made:
        await shards.close()


@pytest.fixture
async def shards(make_shards) -> Shards:
    return await make_shards()
