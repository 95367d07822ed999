"""Client of the coordinator."""

import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence

import grpc.aio

from heronry.api.coordinator.v1 import coordinator_pb2 as pb
from heronry.api.coordinator.v1 import coordinator_pb2_grpc as pb_grpc
from heronry.client.feed import Feed, FeedOverError
from heronry.client.retries import Retries
from heronry.client.service_client import ServiceClient
from heronry.types.run import Assignment, Lease, Progress, Registration, RunStatus, ServiceInfo, ServiceRole
from heronry.wire.registry import (
    assignment_from_proto,
    lease_from_proto,
    progress_to_proto,
    role_to_proto,
    service_from_proto,
)
from heronry.wire.runs import run_status_from_proto
from heronry.wire.struct import struct_to_proto
from heronry.wire.times import duration_to_proto

_SLOW_CALL_S = 60.0


class CoordinatorClient(ServiceClient["pb_grpc.CoordinatorServiceAsyncStub"]):
    """Submits and steers runs, shows the registry; services register and report through it."""

    _service = "coordinator"

    def _make_stub(self, channel: grpc.aio.Channel) -> "pb_grpc.CoordinatorServiceAsyncStub":
        return pb_grpc.CoordinatorServiceStub(channel)

    async def submit_run(
        self, spec: Mapping[str, object], run_id: str = "", *, restore: bool = False, request_id: str | None = None
    ) -> RunStatus:
        """Start a run; one is active at a time.

        Raises:
          RunActiveError: another run is active.
          ConfigurationError: the spec cannot be used; names the nearest valid key.
        """
        request = pb.SubmitRunRequest(
            request_id=request_id or uuid.uuid4().hex, spec=struct_to_proto(spec), run_id=run_id, restore=restore
        )
        return run_status_from_proto((await self._call(lambda stub: stub.SubmitRun, request)).status)

    async def get_run(self, run_id: str = "") -> RunStatus:
        """Show a run; by default the newest.

        Raises:
          RunNotFoundError: there is none of that name, or none at all.
        """
        response = await self._call(lambda stub: stub.GetRun, pb.GetRunRequest(run_id=run_id))
        return run_status_from_proto(response.status)

    async def list_runs(self) -> tuple[RunStatus, ...]:
        """Show all runs, oldest first."""
        response = await self._call(lambda stub: stub.ListRuns, pb.ListRunsRequest())
        return tuple(run_status_from_proto(status) for status in response.runs)

    async def watch_run(self, run_id: str = "") -> AsyncGenerator[RunStatus, None]:
        """Yield a run's status now and at each change, until it ends; a slow consumer skips some."""
        feed: Feed[RunStatus] = Feed(newest_only=True)

        async def session(retries: Retries) -> bool:
            stub = await self._control_stub()
            has_ended = False
            async for response in stub.WatchRun(pb.WatchRunRequest(run_id=run_id), metadata=self._connection.metadata):
                retries.note_success()
                status = run_status_from_proto(response.status)
                has_ended = status.state.has_ended
                feed.put(status)
            return has_ended

        feed.start(self._connection.kept_open("WatchRun", session))
        try:
            while True:
                yield await feed.take("WatchRun")
        except FeedOverError:
            return
        finally:
            await feed.stop()

    async def pause(self, run_id: str = "") -> RunStatus:
        """Halt collecting and learning; by default of the active run."""
        response = await self._call(lambda stub: stub.PauseRun, pb.PauseRunRequest(run_id=run_id))
        return run_status_from_proto(response.status)

    async def resume(self, run_id: str = "") -> RunStatus:
        """Go on after a pause."""
        response = await self._call(lambda stub: stub.ResumeRun, pb.ResumeRunRequest(run_id=run_id))
        return run_status_from_proto(response.status)

    async def checkpoint(self, run_id: str = "", *, request_id: str | None = None) -> tuple[str, ...]:
        """Have params and learner write checkpoints; return their directories."""
        request = pb.CheckpointRunRequest(run_id=run_id, request_id=request_id or uuid.uuid4().hex)
        response = await self._call(lambda stub: stub.CheckpointRun, request, _SLOW_CALL_S)
        return tuple(response.paths)

    async def stop(self, run_id: str = "", *, evaluate: bool = True) -> RunStatus:
        """End a run early; `evaluate` judges the policy and writes a result before."""
        request = pb.StopRunRequest(run_id=run_id, evaluate=evaluate)
        return run_status_from_proto((await self._call(lambda stub: stub.StopRun, request, _SLOW_CALL_S)).status)

    async def list_services(self) -> tuple[ServiceInfo, ...]:
        """Show the registry, sorted by role and instance."""
        response = await self._call(lambda stub: stub.ListServices, pb.ListServicesRequest())
        return tuple(service_from_proto(service) for service in response.services)

    async def register(
        self, role: ServiceRole, instance: str, incarnation: int, addresses: Sequence[str], *, build: str = ""
    ) -> Registration:
        """Enter a service into the registry; return its lease and place."""
        request = pb.RegisterServiceRequest(
            role=role_to_proto(role), instance=instance, incarnation=incarnation, addresses=addresses, build=build
        )
        response = await self._call(lambda stub: stub.RegisterService, request)
        return Registration(lease_from_proto(response.lease), response.index, response.num_starts)

    async def heartbeat(
        self,
        instance: str,
        fencing_token: int,
        progress: Progress,
        *,
        resident_bytes: int = 0,
        cpu_time_s: float = 0.0,
        process: str = "",
        timeout_s: float | None = None,
    ) -> Lease:
        """Renew a lease and report progress.

        Raises:
          FencedError: the lease has run out or gone to a newer start; register again.
        """
        request = pb.HeartbeatRequest(
            instance=instance,
            fencing_token=fencing_token,
            progress=progress_to_proto(progress),
            resident_bytes=resident_bytes,
            cpu_time=duration_to_proto(cpu_time_s),
            process=process,
        )
        return lease_from_proto((await self._call(lambda stub: stub.Heartbeat, request, timeout_s)).lease)

    async def deregister(self, instance: str, fencing_token: int) -> None:
        """Give a lease back."""
        request = pb.DeregisterServiceRequest(instance=instance, fencing_token=fencing_token)
        await self._call(lambda stub: stub.DeregisterService, request)

    async def watch_assignment(self, instance: str, fencing_token: int) -> AsyncGenerator[Assignment, None]:
        """Yield what the service should be doing, now and at each change.

        One stream, never opened again: when it breaks the lease is in doubt, and the service
        registers again.
        """
        request = pb.WatchAssignmentRequest(instance=instance, fencing_token=fencing_token)
        with self._connection.named_errors("WatchAssignment"):
            call = (await self._control_stub()).WatchAssignment(request, metadata=self._connection.metadata)
            try:
                async for response in call:
                    yield assignment_from_proto(response)
            finally:
                call.cancel()
