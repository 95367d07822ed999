"""What runs on the event loop: short calls alone, so that no stream holds up the others."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.replay.table_host import TableHost
from heronry.types.experience import AcknowledgementLevel, Block
from heronry.types.patterns import Pattern
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.version import ParameterVersion
from heronry.wire.blocks import block_to_proto

FREE = TableDefinition("t", Selector.uniform(), Selector.fifo(), RateLimiter.of_min_size(1), 100, pattern=Pattern(1, 1))


@pytest.fixture
def attempted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the core calls that were tried on the loop."""
    names: list[str] = []
    original = TableHost.attempt

    def attempt(host: TableHost, function: Callable, *args: object) -> object:
        names.append(function.__qualname__)
        return original(host, function, *args)

    monkeypatch.setattr(TableHost, "attempt", attempt)
    return names


async def filled(running, specs, table: str = "t", **changes: object) -> None:
    await running.create(replace(FREE, table=table, **changes))
    writer = await running.writer(specs=(specs["wide"],), table=table)
    block = Block(1, {"wide": np.ones((20, 1, 4096), np.float32)}, ParameterVersion(1, 1))
    await writer.call.write(pb.AppendRequest(block=block_to_proto(block)))
    await writer.accepted(1)


async def test_a_streams_first_batch_is_drawn_in_the_tables_thread_because_its_size_is_not_known(
    run, specs, attempted: list[str]
) -> None:
    running = await run()
    await filled(running, specs)

    reader = await running.reader(100, num_credits=3)
    sizes = [(await reader.batch()).columns["wide"].nbytes for _ in range(3)]

    assert sizes == [100 * 4096 * 4] * 3
    assert attempted == []


async def test_large_batches_of_several_tables_are_drawn_in_the_tables_threads(
    run, specs, attempted: list[str]
) -> None:
    running = await run()
    await filled(running, specs)
    await filled(running, specs, "u")
    shares = [pb.TableShare(table=name, weight=1.0) for name in "tu"]

    reader = await running.reader(100, num_credits=3, table="", shares=shares)
    sizes = [(await reader.batch()).columns["wide"].nbytes for _ in range(3)]

    assert sizes == [100 * 4096 * 4] * 3
    assert attempted == []


async def test_small_batches_are_drawn_on_the_loop_once_their_size_is_known(run, attempted: list[str]) -> None:
    running = await run()
    await running.create(FREE)
    writer = await running.writer()
    await writer.write(1, [1, 2, 3])
    await writer.accepted(1)
    attempted.clear()

    reader = await running.reader(2)
    for _ in range(3):
        await reader.batch()
        await reader.grant(1)

    assert "SampleSession.advance" in attempted


async def test_blocks_of_a_table_that_waits_for_the_disk_are_stored_in_its_thread(run, attempted: list[str]) -> None:
    running = await run()
    await running.create(replace(FREE, acknowledgement=AcknowledgementLevel.DISK))
    writer = await running.writer()

    for sequence in range(1, 5):
        await writer.write(sequence, [sequence])
    await writer.accepted(4)

    assert attempted == []
