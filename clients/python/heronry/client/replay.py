"""Client of the replay service."""

import secrets
import time
from collections.abc import AsyncGenerator, Sequence

import grpc.aio
import numpy as np
import numpy.typing as npt

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.api.replay.v1 import replay_pb2_grpc as pb_grpc
from heronry.client.arguments import check_count, check_name
from heronry.client.batches import BatchReader
from heronry.client.service_client import ServiceClient
from heronry.client.writer import Writer
from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import Batch
from heronry.types.tables import RateLimiter, TableDefinition, TableInfo
from heronry.wire.tables import rate_limiter_to_proto, table_definition_to_proto, table_info_from_proto

_KEY = np.dtype("<u8")
_PRIORITY = np.dtype("<f8")


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

    async def reset(self, table: str) -> int:
        """Drop all items and zero the counters; return how many were dropped."""
        check_name("table", table)
        return (await self._call(lambda stub: stub.ResetTable, pb.ResetTableRequest(table=table))).num_dropped

    def writer(
        self,
        table: str,
        *,
        columns: Sequence[ColumnSpec],
        num_lanes: int,
        writer_id: str | None = None,
        writer_epoch: int | None = None,
    ) -> Writer:
        """Return a writer of `num_lanes` lanes, to be used as `async with`.

        A writer that starts again under its `writer_id` needs a higher `writer_epoch`; by default
        that is the time.
        """
        check_name("table", table)
        if not columns:
            raise InvalidArgumentError.of("columns", [], "at least one column")
        check_count("num_lanes", num_lanes)
        writer_id = writer_id or f"{self.client_id}-{secrets.token_hex(3)}"
        epoch = time.time_ns() // 1_000 if writer_epoch is None else writer_epoch
        return Writer(self._connection, table, columns, num_lanes, writer_id, epoch)

    async def sample(
        self,
        table: str,
        *,
        batch_size: int,
        columns: Sequence[str] = (),
        credits: int = 2,  # noqa: A002 # the protocol's word
        timeout_s: float | None = None,
    ) -> AsyncGenerator[Batch, None]:
        """Yield batches; asking for the next one acknowledges the one before.

        At most `credits` batches are out of the table at a time, the one in hand included: with two
        the next one travels while this one is used. Leaving the loop closes the stream.

        Raises:
          DeadlineExceededError: no batch came for `timeout_s`; says what the table waits for.
        """
        check_name("table", table)
        check_count("batch_size", batch_size)
        check_count("credits", credits)
        reader = BatchReader(self._connection, table, batch_size, columns, credits)
        try:
            while True:
                yield await reader.next(timeout_s)
        finally:
            await reader.close()

    async def update_priorities(
        self, table: str, keys: npt.NDArray[np.uint64], priorities: npt.NDArray[np.floating]
    ) -> tuple[int, int]:
        """Change priorities; return how many were changed and how many keys are gone."""
        check_name("table", table)
        if len(keys) != len(priorities):
            raise InvalidArgumentError.of("priorities", f"{len(priorities)} values", f"{len(keys)}, one for each key")
        request = pb.UpdatePrioritiesRequest(
            table=table,
            keys=np.ascontiguousarray(keys, _KEY).tobytes(),
            priorities=np.ascontiguousarray(priorities, _PRIORITY).tobytes(),
        )
        response = await self._call(lambda stub: stub.UpdatePriorities, request)
        return response.num_applied, response.num_ignored

    async def delete(self, table: str, keys: npt.NDArray[np.uint64]) -> tuple[int, int]:
        """Delete items; return how many were deleted and how many keys are gone."""
        check_name("table", table)
        request = pb.DeleteItemsRequest(table=table, keys=np.ascontiguousarray(keys, _KEY).tobytes())
        response = await self._call(lambda stub: stub.DeleteItems, request)
        return response.num_applied, response.num_ignored
