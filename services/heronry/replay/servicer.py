"""The replay service's calls: decode, one core call, encode."""

from collections.abc import AsyncIterable
from typing import Protocol

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.api.replay.v1 import replay_pb2_grpc
from heronry.replay.append_stream import serve_append
from heronry.replay.config import ReplaySettings
from heronry.replay.hosts import TableHosts
from heronry.replay.priority_stream import serve_priorities
from heronry.replay.sample_stream import serve_sample
from heronry.replay.shared_memory import SharedMemory
from heronry.replay.transfer_stream import serve_export, serve_import
from heronry.wire.packed import packed_keys, packed_priorities
from heronry.wire.tables import rate_limiter_from_proto, table_definition_from_proto, table_info_to_proto
from heronry.wire.times import duration_to_proto


class StreamWriter(Protocol):
    """What a stream needs of its call's context."""

    async def write(self, message: object, /) -> None:
        """Send one message; returns when the reader has room for it."""
        ...


class ReplayServicer(replay_pb2_grpc.ReplayServiceServicer):
    """Serves tables; holds no replay logic of its own."""

    def __init__(self, hosts: TableHosts, settings: ReplaySettings, shared_memory: SharedMemory) -> None:
        self._hosts = hosts
        self._settings = settings
        self._shared_memory = shared_memory

    async def CreateTable(self, request: pb.CreateTableRequest, context: object) -> pb.CreateTableResponse:
        created = await self._hosts.create(table_definition_from_proto(request.definition))
        return pb.CreateTableResponse(created=created)

    async def ListTables(self, request: pb.ListTablesRequest, context: object) -> pb.ListTablesResponse:
        infos = [await host.info() for host in self._hosts.all()]
        return pb.ListTablesResponse(tables=[table_info_to_proto(info) for info in infos])

    async def GetTable(self, request: pb.GetTableRequest, context: object) -> pb.GetTableResponse:
        info = await self._hosts.get(request.table).info()
        return pb.GetTableResponse(info=table_info_to_proto(info))

    async def SetRateLimiter(self, request: pb.SetRateLimiterRequest, context: object) -> pb.SetRateLimiterResponse:
        host = self._hosts.get(request.table)
        await host.change(host.table.set_rate_limiter, rate_limiter_from_proto(request.rate_limiter))
        await host.settled()
        return pb.SetRateLimiterResponse(info=table_info_to_proto(await host.info()))

    async def ResetTable(self, request: pb.ResetTableRequest, context: object) -> pb.ResetTableResponse:
        host = self._hosts.get(request.table)
        num_dropped = await host.change(host.table.reset)
        await host.settled()
        return pb.ResetTableResponse(num_dropped=num_dropped)

    async def SetPriorityExponent(
        self, request: pb.SetPriorityExponentRequest, context: object
    ) -> pb.SetPriorityExponentResponse:
        host = self._hosts.get(request.table)
        await host.change(host.table.set_priority_exponent, request.priority_exponent)
        await host.settled()
        return pb.SetPriorityExponentResponse(info=table_info_to_proto(await host.info()))

    async def DeleteTable(self, request: pb.DeleteTableRequest, context: object) -> pb.DeleteTableResponse:
        host = self._hosts.find(request.table)
        if host is None:
            await self._hosts.discard(request.table)
            return pb.DeleteTableResponse()
        info = await host.info()
        await self._hosts.drop(request.table, is_for_good=True)
        return pb.DeleteTableResponse(num_dropped=info.num_items)

    async def SaveSnapshot(self, request: pb.SaveSnapshotRequest, context: object) -> pb.SaveSnapshotResponse:
        saved = await self._hosts.get(request.table).save_snapshot()
        return pb.SaveSnapshotResponse(
            path=str(saved.path),
            num_items=saved.num_items,
            num_bytes=saved.num_bytes,
            stall=duration_to_proto(saved.stall_s),
        )

    async def Append(self, requests: AsyncIterable[bytes], context: StreamWriter) -> None:  # type: ignore[override] # a stream's handler may write instead of yield
        await serve_append(requests, context.write, self._hosts, self._settings)

    async def Sample(self, requests: AsyncIterable[pb.SampleRequest], context: StreamWriter) -> None:  # type: ignore[override] # as above
        await serve_sample(requests, context.write, self._hosts, self._settings, self._shared_memory)

    async def UpdatePriorities(
        self, request: pb.UpdatePrioritiesRequest, context: object
    ) -> pb.UpdatePrioritiesResponse:
        host = self._hosts.get(request.table)
        keys = packed_keys(request.keys)
        priorities = packed_priorities(request.priorities, len(keys))
        num_applied = await host.call(host.table.update_priorities, keys, priorities)
        return pb.UpdatePrioritiesResponse(num_applied=num_applied, num_ignored=len(keys) - num_applied)

    async def StreamPriorities(  # type: ignore[override] # as above
        self, requests: AsyncIterable[pb.StreamPrioritiesRequest], context: StreamWriter
    ) -> None:
        await serve_priorities(requests, context.write, self._hosts)

    async def DeleteItems(self, request: pb.DeleteItemsRequest, context: object) -> pb.DeleteItemsResponse:
        host = self._hosts.get(request.table)
        keys = packed_keys(request.keys)
        num_applied = await host.change(host.table.delete, keys)
        await host.settled()
        return pb.DeleteItemsResponse(num_applied=num_applied, num_ignored=len(keys) - num_applied)

    async def Export(self, request: pb.ExportRequest, context: StreamWriter) -> None:  # type: ignore[override] # as above
        await serve_export(request, context.write, self._hosts)

    async def Import(self, requests: AsyncIterable[pb.ImportRequest], context: object) -> pb.ImportResponse:
        return await serve_import(requests, self._hosts)
