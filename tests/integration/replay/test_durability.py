"""What a killed server keeps: all that was acknowledged, each step once, none torn."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio
import numpy as np
import pytest
from zygote import Forked, Zygote

from heronry.api.common.v1 import column_pb2, version_pb2
from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.api.replay.v1 import replay_pb2_grpc
from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.durability.recovery import DurabilitySettings, RecoveryReport
from heronry.replay.durability.storage_root import StorageRoot
from heronry.types.columns import ColumnSpec
from heronry.types.experience import AcknowledgementLevel
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.wire.columns import column_spec_to_proto
from heronry.wire.tables import table_definition_to_proto

NUMBER = ColumnSpec("number", ElementType.INT64, ())
CHECK = ColumnSpec("check", ElementType.UINT32, (64,))
BLOCK_STEPS = 8
MAX_SIZE = 3000
PATIENCE_S = 20


def definition(level: AcknowledgementLevel) -> TableDefinition:
    return TableDefinition(
        "t", Selector.uniform(), Selector.fifo(), RateLimiter.of_min_size(1), MAX_SIZE, acknowledgement=level
    )


def checks(numbers: np.ndarray) -> np.ndarray:
    """Return what must stand beside each number: a step of which a part is another's shows by it."""
    mixed = numbers.astype(np.uint64)[:, None] * np.uint64(2_654_435_761) + np.arange(64, dtype=np.uint64)
    return (mixed & np.uint64(0xFFFFFFFF)).astype(np.uint32)


def block(sequence: int) -> pb.AppendRequest:
    """Return the block of a sequence: its steps carry consecutive numbers."""
    numbers = np.arange((sequence - 1) * BLOCK_STEPS, sequence * BLOCK_STEPS, dtype=np.int64)
    arrays = {NUMBER: numbers, CHECK: checks(numbers)}
    headers = [
        column_pb2.ColumnHeader(
            path=spec.path,
            element_type=column_spec_to_proto(spec).element_type,
            shape=[BLOCK_STEPS, 1, *spec.shape],
            codec=column_pb2.COLUMN_CODEC_NONE,
            byte_length=array.nbytes,
        )
        for spec, array in arrays.items()
    ]
    content = pb.AppendBlock(
        sequence=sequence,
        num_steps=BLOCK_STEPS,
        behaviour_version=version_pb2.ParameterVersion(epoch=1, number=1),
        columns=headers,
        data=[array.tobytes() for array in arrays.values()],
    )
    return pb.AppendRequest(block=content)


@dataclass
class CrashingServer:
    """A server over one folder that is killed again and again, and the one writer it has.

    Attributes:
      acknowledged: last sequence that was acknowledged to the writer.
      num_connections: times the writer got through.
    """

    zygote: Zygote
    folder: Path
    declared: TableDefinition
    snapshot_log_bytes: int = 1 << 16
    acknowledged: int = 0
    num_connections: int = 0
    num_snapshots: int = 0
    num_starts: int = 0
    _has_acknowledged: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self) -> tuple[Forked, str]:
        self.num_starts += 1
        socket = self.folder / f"{self.num_starts}.sock"
        return self.zygote.start(self.folder / "storage", socket, self.snapshot_log_bytes), f"unix:{socket}"

    async def crash(self, rng: random.Random, *, when_acknowledged: bool = False) -> None:
        """Start the server, append, save snapshots, and kill it at a random moment of all that.

        On a busy machine nothing may have been acknowledged by then; with `when_acknowledged` something was.
        """
        server, address = self.start()
        try:
            if not when_acknowledged and rng.random() < 0.2:
                # In its start: the folder is being recovered, or is not even locked.
                await asyncio.sleep(rng.uniform(0, 0.1))
                return
            async with connected(address) as stub:
                work = asyncio.create_task(self._work(stub))
                if when_acknowledged:
                    await self._until_acknowledged(work)
                await asyncio.wait([work], timeout=rng.uniform(0.02, 0.3))
                server.kill()
                # A write to a stream that has ended says so by InvalidStateError.
                with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                    await work
        finally:
            self.zygote.release(server)

    def found(self) -> tuple[np.ndarray, RecoveryReport]:
        """Recover the folder here, check that each item is whole, and return the numbers of all."""
        root = StorageRoot(self.folder / "storage" / "tables" / "crashing", ByteBudget(64 << 20), DurabilitySettings())
        try:
            opened = list(root.recover())
            assert [o.error for o in opened] in ([], [None])
            if not opened or opened[0].table is None or not opened[0].table.table.specs:
                return np.zeros(0, np.int64), RecoveryReport()
            table = opened[0].table.table
            slots = table.contents.items.used_slots()
            columns = table.store.gather(table.contents.items.windows(slots))
            numbers = columns[NUMBER.path].reshape(-1).copy()
            assert (columns[CHECK.path].reshape(-1, 64) == checks(numbers)).all()
            opened[0].table.close()
            return np.sort(numbers), opened[0].report
        finally:
            root.close()

    def check(self) -> None:
        """Check that all acknowledged steps are there but for evicted ones, once each."""
        numbers, report = self.found()
        assert report.num_dropped == 0
        total = int(numbers[-1]) + 1 if len(numbers) else 0
        assert np.array_equal(numbers, np.arange(max(0, total - self.declared.max_size), total))
        assert total >= self.acknowledged * BLOCK_STEPS

    async def _until_acknowledged(self, work: asyncio.Task[None]) -> None:
        waiting = asyncio.create_task(self._has_acknowledged.wait())
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait([work, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    async def _work(self, stub: replay_pb2_grpc.ReplayServiceStub) -> None:
        await self._create(stub)
        saving = asyncio.create_task(self._save(stub))
        try:
            await self._append(stub)
        finally:
            saving.cancel()
            await asyncio.gather(saving, return_exceptions=True)

    async def _create(self, stub: replay_pb2_grpc.ReplayServiceStub) -> None:
        request = pb.CreateTableRequest(definition=table_definition_to_proto(self.declared))
        while True:
            try:
                await stub.CreateTable(request, timeout=PATIENCE_S)
            except grpc.aio.AioRpcError as error:
                # It listens before it has recovered, and on a busy machine that is seen.
                if error.details() != "the service starts":
                    raise
                await asyncio.sleep(0.01)
            else:
                return

    async def _append(self, stub: replay_pb2_grpc.ReplayServiceStub) -> None:
        call = stub.Append()
        columns = [column_spec_to_proto(NUMBER), column_spec_to_proto(CHECK)]
        header = pb.AppendHeader(table="t", writer_id="w", writer_epoch=1, columns=columns, num_lanes=1)
        await call.write(pb.AppendRequest(header=header))
        opened = await call.read()
        assert opened.accepted_sequence >= self.acknowledged
        self.num_connections += 1
        self.acknowledged = sent = opened.accepted_sequence
        while True:
            while sent < self.acknowledged + opened.credits:
                sent += 1
                await call.write(block(sent))
            response = await call.read()
            if response is grpc.aio.EOF:
                return
            self.acknowledged = max(self.acknowledged, response.accepted_sequence)
            if self.acknowledged:
                self._has_acknowledged.set()

    async def _save(self, stub: replay_pb2_grpc.ReplayServiceStub) -> None:
        while True:
            await stub.SaveSnapshot(pb.SaveSnapshotRequest(table="t"), timeout=PATIENCE_S)
            self.num_snapshots += 1
            await asyncio.sleep(0.03)


@contextlib.asynccontextmanager
async def connected(address: str) -> AsyncIterator[replay_pb2_grpc.ReplayServiceStub]:
    # The socket appears while the server starts: try again soon.
    options = [("grpc.initial_reconnect_backoff_ms", 20), ("grpc.max_reconnect_backoff_ms", 50)]
    async with grpc.aio.insecure_channel(address, options) as channel:
        async with asyncio.timeout(PATIENCE_S):
            await channel.channel_ready()
        yield replay_pb2_grpc.ReplayServiceStub(channel)


@pytest.mark.parametrize("level", [AcknowledgementLevel.PROCESS, AcknowledgementLevel.DISK])
async def test_three_kills_lose_nothing_that_was_acknowledged(
    zygote: Zygote, tmp_path: Path, level: AcknowledgementLevel
) -> None:
    server = CrashingServer(zygote, tmp_path, definition(level))
    rng = random.Random(7)

    for kill in range(3):
        await server.crash(rng, when_acknowledged=kill == 1)
        server.check()

    assert server.acknowledged > 0


@pytest.mark.acceptance
@pytest.mark.timeout(300)
async def test_a_hundred_kills_lose_nothing_that_was_acknowledged(zygote: Zygote, tmp_path: Path) -> None:
    server = CrashingServer(zygote, tmp_path, definition(AcknowledgementLevel.PROCESS))
    rng = random.Random(11)

    for _ in range(100):
        await server.crash(rng)
        server.check()

    assert server.num_connections > 50
    assert server.num_snapshots > 100
    assert server.acknowledged * BLOCK_STEPS > 2 * MAX_SIZE
