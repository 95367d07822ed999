"""Processes that have a service's memory and are killed."""

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from heronry.types.consistency import Asynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.models import ModelSettings
from heronry.wire.versions import version_from_proto

NUM = 1 << 18
NUM_BYTES = 4 * NUM
SETTINGS = ModelSettings(Asynchronous(max_staleness=1), num_versions_kept=2)
# Two versions kept, one held by a reader that lives, one being made, and the two last given up, ready to be used again.
MOST_MEMORIES = 6
DEADLINE_S = 30.0
PROGRAM = Path(__file__).with_name("memory_borrower.py")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs memory files")


@contextlib.asynccontextmanager
async def holding(address: str, role: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process that has memory of the service by now."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, str(PROGRAM), address, role, str(NUM))
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        # To the end of its pipes, too: they must not outlive the test.
        await process.communicate()


async def pushed(mesh, version):
    values = np.full(NUM, 1.0, np.float32).view(np.uint8)
    messages = mesh.upload_of(values, version, kind=ContributionKind.DELTA, request_id=str(version.number))
    return version_from_proto((await mesh.push_raw(messages)).version)


async def test_the_memory_of_processes_that_are_killed_comes_back_and_others_go_on(mesh) -> None:
    version = await mesh.register({"weight": np.full(NUM, 1.0, np.float32)}, SETTINGS)
    await mesh.client.pull("policy")
    await pushed(mesh, version)
    transfers = mesh.service._transfers
    loans, buffers, connections = transfers.loans, transfers.buffers, transfers._socket._connections
    read = buffers.memory_of(mesh.service._state.models.model("policy").history.newest.flat)
    address = mesh.node.addresses[0]

    async with holding(address, "reader") as reader, holding(address, "borrower") as borrower:
        kept = await mesh.client.pull("policy")
        async with asyncio.timeout(DEADLINE_S):
            # The connection that only fetched a descriptor goes when the service has seen its end.
            while (loans.num_loans, loans.num_bytes, len(connections)) != (1, NUM_BYTES, 3):
                await mesh.client.list_models()
        assert read.is_shared()
        reader.send_signal(signal.SIGKILL)
        borrower.send_signal(signal.SIGKILL)
        async with asyncio.timeout(DEADLINE_S):
            while loans.num_loans or read.is_shared() or len(connections) > 1:
                await mesh.client.list_models()

    assert loans.num_bytes == 0
    version, numbers = kept.version, []
    for _ in range(12):
        version = await pushed(mesh, version)
        newest = await mesh.client.pull("policy")
        gc.collect()
        numbers.append(buffers.num_bytes // NUM_BYTES)
    assert max(numbers) <= MOST_MEMORIES
    assert set(kept["weight"]) == {3.0}
    assert set(newest["weight"]) == {15.0}
