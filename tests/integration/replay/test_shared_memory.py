"""Batches by shared memory, from the service through the SDK."""

import asyncio
import gc
import mmap
import zlib
from collections.abc import AsyncIterator
from contextlib import aclosing, closing
from dataclasses import replace

import numpy as np
import pytest

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.client import sync
from heronry.client.replay import ReplayClient
from heronry.client.sync.loop import LoopThread
from heronry.replay import ReplaySettings
from heronry.replay.batch_transport import StreamTransport
from heronry.replay.core.batch_buffer import BatchBuffer, BatchLayout
from heronry.replay.sample_stream import serve_sample
from heronry.replay.shared_memory import SharedMemory
from heronry.replay.shared_transport import SharedTransport
from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import Batch
from heronry.types.patterns import Pattern
from heronry.types.tables import Delivery, RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

FREE = RateLimiter.of_min_size(1)
COLUMNS = (ColumnSpec("step", ElementType.INT64, ()), ColumnSpec("odd", ElementType.UINT8, (61, 83)))
PATIENCE_S = 10


def definition(table: str = "t", num_steps: int = 2) -> TableDefinition:
    return TableDefinition(table, Selector.uniform(), Selector.fifo(), FREE, 5000, pattern=Pattern(num_steps), seed=7)


async def fill(client: ReplayClient, table: str = "t", num_steps: int = 60) -> None:
    frames = np.random.default_rng(3).integers(0, 256, (num_steps, 1, 61, 83), np.uint8)
    async with client.writer(table, columns=COLUMNS, num_lanes=1, writer_id=f"w-{table}") as writer:
        await writer.append({"step": np.arange(num_steps)[:, None], "odd": frames}, ParameterVersion(1, 1))
        await writer.flush()


async def filled(run, table: TableDefinition | None = None, **settings: object):
    running = await run(**settings)
    table = table or definition()
    await running.create(table)
    await fill(running.client, table.table)
    return running


def is_shared(batch: Batch) -> bool:
    """Tell whether the arrays of a batch lie in a mapping."""
    base: object = batch.columns["odd"]
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return isinstance(base, mmap.mmap)


def checksum(batch: Batch) -> int:
    arrays = (*batch.columns.values(), batch.keys, batch.probabilities, batch.times_sampled, batch.ages)
    return zlib.crc32(b"".join(a.tobytes() for a in arrays if a is not None))


async def next_of(batches: AsyncIterator[Batch]) -> Batch:
    async with asyncio.timeout(PATIENCE_S):
        return await anext(batches)


async def until_shared(batches: AsyncIterator[Batch]) -> Batch:
    """Return the first batch that comes by shared memory; those before it came while it was being mapped."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_shared(batch := await anext(batches)):
            continue
    return batch


async def test_batches_are_those_that_come_by_the_stream(run) -> None:
    running = await run()
    seen: dict[str, list[Batch]] = {}
    for table, shared_memory in (("a", True), ("b", False)):
        await running.create(definition(table))
        await fill(running.client, table)
        batches = running.client.sample(table, batch_size=32, shared_memory=shared_memory)
        async with aclosing(batches):
            seen[table] = [await next_of(batches) for _ in range(12)]

    assert is_shared(seen["a"][-1])
    assert not any(is_shared(batch) for batch in seen["b"])
    for shared, streamed in zip(seen["a"], seen["b"], strict=True):
        for path, column in streamed.columns.items():
            np.testing.assert_array_equal(shared.columns[path], column)
            assert shared.columns[path].dtype == column.dtype
        np.testing.assert_array_equal(shared.keys, streamed.keys)
        np.testing.assert_array_equal(shared.times_sampled, streamed.times_sampled)
        assert (shared.batch_id, shared.table_size) == (streamed.batch_id, streamed.table_size)


async def test_arrays_of_a_slot_are_read_only_and_aligned(run) -> None:
    running = await filled(run)

    async with aclosing(running.client.sample("t", batch_size=32)) as batches:
        batch = await until_shared(batches)

        for array in (*batch.columns.values(), batch.keys, batch.probabilities):
            assert not array.flags.writeable
            assert array.ctypes.data % 64 == 0


async def test_a_reader_that_keeps_every_batch_never_sees_its_bytes_change(run) -> None:
    running = await filled(run)

    async with aclosing(running.client.sample("t", batch_size=32)) as batches:
        kept = [await until_shared(batches)]
        checksums = [checksum(kept[0])]
        while len(kept) < 50:
            kept.append(await next_of(batches))
            checksums.append(checksum(kept[-1]))

        assert [checksum(batch) for batch in kept] == checksums
        # As many as there are slots, and the rest by the stream.
        assert 4 <= sum(is_shared(batch) for batch in kept) <= 16
        assert not is_shared(kept[-1])
    assert [checksum(batch) for batch in kept] == checksums


async def test_slots_given_back_late_are_filled_again(run) -> None:
    running = await filled(run)

    async with aclosing(running.client.sample("t", batch_size=32)) as batches:
        kept = [await until_shared(batches)]
        while is_shared(kept[-1]):
            kept.append(await next_of(batches))
        checksums = {batch.batch_id: checksum(batch) for batch in kept[::2]}
        del kept[1::2]
        gc.collect()
        again = await until_shared(batches)

        assert again.batch_id not in checksums
        assert {batch.batch_id: checksum(batch) for batch in kept} == checksums


async def test_one_column_kept_keeps_the_whole_slot(run) -> None:
    running = await filled(run)

    async with aclosing(running.client.sample("t", batch_size=32)) as batches:
        row = (await until_shared(batches)).columns["odd"][1, 5]
        copy = row.copy()
        for _ in range(40):
            await next_of(batches)

        np.testing.assert_array_equal(row, copy)


async def test_tensors_of_a_slot_hold_it(run) -> None:
    pytest.importorskip("torch")
    running = await filled(run)

    async with aclosing(running.client.sample("t", batch_size=32)) as batches:
        tensor = (await until_shared(batches)).torch()["odd"]
        before = tensor.clone()
        for _ in range(40):
            await next_of(batches)

        assert (tensor == before).all()


async def test_a_reader_that_cannot_map_the_memory_gets_all_by_the_stream(run, monkeypatch) -> None:
    monkeypatch.setattr("heronry.client.offered_slots.attach", lambda *args: None)
    running = await filled(run)

    async with aclosing(running.client.sample("t", batch_size=32)) as batches:
        seen = [await next_of(batches) for _ in range(20)]

        assert not any(is_shared(batch) for batch in seen)
        assert running.service.shared_memory.num_bytes == 0


@pytest.mark.parametrize("settings", [{"shared_memory": False}, {"max_shared_bytes": 1 << 20}])
async def test_a_service_that_may_not_lend_so_much_uses_the_stream(run, settings: dict[str, object]) -> None:
    running = await filled(run, **settings)

    async with aclosing(running.client.sample("t", batch_size=32)) as batches:
        assert not any([is_shared(await next_of(batches)) for _ in range(20)])


async def test_small_batches_are_not_worth_it(run) -> None:
    running = await filled(run)

    async with aclosing(running.client.sample("t", batch_size=32, columns=["step"])) as batches:
        await next_of(batches)

        assert running.service.shared_memory.num_bytes == 0


async def test_a_large_batch_comes_whole(run) -> None:
    running = await filled(run, definition(num_steps=20))
    frames = np.random.default_rng(3).integers(0, 256, (60, 61, 83), np.uint8)

    async with aclosing(running.client.sample("t", batch_size=64)) as batches:
        batch = await until_shared(batches)

    assert batch.columns["odd"].shape == (20, 64, 61, 83)
    np.testing.assert_array_equal(batch.columns["odd"], frames[batch.columns["step"]])


async def test_two_readers_have_memory_of_their_own(run) -> None:
    running = await filled(run)

    async def read() -> list[tuple[int, Batch]]:
        async with aclosing(running.client.sample("t", batch_size=32)) as batches:
            await until_shared(batches)
            kept = [await next_of(batches) for _ in range(5)]
            assert all(is_shared(batch) for batch in kept)
            return [(checksum(batch), batch) for batch in kept]

    first, second = await asyncio.gather(read(), read())

    assert all(checksum(batch) == number for number, batch in (*first, *second))


async def test_the_memory_goes_back_with_its_reader(run) -> None:
    running = await filled(run)

    async with aclosing(running.client.sample("t", batch_size=32)) as batches:
        batch = await until_shared(batches)
        before = checksum(batch)
        assert running.service.shared_memory.num_bytes > 0

    async with asyncio.timeout(PATIENCE_S):
        while running.service.shared_memory.num_bytes:  # noqa: ASYNC110 # the state is seen by asking alone
            await asyncio.sleep(0.01)
    assert checksum(batch) == before


async def test_a_restart_is_mapped_anew_and_old_batches_stay(run, tmp_path) -> None:
    socket = f"unix:{tmp_path}/replay.sock"
    running = await filled(run, listen=(socket,))

    async with aclosing(running.client.sample("t", batch_size=32)) as batches:
        old = [await until_shared(batches)]
        old += [await next_of(batches) for _ in range(3)]
        before = [checksum(batch) for batch in old]
        await running.node.stop()
        again = await filled(run, listen=(socket,))
        # What had come before it stopped is taken first.
        while (await next_of(batches)).batch_id > 3:
            continue
        new = await until_shared(batches)

        assert [checksum(batch) for batch in old] == before
        assert new.table_size == 59
    await again.client.close()


async def test_the_blocking_client_gives_slots_back_from_its_own_thread(run) -> None:
    running = await filled(run)

    def read(address: str) -> tuple[list[bool], list[int], list[int]]:
        loop = LoopThread()

        async def make() -> ReplayClient:
            return ReplayClient(address)

        client = loop.run(make())
        with closing(sync.ReplayClient.of(client, loop).sample("t", batch_size=32)) as batches:
            while not is_shared(next(batches)):
                continue
            by_memory = [is_shared(next(batches)) for _ in range(60)]
            kept = [next(batches) for _ in range(3)]
            before = [checksum(batch) for batch in kept]
        loop.run(client.close())
        loop.close()
        # Slots that are given back now have no loop to tell it on.
        return by_memory, before, [checksum(batch) for batch in kept]

    by_memory, before, after = await asyncio.to_thread(read, running.node.addresses[0])

    # More than there are slots: they came back.
    assert sum(by_memory) > 16
    assert before == after


LAYOUT = BatchLayout((ColumnSpec("x", ElementType.FLOAT32, (4, 1 << 16)),), (), 4)


def sealed(transport: SharedTransport) -> BatchBuffer:
    buffer = transport.new_buffer(LAYOUT)
    buffer.seal(1, 1)
    return buffer


@pytest.fixture
async def memory() -> AsyncIterator[SharedMemory]:
    lent = SharedMemory(64 << 20)
    yield lent
    await lent.close()


async def test_memory_is_offered_once_before_the_first_batch(memory: SharedMemory) -> None:
    transport = SharedTransport(StreamTransport(), memory)

    first = list(transport.messages(sealed(transport)))
    second = list(transport.messages(sealed(transport)))

    kinds = [pb.SampleResponse.FromString(message).WhichOneof("part") for message in (*first, *second)]
    assert kinds == ["shared_memory", "batch", "batch"]


async def test_a_reader_gives_back_what_it_was_sent_and_nothing_else(memory: SharedMemory) -> None:
    transport = SharedTransport(StreamTransport(), memory)
    with pytest.raises(InvalidArgumentError, match="attached"):
        transport.attached(is_attached=True)
    list(transport.messages(sealed(transport)))
    transport.attached(is_attached=True)
    with pytest.raises(InvalidArgumentError, match="attached"):
        transport.attached(is_attached=True)

    buffer = sealed(transport)
    with pytest.raises(InvalidArgumentError, match=r"release\.slots: got 0"):
        transport.release([0])
    (message,) = transport.messages(buffer)
    slot = pb.SampleResponse.FromString(message).batch.slot
    transport.release([slot])
    with pytest.raises(InvalidArgumentError, match=r"release\.slots"):
        transport.release([slot])

    assert transport.new_buffer(LAYOUT) is buffer
    transport.close()
    assert memory.num_bytes == 0


async def test_no_more_is_lent_than_may_be(memory: SharedMemory) -> None:
    loans = [memory.lend(1 << 20) for _ in range(5)]

    assert [loan and loan.slots.num_slots for loan in loans] == [16, 16, 16, 16, None]
    assert memory.num_bytes == 64 << 20
    memory.take_back(loans[0])
    assert memory.lend(1 << 20) is not None
    for loan in loans[1:4]:
        memory.take_back(loan)


async def test_a_call_that_is_cancelled_twice_gives_memory_and_leases_back(run) -> None:
    table = replace(definition(), delivery=Delivery.AT_LEAST_ONCE, max_times_sampled=1)
    running = await filled(run, table)
    sent: list[bytes] = []
    has_batch = asyncio.Event()

    async def requests() -> AsyncIterator[pb.SampleRequest]:
        yield pb.SampleRequest(header=pb.SampleHeader(table="t", batch_size=32, accept_shared_memory=True))
        yield pb.SampleRequest(credits=pb.SampleCredits(num_batches=1))
        await asyncio.Event().wait()

    async def send(message: bytes) -> None:
        sent.append(message)
        if pb.SampleResponse.FromString(message).WhichOneof("part") == "batch":
            has_batch.set()

    service, settings = running.service, ReplaySettings(instance="replay-0")
    call = asyncio.ensure_future(serve_sample(requests(), send, service.hosts, settings, service.shared_memory))
    await asyncio.wait_for(has_batch.wait(), PATIENCE_S)
    assert service.shared_memory.num_bytes > 0
    assert (await running.info()).num_items == 59 - 32
    call.cancel()
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call], timeout=PATIENCE_S)

    assert service.shared_memory.num_bytes == 0
    await running.until(lambda info: info.num_items == 59)
