"""What a killed server keeps of tables that are written, sampled, updated and deleted from at once."""

import asyncio
import contextlib
import itertools
import random
import re
import resource
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio
import numpy as np
import pytest
from zygote import Zygote

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.api.replay.v1 import replay_pb2_grpc
from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.table import Table
from heronry.replay.durability.recovery import DurabilitySettings
from heronry.replay.durability.storage_root import StorageRoot
from heronry.types.columns import ColumnSpec
from heronry.types.errors import HeronryError, ResourceExhaustedError
from heronry.types.experience import AcknowledgementLevel, Batch, Block
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion
from heronry.wire.batches import BatchAssembler
from heronry.wire.blocks import block_to_proto
from heronry.wire.columns import column_spec_to_proto
from heronry.wire.status import error_from_rpc
from heronry.wire.tables import table_definition_to_proto

NUMBER = ColumnSpec("number", ElementType.INT64, ())
CHECK = ColumnSpec("check", ElementType.UINT32, (64,))
BLOCK_STEPS = 8
BATCH_SIZE = 16
PATIENCE_S = 20
# The log takes thousands of blocks to fill: a machine that does much else needs its time.
LONG_PATIENCE_S = 90.0
PRIORITIES = (0.25, 1.0, 3.0)
MAX_BYTES = 64 << 20
WRITERS = ("a", "b")
LEVELS = AcknowledgementLevel


def definitions(level: AcknowledgementLevel) -> list[TableDefinition]:
    """Return tables that differ in who is evicted, how often items are served, and how steps are stored."""
    free, uniform = RateLimiter.of_min_size(1), Selector.uniform()
    shared = {"acknowledgement": level, "columns": (NUMBER, CHECK)}
    return [
        TableDefinition("kept", uniform, Selector.fifo(), free, 200_000, **shared),
        TableDefinition("by chance", Selector.prioritized(0.6), uniform, free, 300, **shared),
        TableDefinition("by weight", uniform, Selector.prioritized(1.0), free, 300, spill=True, **shared),
        TableDefinition("used up", uniform, Selector.min_heap(), free, 500, 2, compressed_columns=("check",), **shared),
    ]


def checks(numbers: np.ndarray) -> np.ndarray:
    """Return what must stand beside each number: a step of which a part is another's shows by it."""
    return ((numbers[..., None] * 2_654_435_761 + np.arange(64)) & 0xFFFFFFFF).astype(np.uint32)


def block(writer: int, sequence: int) -> pb.AppendRequest:
    """Return the block of a writer's sequence: no step of any writer has the number of another one."""
    numbers = np.arange((sequence - 1) * BLOCK_STEPS, sequence * BLOCK_STEPS)[:, None] * len(WRITERS) + writer
    columns = {NUMBER.path: numbers, CHECK.path: checks(numbers)}
    return pb.AppendRequest(block=block_to_proto(Block(sequence, columns, ParameterVersion(1, sequence))))


@dataclass
class Promised:
    """What the clients of one table know.

    Attributes:
      acknowledged: last sequence of each writer.
      deleting: numbers of items whose deletion was asked for.
      deleted: those of them whose deletion was acknowledged.
    """

    declared: TableDefinition
    acknowledged: list[int] = field(default_factory=lambda: [0] * len(WRITERS))
    deleting: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)
    num_sampled: int = 0

    async def work(self, stub: replay_pb2_grpc.ReplayServiceStub, rng: random.Random) -> None:
        await self.create(stub)
        async with asyncio.TaskGroup() as group:
            for writer in range(len(WRITERS)):
                group.create_task(self.append(stub, writer))
            group.create_task(self.sample(stub, rng))
            if rng.random() < 0.5:
                group.create_task(self._save(stub, rng))

    async def create(self, stub: replay_pb2_grpc.ReplayServiceStub) -> None:
        request = pb.CreateTableRequest(definition=table_definition_to_proto(self.declared))
        while True:
            try:
                await stub.CreateTable(request, timeout=PATIENCE_S)
            except grpc.aio.AioRpcError as error:
                if error.details() != "the service starts":
                    raise
                await asyncio.sleep(0.01)
            else:
                return

    def check(self, table: Table) -> None:
        """Check a recovered table against what was promised."""
        items, limiter = table.contents.items, table.contents.limiter
        slots = items.used_slots()
        columns = table.store.gather(items.windows(slots))
        numbers = columns[NUMBER.path].reshape(-1)
        assert (columns[CHECK.path].reshape(-1, 64) == checks(numbers)).all()
        found = set(numbers.tolist())
        assert len(found) == len(slots) == table.num_items == limiter.num_inserts - limiter.num_deletes
        assert len(slots) <= self.declared.max_size
        assert not found & self.deleted
        assert set(items.priorities[slots].tolist()) <= {*PRIORITIES}
        times = self.declared.max_times_sampled
        assert not times or (items.times_sampled[slots] < times).all()
        accepted = self._check_writers(table)
        assert limiter.num_inserts >= BLOCK_STEPS * sum(accepted)
        if not times and self.declared.max_size > limiter.num_inserts:
            promised = {n * len(WRITERS) + w for w, last in enumerate(accepted) for n in range(last * BLOCK_STEPS)}
            assert promised - found <= self.deleting

    def _check_writers(self, table: Table) -> list[int]:
        known = {writer.writer_id: writer.accepted or 0 for writer in table.contents.writers}
        accepted = [known.get(writer_id, 0) for writer_id in WRITERS]
        assert all(a >= b for a, b in zip(accepted, self.acknowledged, strict=True)), (accepted, self.acknowledged)
        return accepted

    async def append(self, stub: replay_pb2_grpc.ReplayServiceStub, writer: int) -> None:
        call = stub.Append()
        columns = [column_spec_to_proto(NUMBER), column_spec_to_proto(CHECK)]
        header = pb.AppendHeader(
            table=self.declared.table, writer_id=WRITERS[writer], writer_epoch=1, columns=columns, num_lanes=1
        )
        await call.write(pb.AppendRequest(header=header))
        opened = await call.read()
        assert opened.accepted_sequence >= self.acknowledged[writer]
        sent = self.acknowledged[writer] = opened.accepted_sequence
        while True:
            while sent < self.acknowledged[writer] + opened.credits:
                sent += 1
                await _send(call, block(writer, sent))
            response = await call.read()
            if response is grpc.aio.EOF:
                return
            self.acknowledged[writer] = max(self.acknowledged[writer], response.accepted_sequence)

    async def sample(
        self, stub: replay_pb2_grpc.ReplayServiceStub, rng: random.Random | None, num_batches: int | None = None
    ) -> None:
        call, assembler = stub.Sample(), BatchAssembler()
        header = pb.SampleHeader(table=self.declared.table, batch_size=BATCH_SIZE)
        await call.write(pb.SampleRequest(header=header))
        for _ in itertools.count() if num_batches is None else range(num_batches):
            await call.write(pb.SampleRequest(credits=pb.SampleCredits(num_batches=1)))
            batch = None
            while not isinstance(batch, Batch):
                response = await call.read()
                if response is grpc.aio.EOF:
                    return
                batch = assembler.add(response)
            self.num_sampled += len(batch.keys)
            if rng is not None:
                await self._update(stub, batch, rng)

    async def _update(self, stub: replay_pb2_grpc.ReplayServiceStub, batch: Batch, rng: random.Random) -> None:
        table, keys = self.declared.table, batch.keys
        priorities = np.array(rng.choices(PRIORITIES, k=len(keys)))
        update = pb.UpdatePrioritiesRequest(table=table, keys=keys.tobytes(), priorities=priorities.tobytes())
        await stub.UpdatePriorities(update, timeout=PATIENCE_S)
        if rng.random() < 0.5:
            numbers = set(batch.columns[NUMBER.path].reshape(-1)[:4].tolist())
            self.deleting |= numbers
            await stub.DeleteItems(pb.DeleteItemsRequest(table=table, keys=keys[:4].tobytes()), timeout=PATIENCE_S)
            self.deleted |= numbers

    async def _save(self, stub: replay_pb2_grpc.ReplayServiceStub, rng: random.Random) -> None:
        while True:
            await stub.SaveSnapshot(pb.SaveSnapshotRequest(table=self.declared.table), timeout=PATIENCE_S)
            await asyncio.sleep(rng.uniform(0, 0.05))


class Crashes:
    """A server over one folder that is killed again and again, and the clients of its tables."""

    def __init__(self, zygote: Zygote, folder: Path, level: AcknowledgementLevel, seed: int) -> None:
        self._zygote = zygote
        self._folder = folder
        self._rng = random.Random(seed)
        self._num_starts = 0
        self.tables = [Promised(declared) for declared in definitions(level)]

    async def crash(self) -> None:
        """Serve, let the clients of some tables work, kill the server, and check what is in its folder."""
        self._num_starts += 1
        socket = self._folder / f"{self._num_starts}.sock"
        log_bytes = self._rng.choice([1 << 16, 1 << 20])
        server = self._zygote.start(self._folder / "storage", socket, log_bytes)
        try:
            async with _connected(f"unix:{socket}") as stub:
                at_work = self._rng.sample(self.tables, self._rng.randint(1, 3))
                work = [asyncio.create_task(table.work(stub, self._rng)) for table in at_work]
                done, _ = await asyncio.wait(work, timeout=self._rng.uniform(0.05, 0.4))
                assert not done, [task.exception() for task in done]
                server.kill()
                for ended in await asyncio.gather(*work, return_exceptions=True):
                    _check_lost(ended)
        finally:
            self._zygote.release(server)
        self._check()

    def _check(self) -> None:
        root = StorageRoot(
            self._folder / "storage" / "tables" / "crashing", ByteBudget(MAX_BYTES), DurabilitySettings()
        )
        try:
            by_name = {found.name: found for found in root.recover()}
            for promised in self.tables:
                found = by_name.get(promised.declared.table)
                if found is None:
                    assert promised.acknowledged == [0] * len(WRITERS)
                    continue
                assert found.error is None
                assert found.table is not None
                assert found.report.num_dropped == 0
                promised.check(found.table.table)
                found.table.close()
        finally:
            root.close()


async def _send(call: grpc.aio.StreamStreamCall, request: pb.AppendRequest) -> None:
    """Write to a stream; where the server has ended it meanwhile, raise the reason, which only reading tells."""
    try:
        await call.write(request)
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        while await call.read() is not grpc.aio.EOF:
            continue
        raise


def _check_lost(ended: object) -> None:
    """Check that work ended by losing the server: a write to a stream that has ended says so by InvalidStateError."""
    if isinstance(ended, BaseExceptionGroup):
        _, others = ended.split((grpc.aio.AioRpcError, asyncio.InvalidStateError))
        assert others is None, others
    elif ended is not None:
        assert isinstance(ended, grpc.aio.AioRpcError | asyncio.InvalidStateError), ended


async def _refusal_of_append(promised: Promised, stub: replay_pb2_grpc.ReplayServiceStub) -> HeronryError:
    """Append until the server says why it takes no more."""
    while True:
        try:
            await promised.append(stub, 0)
        except asyncio.InvalidStateError:
            continue
        except grpc.aio.AioRpcError as error:
            if not _met_an_ended_stream(error):
                return error_from_rpc(error)


async def _append_when_there_is_room(promised: Promised, stub: replay_pb2_grpc.ReplayServiceStub) -> None:
    while True:
        try:
            await promised.append(stub, 0)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
            if not _met_an_ended_stream(error) and not _was_refused_for_room(error):
                raise
            await asyncio.sleep(0.05)


def _was_refused_for_room(error: Exception) -> bool:
    return isinstance(error, grpc.aio.AioRpcError) and error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def _met_an_ended_stream(error: Exception) -> bool:
    # A write that finds the stream ended by the server says no more than this, by the one or the other error as the
    # end is known to the channel only or to the call too; the next attempt meets the reason
    # (https://github.com/grpc/grpc/issues/36066).
    if isinstance(error, asyncio.InvalidStateError):
        return True
    return (
        isinstance(error, grpc.aio.AioRpcError)
        and error.code() is grpc.StatusCode.INTERNAL
        and "Internal error from Core" in str(error.details())
    )


@contextlib.asynccontextmanager
async def _connected(address: str) -> AsyncIterator[replay_pb2_grpc.ReplayServiceStub]:
    # The socket appears while the server starts: try again soon.
    options = [("grpc.initial_reconnect_backoff_ms", 20), ("grpc.max_reconnect_backoff_ms", 50)]
    async with grpc.aio.insecure_channel(address, options) as channel:
        async with asyncio.timeout(PATIENCE_S):
            await channel.channel_ready()
        yield replay_pb2_grpc.ReplayServiceStub(channel)


@pytest.mark.parametrize("level", [LEVELS.PROCESS, LEVELS.DISK])
async def test_two_kills_keep_every_promise_to_writers_and_deleters(
    zygote: Zygote, tmp_path: Path, level: AcknowledgementLevel
) -> None:
    crashes = Crashes(zygote, tmp_path, level, seed=3)

    for _ in range(2):
        await crashes.crash()


@pytest.mark.timeout(240)
async def test_a_server_without_room_refuses_inserts_by_name_samples_and_takes_them_again(
    zygote: Zygote, tmp_path: Path
) -> None:
    declared = definitions(LEVELS.PROCESS)[0]
    socket, promised = tmp_path / "s.sock", Promised(declared)
    # No snapshot would begin a new segment of the log before the file is too large.
    server = zygote.start(tmp_path / "storage", socket, 1 << 30)
    try:
        async with _connected(f"unix:{socket}") as stub:
            await promised.create(stub)
            # Files that grow beyond this fail as they do on a full disk.
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
            async with asyncio.timeout(LONG_PATIENCE_S):
                refusal = await _refusal_of_append(promised, stub)
            assert isinstance(refusal, ResourceExhaustedError)
            assert re.search(r"disk full: \d+ bytes for step columns|the log.*: no space is left", refusal.message)
            num_before = promised.acknowledged[0]
            assert num_before > 0

            sampling = asyncio.create_task(promised.sample(stub, None, num_batches=3))
            await asyncio.wait_for(sampling, PATIENCE_S)
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            appending = asyncio.create_task(_append_when_there_is_room(promised, stub))
            async with asyncio.timeout(LONG_PATIENCE_S):
                while promised.acknowledged[0] < num_before + 20:
                    await asyncio.wait({appending}, timeout=0.01)
                    assert not appending.done(), appending.exception()
            server.kill()
            _check_lost((await asyncio.gather(appending, return_exceptions=True))[0])
    finally:
        zygote.release(server)

    root = StorageRoot(tmp_path / "storage" / "tables" / "crashing", ByteBudget(MAX_BYTES), DurabilitySettings())
    (found,) = root.recover()
    assert found.table is not None
    promised.check(found.table.table)
    found.table.close()
    root.close()


@pytest.mark.acceptance
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("level", "num_kills"), [(LEVELS.PROCESS, 60), (LEVELS.DISK, 40)])
async def test_many_kills_keep_every_promise_to_writers_and_deleters(
    zygote: Zygote, tmp_path: Path, level: AcknowledgementLevel, num_kills: int
) -> None:
    crashes = Crashes(zygote, tmp_path, level, seed=11)

    for _ in range(num_kills):
        await crashes.crash()

    for table in crashes.tables:
        assert min(table.acknowledged) > 0
        assert table.num_sampled > 0
        assert table.deleted
