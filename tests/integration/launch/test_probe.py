"""The containers' health probe against a real health service."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio

PROBE = Path(__file__).parents[3] / "docker" / "probe.py"
Status = health_pb2.HealthCheckResponse


@pytest.fixture
async def health() -> AsyncIterator[tuple[health_aio.HealthServicer, int]]:
    server = grpc.aio.server()
    servicer = health_aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield servicer, port
    await server.stop(None)


async def probe(*arguments: str) -> int:
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-S", PROBE, *arguments], capture_output=True, timeout=20, check=False
    )
    return done.returncode


async def test_a_serving_service_is_healthy(health: tuple[health_aio.HealthServicer, int]) -> None:
    servicer, port = health
    await servicer.set("", Status.SERVING)

    assert await probe(f"127.0.0.1:{port}") == 0


async def test_a_service_that_is_not_ready_is_not_healthy(health: tuple[health_aio.HealthServicer, int]) -> None:
    servicer, port = health
    await servicer.set("", Status.NOT_SERVING)

    assert await probe(f"127.0.0.1:{port}") == 1


async def test_an_unknown_service_is_not_healthy(health: tuple[health_aio.HealthServicer, int]) -> None:
    _, port = health

    assert await probe(f"127.0.0.1:{port}", "heronry.Nothing") == 1


async def test_nobody_at_the_address_is_not_healthy() -> None:
    assert await probe("127.0.0.1:1") == 1
