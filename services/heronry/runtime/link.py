"""A service's tie to the coordinator: registration, heartbeats and the watch of its assignment."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any, Final

import grpc
import structlog

from heronry.api.coordinator.v1 import coordinator_pb2, coordinator_pb2_grpc
from heronry.runtime.assignment import is_newer
from heronry.runtime.backoff import Backoff
from heronry.runtime.settings import ServiceSettings
from heronry.runtime.usage import ProcessUsage
from heronry.types.errors import HeronryError, UnavailableError
from heronry.types.run import Assignment, Progress, Registration, ServiceRole
from heronry.wire.registry import assignment_from_proto, lease_from_proto, progress_to_proto, role_to_proto
from heronry.wire.status import error_from_rpc
from heronry.wire.times import duration_to_proto

_log = structlog.get_logger(__name__)

_CALL_TIMEOUT_S: Final = 5.0
_DEREGISTER_TIMEOUT_S: Final = 1.0
# A tie that held this long was a good one: the next attempt need not wait.
_STABLE_S: Final = 1.0


class CoordinatorLink:
    """Keeps one service registered, for ever; the service works on while the coordinator is away.

    Whatever breaks the tie (nobody answers, an unknown or fenced lease), the service registers
    again with the same incarnation after a pause of 50 ms to 1 s.
    """

    def __init__(
        self,
        role: str,
        settings: ServiceSettings,
        addresses: tuple[str, ...],
        progress: Callable[[], Progress],
        deliver: Callable[[Assignment], None],
    ) -> None:
        """Take how to ask for progress, and where to hand new assignments."""
        self.registration: Registration | None = None
        self._role = ServiceRole(role)
        self._settings = settings
        self._addresses = addresses
        self._progress = progress
        self._deliver = deliver
        self._incarnation = time.time_ns()
        self._usage = ProcessUsage()
        self._due = asyncio.Event()
        self._latest: Assignment | None = None
        self._options = settings.connection_options
        self._channel = self._options.open_channel(settings.coordinator, bulk=False)
        self._stub: Any = coordinator_pb2_grpc.CoordinatorServiceStub(self._channel)

    def report_now(self) -> None:
        """Send the next heartbeat at once."""
        self._due.set()

    async def run(self) -> None:
        """Stay registered until cancelled."""
        backoff = Backoff()
        while True:
            try:
                await self._register()
            except HeronryError as error:
                _log.debug("registration_waits", reason=str(error))
            except Exception as error:  # noqa: BLE001 # the service must find its way back from anything
                _log.error("registration_failed", exc_info=error)
            else:
                begun = time.monotonic()
                await self._stay_until_lost()
                if time.monotonic() - begun > _STABLE_S:
                    backoff.reset()
            await asyncio.sleep(backoff.next_s())

    async def close(self) -> None:
        """Give the lease back, if there is one and somebody takes it, and close the channel."""
        if self.registration is not None:
            request = coordinator_pb2.DeregisterServiceRequest(
                instance=self._settings.instance, fencing_token=self.registration.lease.fencing_token
            )
            with contextlib.suppress(HeronryError):
                await self._call(self._stub.DeregisterService, request, _DEREGISTER_TIMEOUT_S)
        await self._channel.close()

    async def _register(self) -> None:
        request = coordinator_pb2.RegisterServiceRequest(
            role=role_to_proto(self._role),
            instance=self._settings.instance,
            incarnation=self._incarnation,
            addresses=self._addresses,
            build=_build(),
        )
        response = await self._call(self._stub.RegisterService, request)
        lease = lease_from_proto(response.lease)
        self.registration = Registration(lease, response.index, response.num_starts)
        _log.info("registered", instance=self._settings.instance, coordinator=self._settings.coordinator)

    async def _stay_until_lost(self) -> None:
        try:
            await self._stay()
        except HeronryError as error:
            _log.warning("coordinator_lost", reason=str(error))
        except Exception as error:  # noqa: BLE001 # the service must find its way back from anything
            _log.error("coordinator_lost", exc_info=error)

    async def _stay(self) -> None:
        """Beat and watch until either fails; raise that one's error."""
        tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._watch())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            self._due.clear()
            await self._call(self._stub.Heartbeat, self._heartbeat())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.heartbeat_s):
                    await self._due.wait()

    async def _watch(self) -> None:
        request = coordinator_pb2.WatchAssignmentRequest(instance=self._settings.instance, fencing_token=self._token())
        # The first answer may come from a coordinator that started anew and counts from one again.
        is_first = True
        try:
            async for message in self._stub.WatchAssignment(request, metadata=self._options.metadata):
                self._take(assignment_from_proto(message), same_coordinator=not is_first)
                is_first = False
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error) from None
        raise UnavailableError("the coordinator ended the watch")

    def _take(self, assignment: Assignment, *, same_coordinator: bool) -> None:
        has_news = is_newer(assignment, self._latest, same_coordinator=same_coordinator)
        if has_news or not same_coordinator:
            self._latest = assignment
        if has_news:
            self._deliver(assignment)

    def _heartbeat(self) -> coordinator_pb2.HeartbeatRequest:
        return coordinator_pb2.HeartbeatRequest(
            instance=self._settings.instance,
            fencing_token=self._token(),
            progress=progress_to_proto(self._progress()),
            resident_bytes=self._usage.resident_bytes,
            cpu_time=duration_to_proto(self._usage.cpu_time_s),
            process=self._usage.name,
        )

    def _token(self) -> int:
        return 0 if self.registration is None else self.registration.lease.fencing_token

    async def _call(self, method: Any, request: object, timeout_s: float = _CALL_TIMEOUT_S) -> Any:  # noqa: ANN401 # stubs
        try:
            return await method(request, timeout=timeout_s, metadata=self._options.metadata)
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error) from None


def _build() -> str:
    try:
        return metadata.version("heronry")
    except metadata.PackageNotFoundError:
        return "source"
