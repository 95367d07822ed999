"""From binding to drain."""

import asyncio
import time

import grpc
import pytest

from heronry.runtime import ServiceNode, ServiceSettings
from heronry.types.errors import UnavailableError
from heronry.wire.status import error_from_rpc

CHECK = "/grpc.health.v1.Health/Check"
SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"


async def last_of(call) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


async def test_a_service_is_bound_and_not_serving_until_it_has_started(serve) -> None:
    async with serve() as template:
        service = type(template.service)()
    service.may_start.clear()
    node = ServiceNode(service, ServiceSettings())
    starting = asyncio.create_task(node.start())
    while not node.addresses:  # noqa: ASYNC110 # the node tells nobody
        await asyncio.sleep(0.001)

    async with grpc.aio.insecure_channel(node.addresses[0]) as channel:
        assert await channel.unary_unary(CHECK)(b"", timeout=5) == NOT_SERVING
        with pytest.raises(grpc.RpcError) as caught:
            await channel.unary_unary("/heronry.api.replay.v1.ReplayService/GetTable")(b"", timeout=5)
        error = error_from_rpc(caught.value)
        assert isinstance(error, UnavailableError)
        assert error.retry_after_s is not None

        service.may_start.set()
        await starting

        assert await channel.unary_unary(CHECK)(b"", timeout=5) == SERVING
    await node.stop()
    assert service.is_stopped


async def test_a_drain_finishes_calls_in_flight_and_ends_streams_at_once(serve) -> None:
    async with serve() as running:
        slow = asyncio.ensure_future(running.get_table("slow"))
        idle = running.sample("idle")
        await idle.read()
        await running.service.replay.entered.wait()
        await asyncio.sleep(0.05)

        stopping = asyncio.create_task(running.node.stop())
        with pytest.raises(grpc.RpcError) as ended:
            await idle.read()
        running.service.replay.release.set()

        assert await slow == "slow of anonymous"
        await stopping
    assert isinstance(error_from_rpc(ended.value), UnavailableError)
    assert running.service.is_stopped


async def test_a_drain_does_not_wait_for_those_who_watch_its_health(serve) -> None:
    async with serve(drain_s=30) as running:
        watch = running.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
        assert await watch.read() == SERVING

        begun = time.perf_counter()
        await running.node.stop()

        assert time.perf_counter() - begun < 10
        with pytest.raises(grpc.RpcError):
            await last_of(watch)


async def test_a_drain_does_not_wait_longer_than_it_may_for_a_call(serve) -> None:
    async with serve(drain_s=0.5) as running:
        slow = asyncio.ensure_future(running.get_table("slow"))
        await running.service.replay.entered.wait()

        begun = time.perf_counter()
        await running.node.stop()

        assert time.perf_counter() - begun < 0.5
        with pytest.raises(grpc.RpcError):
            await slow


async def test_the_lag_of_a_blocked_loop_is_measured(serve) -> None:
    async with serve() as running:
        await asyncio.sleep(0.15)
        time.sleep(0.3)  # noqa: ASYNC251 # the blocking call that the gauge is for
        await asyncio.sleep(0.15)

        assert running.node.loop_lag.worst_s > 0.15


async def test_the_runtime_adds_one_registry_of_metrics_when_asked(serve, unused_tcp_port) -> None:
    async with serve(metrics_port=unused_tcp_port):
        reader, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
        writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
        body = await reader.read()
        writer.close()

    assert b"heronry_loop_lag_seconds" in body
    assert b"heronry_resident_bytes" in body
