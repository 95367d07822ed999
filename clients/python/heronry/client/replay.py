"""Client of the replay service."""

import math
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import grpc.aio
import numpy as np
import numpy.typing as npt

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.api.replay.v1 import replay_pb2_grpc as pb_grpc
from heronry.client.arguments import MAX_CREDITS, check_count, check_name
from heronry.client.batches import BatchReader
from heronry.client.priority_updates import PriorityUpdates, checked_keys, checked_updates
from heronry.client.sample_header import Tables, sample_header
from heronry.client.service_client import ServiceClient
from heronry.client.transfers import Runs, exported_runs, imported
from heronry.client.writer import Writer
from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import Batch, Imported, Run, SavedSnapshot
from heronry.types.tables import RateLimiter, TableDefinition, TableInfo
from heronry.wire.tables import rate_limiter_to_proto, table_definition_to_proto, table_info_from_proto
from heronry.wire.times import duration_from_proto

SNAPSHOT_TIMEOUT_S = 600.0


class ReplayClient(ServiceClient["pb_grpc.ReplayServiceAsyncStub"]):
    """Declares tables, appends blocks to them and samples batches; task-safe within its event loop."""

    _service = "replay"

    def _make_stub(self, channel: grpc.aio.Channel) -> "pb_grpc.ReplayServiceAsyncStub":
        return pb_grpc.ReplayServiceStub(channel)

    async def create_table(self, definition: TableDefinition) -> bool:
        """Make a table; False when an equal one was there.

        Raises:
          AlreadyExistsError: the name is taken by a table with another definition.
        """
        request = pb.CreateTableRequest(definition=table_definition_to_proto(definition))
        return (await self._call(lambda stub: stub.CreateTable, request)).created

    async def get_table(self, table: str) -> TableInfo:
        """Describe one table and say who waits for what."""
        check_name("table", table)
        response = await self._call(lambda stub: stub.GetTable, pb.GetTableRequest(table=table))
        return table_info_from_proto(response.info)

    async def list_tables(self) -> tuple[TableInfo, ...]:
        """Describe all tables, sorted by name."""
        response = await self._call(lambda stub: stub.ListTables, pb.ListTablesRequest())
        return tuple(table_info_from_proto(info) for info in response.tables)

    async def set_rate_limiter(self, table: str, rate_limiter: RateLimiter) -> TableInfo:
        """Change the limiter of a live table; its counters stay."""
        check_name("table", table)
        request = pb.SetRateLimiterRequest(table=table, rate_limiter=rate_limiter_to_proto(rate_limiter))
        return table_info_from_proto((await self._call(lambda stub: stub.SetRateLimiter, request)).info)

    async def set_priority_exponent(self, table: str, priority_exponent: float) -> TableInfo:
        """Change alpha of a live prioritised table; all weights are made anew."""
        check_name("table", table)
        is_number = isinstance(priority_exponent, (int, float)) and not isinstance(priority_exponent, bool)
        if not is_number or not 0 <= priority_exponent < math.inf:
            raise InvalidArgumentError.of("priority_exponent", priority_exponent, "at least 0, finite")
        request = pb.SetPriorityExponentRequest(table=table, priority_exponent=priority_exponent)
        return table_info_from_proto((await self._call(lambda stub: stub.SetPriorityExponent, request)).info)

    async def reset(self, table: str) -> int:
        """Drop all items and zero the counters; return how many were dropped."""
        check_name("table", table)
        return (await self._call(lambda stub: stub.ResetTable, pb.ResetTableRequest(table=table))).num_dropped

    async def delete_table(self, table: str) -> int:
        """Drop a table with all it holds, on disk too; return how many items were dropped."""
        check_name("table", table)
        return (await self._call(lambda stub: stub.DeleteTable, pb.DeleteTableRequest(table=table))).num_dropped

    async def save_snapshot(self, table: str, *, timeout_s: float = SNAPSHOT_TIMEOUT_S) -> SavedSnapshot:
        """Write a table's state while it is served; recovery starts from the newest one."""
        check_name("table", table)
        response = await self._call(lambda stub: stub.SaveSnapshot, pb.SaveSnapshotRequest(table=table), timeout_s)
        stall_s = duration_from_proto(response.stall)
        return SavedSnapshot(response.path, response.num_items, response.num_bytes, stall_s)

    def writer(
        self,
        table: str,
        *,
        columns: Sequence[ColumnSpec],
        num_lanes: int,
        writer_id: str | None = None,
        writer_epoch: int | None = None,
        block_steps: int | None = None,
    ) -> Writer:
        """Return a writer of `num_lanes` lanes, to be used as `async with`.

        A writer that starts again under its `writer_id` needs a higher `writer_epoch`; by default
        that is the time. `block_steps` bounds the steps that are collected into one block: by default
        256, and fewer where these would exceed 512 KiB.
        """
        check_name("table", table)
        if not columns:
            raise InvalidArgumentError.of("columns", [], "at least one column")
        check_count("num_lanes", num_lanes)
        if block_steps is not None:
            check_count("block_steps", block_steps)
        writer_id = writer_id or f"{self.client_id}-{secrets.token_hex(3)}"
        if writer_epoch is not None:
            check_count("writer_epoch", writer_epoch, 0)
        epoch = time.time_ns() // 1_000 if writer_epoch is None else writer_epoch
        return Writer(self._connection, table, columns, num_lanes, writer_id, epoch, block_steps)

    async def sample(
        self,
        table: Tables,
        *,
        batch_size: int,
        columns: Sequence[str] = (),
        credits: int = 4,  # noqa: A002 # the protocol's word
        independent: bool = False,
        without_replacement: bool = False,
        shared_memory: bool = True,
        timeout_s: float | None = None,
    ) -> AsyncGenerator[Batch, None]:
        """Yield batches; asking for the next one gives back the one before.

        At most `credits` batches are out of the table at a time, the one in hand included: with several
        the next ones travel while this one is used. Leaving the loop closes the stream.

        Args:
          table: its name; or several with their weights: an item comes from each with probability weight by
            sum of weights, and `tables` of the batch says which, in their order here.
          batch_size: items of a batch.
          columns: names of those wanted; empty: all.
          credits: most batches under way and in hand.
          independent: draws each item independently; otherwise a prioritised table draws one item of each of
            `batch_size` equal parts of the mass.
          without_replacement: draws no item twice in a batch; probabilities are those of the first draw.
          shared_memory: takes large batches by shared memory from a service on this machine that offers it.
          timeout_s: for how long a batch may be missing.

        Raises:
          InvalidArgumentError: names the argument that cannot be.
          DeadlineExceededError: no batch came for `timeout_s`; says what the table waits for.
        """
        reader = self.reader(
            table,
            batch_size=batch_size,
            columns=columns,
            credits=credits,
            independent=independent,
            without_replacement=without_replacement,
            shared_memory=shared_memory,
        )
        try:
            while True:
                yield await reader.next(timeout_s)
        finally:
            await reader.close()

    def reader(
        self,
        table: Tables,
        *,
        batch_size: int,
        columns: Sequence[str] = (),
        credits: int = 4,  # noqa: A002 # the protocol's word
        independent: bool = False,
        without_replacement: bool = False,
        shared_memory: bool = True,
    ) -> BatchReader:
        """Return what `sample` reads from; whoever asks closes it."""
        check_count("credits", credits, maximum=MAX_CREDITS)
        header = sample_header(
            table, batch_size, columns, independent=independent, without_replacement=without_replacement
        )
        return BatchReader(self._connection, header, credits, shares_memory=shared_memory)

    async def update_priorities(
        self, table: str, keys: npt.NDArray[np.uint64], priorities: npt.NDArray[np.floating]
    ) -> tuple[int, int]:
        """Change priorities; return how many were changed and how many keys are gone."""
        check_name("table", table)
        packed_keys, packed = checked_updates(keys, priorities)
        request = pb.UpdatePrioritiesRequest(table=table, keys=packed_keys.tobytes(), priorities=packed.tobytes())
        response = await self._call(lambda stub: stub.UpdatePriorities, request)
        return response.num_applied, response.num_ignored

    def priority_updates(self, table: str) -> PriorityUpdates:
        """Return a stream of updates, to be used as `async with`: many calls travel together."""
        check_name("table", table)
        return PriorityUpdates(self._connection, table)

    async def delete(self, table: str, keys: npt.NDArray[np.uint64]) -> tuple[int, int]:
        """Delete items; return how many were deleted and how many keys are gone."""
        check_name("table", table)
        request = pb.DeleteItemsRequest(table=table, keys=checked_keys(keys).tobytes())
        response = await self._call(lambda stub: stub.DeleteItems, request)
        return response.num_applied, response.num_ignored

    async def export(self, table: str, *, max_items: int = 0) -> AsyncGenerator[Run, None]:
        """Yield a table's items as runs of steps, oldest items first; nothing is taken out.

        Args:
          table: its name.
          max_items: the most; 0: all that are in when the call begins.
        """
        check_name("table", table)
        check_count("max_items", max_items, 0)
        with self._connection.named_errors("Export"):
            stub: pb_grpc.ReplayServiceAsyncStub = pb_grpc.ReplayServiceStub(await self._connection.bulk())
            request = pb.ExportRequest(table=table, max_items=max_items)
            async with aclosing(exported_runs(stub.Export(request, metadata=self._connection.metadata))) as runs:
                async for run in runs:
                    yield run

    async def import_runs(self, table: str, runs: Runs) -> Imported:
        """Insert runs, as an export yields them, with their items' facts but under new keys; return how many.

        The limiter counts them and never holds them back. What was inserted before a failure stays.
        """
        check_name("table", table)
        with self._connection.named_errors("Import"):
            stub: pb_grpc.ReplayServiceAsyncStub = pb_grpc.ReplayServiceStub(await self._connection.bulk())
            response = await imported(stub.Import(metadata=self._connection.metadata), table, runs)
        return Imported(response.num_items, response.num_steps)
