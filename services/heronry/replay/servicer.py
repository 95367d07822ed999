"""The replay service's calls: decode, one core call, encode."""

from collections.abc import AsyncIterable
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.api.replay.v1 import replay_pb2_grpc
from heronry.replay.append_stream import serve_append
from heronry.replay.config import ReplaySettings
from heronry.replay.hosts import TableHosts
from heronry.replay.sample_stream import serve_sample
from heronry.types.errors import InvalidArgumentError
from heronry.wire.tables import rate_limiter_from_proto, table_definition_from_proto, table_info_to_proto

E = TypeVar("E", bound=np.generic)

_KEY = np.dtype(np.uint64).newbyteorder("<")
_PRIORITY = np.dtype(np.float64).newbyteorder("<")


class StreamWriter(Protocol):
    """What a stream needs of its call's context."""

    async def write(self, message: object, /) -> None:
        """Send one message; returns when the reader has room for it."""
        ...


class ReplayServicer(replay_pb2_grpc.ReplayServiceServicer):
    """Serves tables; holds no replay logic of its own."""

    def __init__(self, hosts: TableHosts, settings: ReplaySettings) -> None:
        self._hosts = hosts
        self._settings = settings

    async def CreateTable(self, request: pb.CreateTableRequest, context: object) -> pb.CreateTableResponse:
        created = self._hosts.create(table_definition_from_proto(request.definition))
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
        return pb.SetRateLimiterResponse(info=table_info_to_proto(await host.info()))

    async def ResetTable(self, request: pb.ResetTableRequest, context: object) -> pb.ResetTableResponse:
        host = self._hosts.get(request.table)
        num_dropped = await host.change(host.table.reset)
        return pb.ResetTableResponse(num_dropped=num_dropped)

    async def Append(self, requests: AsyncIterable[pb.AppendRequest], context: StreamWriter) -> None:  # type: ignore[override] # a stream's handler may write instead of yield
        await serve_append(requests, context.write, self._hosts, self._settings)

    async def Sample(self, requests: AsyncIterable[pb.SampleRequest], context: StreamWriter) -> None:  # type: ignore[override] # as above
        await serve_sample(requests, context.write, self._hosts, self._settings)

    async def UpdatePriorities(
        self, request: pb.UpdatePrioritiesRequest, context: object
    ) -> pb.UpdatePrioritiesResponse:
        host = self._hosts.get(request.table)
        keys = _array("keys", request.keys, _KEY)
        priorities = _array("priorities", request.priorities, _PRIORITY)
        if len(keys) != len(priorities):
            raise InvalidArgumentError.of("priorities", f"{len(priorities)} values", f"as many as keys, {len(keys)}")
        num_applied = await host.call(host.table.update_priorities, keys, priorities)
        return pb.UpdatePrioritiesResponse(num_applied=num_applied, num_ignored=len(keys) - num_applied)

    async def DeleteItems(self, request: pb.DeleteItemsRequest, context: object) -> pb.DeleteItemsResponse:
        host = self._hosts.get(request.table)
        keys = _array("keys", request.keys, _KEY)
        num_applied = await host.change(host.table.delete, keys)
        return pb.DeleteItemsResponse(num_applied=num_applied, num_ignored=len(keys) - num_applied)


def _array(field: str, data: bytes, dtype: np.dtype[E]) -> npt.NDArray[E]:
    if len(data) % dtype.itemsize:
        raise InvalidArgumentError.of(field, f"{len(data)} bytes", f"a multiple of {dtype.itemsize}")
    return np.frombuffer(data, dtype)
