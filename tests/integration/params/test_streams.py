"""Watching versions, joining rounds, and readers that are slow or gone."""

import asyncio

import grpc.aio
import numpy as np
import pytest

from heronry.api.params.v1 import params_pb2 as pb
from heronry.client.parameters import ParametersAssembler
from heronry.types.consistency import BufferedAsynchronous
from heronry.types.errors import AbortedError, FencedError, ModelNotFoundError
from heronry.types.models import ModelSettings
from heronry.wire.status import error_from_rpc

METADATA = (("heronry-client-id", "raw"),)


def weights(value: float, num: int = 4) -> dict[str, np.ndarray]:
    return {"weight": np.full(num, value, np.float32)}


async def versions_of(stream, num_bytes: int):
    """Yield the versions of a watch as numbers and first values."""
    assembler = ParametersAssembler()
    async for message in stream:
        parameters = assembler.add(message.SerializeToString())
        if parameters is not None:
            yield parameters.version.number, float(parameters["weight"][0])


async def read_out(stream) -> None:
    async for _ in stream:
        continue


async def test_every_watcher_sees_each_new_version_at_once(mesh) -> None:
    await mesh.client.register_model("policy", weights(1.0))
    watchers = [versions_of(mesh.stub.Watch(pb.WatchRequest(model="policy", with_values=True)), 16) for _ in range(5)]

    async with asyncio.timeout(10):
        assert {await anext(w) for w in watchers} == {(1, 1.0)}
        for number in range(2, 5):
            await mesh.set_weights(float(number))
            assert {await anext(w) for w in watchers} == {(number, float(number))}


async def test_a_watcher_goes_on_after_the_version_it_has(mesh) -> None:
    await mesh.client.register_model("policy", weights(1.0))
    await mesh.set_weights(2.0)
    version = (await mesh.client.get_model("policy")).version
    position = pb.WatchRequest(model="policy", with_values=True)
    position.newer_than.epoch, position.newer_than.number = version.epoch, version.number
    watcher = versions_of(mesh.stub.Watch(position), 16)

    waiting = asyncio.create_task(anext(watcher))
    await mesh.set_weights(3.0)

    assert await asyncio.wait_for(waiting, 10) == (3, 3.0)


async def test_a_slow_reader_skips_to_the_newest_version(mesh) -> None:
    num = 1 << 20
    await mesh.client.register_model("policy", weights(1.0, num))
    slow = versions_of(mesh.stub.Watch(pb.WatchRequest(model="policy", with_values=True)), 4 * num)
    seen = [await anext(slow)]
    for number in range(2, 13):
        await mesh.set_weights(float(number), num)

    async with asyncio.timeout(10):
        while seen[-1][0] < 12:
            seen.append(await anext(slow))

    numbers = [number for number, _ in seen]
    assert numbers == sorted(set(numbers))
    assert len(numbers) < 12


async def test_a_reader_that_stops_reading_loses_its_stream_and_nobody_else_notices(mesh) -> None:
    num = 4 << 20
    await mesh.client.register_model("policy", weights(1.0, num))
    stalled = mesh.stub.Watch(pb.WatchRequest(model="policy", with_values=True))
    await anext(aiter(stalled))

    for number in range(2, 5):
        await mesh.set_weights(float(number), num)
    other = await mesh.client.pull("policy")
    async with asyncio.timeout(20):
        while not mesh.node.errors.get(("/heronry.api.params.v1.ParamsService/Watch", "AbortedError")):
            await mesh.client.list_models()
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await read_out(stalled)

    assert isinstance(error_from_rpc(error.value), AbortedError)
    assert other["weight"][0] == 4.0


async def test_a_watch_can_carry_numbers_alone(mesh) -> None:
    await mesh.client.register_model("policy", weights(1.0))
    stream = aiter(mesh.stub.Watch(pb.WatchRequest(model="policy")))

    manifests = [(await anext(stream)).manifest]
    await mesh.set_weights(2.0)
    manifests.append((await anext(stream)).manifest)

    assert [(m.version.number, m.num_chunks) for m in manifests] == [(1, 0), (2, 0)]


async def test_watching_an_unknown_model_is_refused(mesh) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await anext(aiter(mesh.stub.Watch(pb.WatchRequest(model="polisy"))))

    assert isinstance(error_from_rpc(error.value), ModelNotFoundError)


async def test_workers_with_a_lease_are_invited_to_every_round(mesh) -> None:
    await mesh.client.register_model("policy", weights(1.0), ModelSettings(consistency=BufferedAsynchronous(2)))
    granted = await mesh.stub.RegisterWorker(pb.RegisterWorkerRequest(model="policy", incarnation=1), metadata=METADATA)
    token = granted.lease.fencing_token
    join = pb.JoinRoundsRequest(model="policy", fencing_token=token)
    invitations = aiter(mesh.stub.JoinRounds(join, metadata=METADATA))

    first = await anext(invitations)
    for _ in range(2):
        await mesh.set_weights(2.0, round_id=first.round_id)
    second = await asyncio.wait_for(anext(invitations), 10)

    assert (first.round_id, first.base_version.number) == (1, 1)
    assert (second.round_id, second.base_version.number) == (2, 2)


async def test_a_lease_is_renewed_fenced_and_given_back(mesh) -> None:
    await mesh.client.register_model("policy", weights(1.0))
    granted = await mesh.stub.RegisterWorker(pb.RegisterWorkerRequest(model="policy", incarnation=1), metadata=METADATA)
    token = granted.lease.fencing_token
    renewed = await mesh.stub.Heartbeat(pb.HeartbeatRequest(model="policy", fencing_token=token), metadata=METADATA)
    await mesh.stub.UnregisterWorker(pb.UnregisterWorkerRequest(model="policy", fencing_token=token), metadata=METADATA)

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await mesh.stub.Heartbeat(pb.HeartbeatRequest(model="policy", fencing_token=token), metadata=METADATA)

    assert renewed.lease.fencing_token == token
    assert isinstance(error_from_rpc(error.value), FencedError)
