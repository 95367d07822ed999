"""Decodes calls, has them carried out, encodes the answers."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from heronry.api.coordinator.v1 import coordinator_pb2 as pb
from heronry.api.coordinator.v1 import coordinator_pb2_grpc as pb_grpc
from heronry.coordinator.commands import Commands
from heronry.coordinator.coordination import Coordination
from heronry.wire.registry import (
    assignment_to_proto,
    lease_to_proto,
    progress_from_proto,
    role_from_proto,
    service_to_proto,
)
from heronry.wire.runs import run_status_to_proto
from heronry.wire.struct import struct_from_proto
from heronry.wire.times import duration_from_proto

Context = Any


class CoordinatorServicer(pb_grpc.CoordinatorServiceServicer):
    """Serves the registry and the runs; holds no rules of its own."""

    def __init__(self, coordination: Coordination, commands: Callable[[], Commands]) -> None:
        self._coordination = coordination
        self._commands = commands

    async def RegisterService(self, request: pb.RegisterServiceRequest, context: Context) -> pb.RegisterServiceResponse:
        registration = self._coordination.register(
            role_from_proto(request.role),
            request.instance,
            request.incarnation,
            tuple(request.addresses),
            request.build,
        )
        return pb.RegisterServiceResponse(
            lease=lease_to_proto(registration.lease), index=registration.index, num_starts=registration.num_starts
        )

    async def Heartbeat(self, request: pb.HeartbeatRequest, context: Context) -> pb.HeartbeatResponse:
        lease = self._coordination.heartbeat(
            request.instance,
            request.fencing_token,
            progress_from_proto(request.progress),
            request.resident_bytes,
            duration_from_proto(request.cpu_time),
            request.process,
        )
        return pb.HeartbeatResponse(lease=lease_to_proto(lease))

    async def DeregisterService(
        self, request: pb.DeregisterServiceRequest, context: Context
    ) -> pb.DeregisterServiceResponse:
        self._coordination.deregister(request.instance, request.fencing_token)
        return pb.DeregisterServiceResponse()

    async def WatchAssignment(
        self, request: pb.WatchAssignmentRequest, context: Context
    ) -> AsyncIterator[pb.WatchAssignmentResponse]:
        async for assignment in self._coordination.assignments(request.instance, request.fencing_token):
            yield assignment_to_proto(assignment)

    async def ListServices(self, request: pb.ListServicesRequest, context: Context) -> pb.ListServicesResponse:
        return pb.ListServicesResponse(services=[service_to_proto(s) for s in self._coordination.services()])

    async def SubmitRun(self, request: pb.SubmitRunRequest, context: Context) -> pb.SubmitRunResponse:
        status = self._commands().submit(
            struct_from_proto(request.spec), request.run_id, restore=request.restore, request_id=request.request_id
        )
        return pb.SubmitRunResponse(status=run_status_to_proto(status))

    async def GetRun(self, request: pb.GetRunRequest, context: Context) -> pb.GetRunResponse:
        run = self._coordination.find(request.run_id)
        return pb.GetRunResponse(status=run_status_to_proto(self._coordination.status(run)))

    async def ListRuns(self, request: pb.ListRunsRequest, context: Context) -> pb.ListRunsResponse:
        return pb.ListRunsResponse(runs=[run_status_to_proto(status) for status in await self._commands().list_runs()])

    async def WatchRun(self, request: pb.WatchRunRequest, context: Context) -> AsyncIterator[pb.WatchRunResponse]:
        async for status in self._coordination.watch(self._coordination.find(request.run_id)):
            yield pb.WatchRunResponse(status=run_status_to_proto(status))

    async def PauseRun(self, request: pb.PauseRunRequest, context: Context) -> pb.PauseRunResponse:
        return pb.PauseRunResponse(status=run_status_to_proto(self._commands().pause(request.run_id)))

    async def ResumeRun(self, request: pb.ResumeRunRequest, context: Context) -> pb.ResumeRunResponse:
        return pb.ResumeRunResponse(status=run_status_to_proto(self._commands().resume(request.run_id)))

    async def CheckpointRun(self, request: pb.CheckpointRunRequest, context: Context) -> pb.CheckpointRunResponse:
        return pb.CheckpointRunResponse(paths=await self._commands().checkpoint(request.run_id, request.request_id))

    async def StopRun(self, request: pb.StopRunRequest, context: Context) -> pb.StopRunResponse:
        status = self._commands().stop(request.run_id, is_judged=request.evaluate)
        return pb.StopRunResponse(status=run_status_to_proto(status))
