"""A real parameter service in this process, and clients of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
import numpy as np
import pytest

from heronry.api.params.v1 import params_pb2 as pb
from heronry.api.params.v1 import params_pb2_grpc as pb_grpc
from heronry.client.options import ConnectionOptions
from heronry.client.params import ParamsClient
from heronry.params import ParamsSettings, build
from heronry.params.service import ParamsService
from heronry.runtime.node import ServiceNode
from heronry.types.contribution import ContributionHeader, ContributionKind
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion
from heronry.wire.chunks import cut_frames, upload_end
from heronry.wire.contributions import contribution_header_to_proto

METADATA = (("heronry-client-id", "raw"),)


def weights(value: float, num: int = 4) -> dict[str, np.ndarray]:
    return {"weight": np.full(num, value, np.float32)}


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

    def upload(self, value: float, base: ParameterVersion, **fields: object) -> list[pb.PushRequest]:
        """Return a correct upload of four floats, message by message."""
        flat = ModelSchema.of(weights(value)).pack(weights(value))
        defaults: dict[str, object] = {"request_id": "r", "kind": ContributionKind.WEIGHTS, "client_id": "raw"}
        header = ContributionHeader(model="policy", base_version=base, **{**defaults, **fields})
        opening = pb.PushRequest(header=contribution_header_to_proto(header, len(flat)))
        chunks = [pb.PushRequest.FromString(frame) for frame in cut_frames(flat, pb.PushRequest)]
        return [opening, *chunks, pb.PushRequest(end=upload_end(flat))]

    async def push_raw(self, messages: list[pb.PushRequest]) -> pb.PushResponse:
        return await self.stub.Push(iter(messages), metadata=METADATA, timeout=10)


@pytest.fixture
async def mesh(tmp_path: Path) -> AsyncIterator[Mesh]:
    settings = ParamsSettings(data_dir=tmp_path, stall_s=2.0)
    service = build(settings)
    node = ServiceNode(service, settings)
    await node.start()
    client = ParamsClient(node.addresses, ConnectionOptions(client_id="worker"))
    async with grpc.aio.insecure_channel(node.addresses[0]) as channel:
        yield Mesh(service, node, client, pb_grpc.ParamsServiceStub(channel), tmp_path)
    await client.close()
    await node.stop()
