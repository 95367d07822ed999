"""A service finds its coordinator, loses it, and finds it again."""

import asyncio
import os

import grpc
import pytest

from heronry.api.coordinator.v1 import coordinator_pb2, coordinator_pb2_grpc
from heronry.runtime import ServerBuilder
from heronry.runtime.server import RpcServer
from heronry.runtime.settings import ServiceSettings
from heronry.types.errors import FencedError, InvalidArgumentError, ServiceNotFoundError, UnavailableError
from heronry.types.run import Assignment, RunState
from heronry.wire.registry import assignment_to_proto

NAME = "heronry.api.coordinator.v1.CoordinatorService"
DEADLINE_S = 5.0


class FakeCoordinator(coordinator_pb2_grpc.CoordinatorServiceServicer):
    """Remembers who registered; sends the assignments put into its queue."""

    def __init__(self) -> None:
        self.registrations: list[coordinator_pb2.RegisterServiceRequest] = []
        self.heartbeats: list[coordinator_pb2.HeartbeatRequest] = []
        self.deregistered: list[str] = []
        self.assignments: asyncio.Queue[Assignment] = asyncio.Queue()
        self.refusal: Exception | None = None
        self.changed = asyncio.Condition()

    async def RegisterService(self, request, context):
        self.registrations.append(request)
        await self._tell()
        return coordinator_pb2.RegisterServiceResponse(
            lease={"fencing_token": len(self.registrations), "duration": {"seconds": 3}}, index=2, num_starts=4
        )

    async def Heartbeat(self, request, context):
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            raise refusal
        self.heartbeats.append(request)
        await self._tell()
        return coordinator_pb2.HeartbeatResponse()

    async def DeregisterService(self, request, context):
        self.deregistered.append(request.instance)
        return coordinator_pb2.DeregisterServiceResponse()

    async def WatchAssignment(self, request, context):
        while True:
            yield assignment_to_proto(await self.assignments.get())

    async def until(self, predicate) -> None:
        async with asyncio.timeout(DEADLINE_S), self.changed:
            await self.changed.wait_for(predicate)

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()


class Coordination:
    """A fake coordinator that can be taken away and brought back at its address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.fake = FakeCoordinator()
        self._server: RpcServer | None = None

    async def begin(self) -> FakeCoordinator:
        self.fake = FakeCoordinator()
        builder = ServerBuilder()
        builder.add(self.fake, coordinator_pb2_grpc.add_CoordinatorServiceServicer_to_server, NAME)
        self._server = RpcServer(ServiceSettings(listen=(self.address,)), builder)
        await self._server.start()
        await self._server.set_serving()
        return self.fake

    async def end(self) -> None:
        if self._server is not None:
            await self._server.drain(0.1)
            self._server = None


@pytest.fixture
async def coordination(tmp_path):
    coordination = Coordination(f"unix:{tmp_path}/c.sock")
    yield coordination
    await coordination.end()


def running_run(generation: int, run_id: str = "r") -> Assignment:
    return Assignment(generation, run_id, RunState.RUNNING, {"seed": 3})


async def delivered(running, count: int) -> list[Assignment]:
    async with asyncio.timeout(DEADLINE_S):
        while len(running.service.assignments) < count:
            running.service.reconciled.clear()
            await running.service.reconciled.wait()
    return running.service.assignments


async def test_a_service_registers_beats_and_reconciles(serve, coordination) -> None:
    fake = await coordination.begin()
    fake.assignments.put_nowait(running_run(1))

    async with serve(coordinator=coordination.address, heartbeat_s=0.02) as running:
        running.service.figures = {"env_steps": 12.0}
        await fake.until(lambda: any(h.progress.figures for h in fake.heartbeats))
        assert await delivered(running, 1) == [running_run(1)]
        assert (running.node.index, running.node.num_starts) == (2, 4)
        assert running.node.assignment == running_run(1)

    assert fake.registrations[0].instance == "replay-0"
    assert list(fake.registrations[0].addresses) == list(running.node.addresses)
    assert fake.heartbeats[-1].progress.figures == {"env_steps": 12.0}
    assert fake.heartbeats[-1].resident_bytes > 0
    assert f":{os.getpid()}:" in fake.heartbeats[-1].process
    assert fake.heartbeats[-1].fencing_token == 1
    assert fake.deregistered == ["replay-0"]


async def test_a_service_serves_before_there_is_a_coordinator_and_finds_it_later(serve, coordination) -> None:
    async with serve(coordinator=coordination.address) as running:
        assert await running.get_table("t") == "t of anonymous"
        await asyncio.sleep(0.1)

        fake = await coordination.begin()
        await fake.until(lambda: fake.heartbeats)


async def test_a_service_registers_again_when_the_coordinator_was_replaced(serve, coordination) -> None:
    first = await coordination.begin()
    first.assignments.put_nowait(running_run(7))

    async with serve(coordinator=coordination.address, heartbeat_s=0.02) as running:
        await delivered(running, 1)
        await coordination.end()
        assert await running.get_table("t") == "t of anonymous"

        second = await coordination.begin()
        second.assignments.put_nowait(running_run(1))
        second.assignments.put_nowait(running_run(2, run_id="s"))
        await delivered(running, 2)

    # The same assignment under another number, as a coordinator that counts anew sends it, is no news.
    assert running.service.assignments == [running_run(7), running_run(2, run_id="s")]
    assert second.registrations[0].incarnation == first.registrations[0].incarnation


@pytest.mark.parametrize("refusal", [ServiceNotFoundError.of("service", "replay-0", []), FencedError("too late")])
async def test_a_lease_that_is_gone_is_asked_for_again(serve, coordination, refusal) -> None:
    fake = await coordination.begin()

    async with serve(coordinator=coordination.address, heartbeat_s=0.02):
        await fake.until(lambda: fake.heartbeats)
        fake.refusal = refusal
        await fake.until(lambda: any(h.fencing_token == 2 for h in fake.heartbeats))


async def test_a_report_does_not_wait_for_the_next_heartbeat(serve, coordination) -> None:
    fake = await coordination.begin()

    async with serve(coordinator=coordination.address, heartbeat_s=60) as running:
        await fake.until(lambda: fake.heartbeats)
        running.service.figures = {"updates": 1.0}
        running.node.report_now()
        await fake.until(lambda: len(fake.heartbeats) == 2)

    assert fake.heartbeats[-1].progress.figures == {"updates": 1.0}


async def test_an_older_generation_of_the_same_run_is_no_news(serve, coordination) -> None:
    fake = await coordination.begin()
    for assignment in (running_run(5), running_run(4), running_run(6)):
        fake.assignments.put_nowait(assignment)

    async with serve(coordinator=coordination.address) as running:
        async with asyncio.timeout(DEADLINE_S):
            while running_run(6) not in running.service.assignments:
                running.service.reconciled.clear()
                await running.service.reconciled.wait()
        assert running_run(4) not in running.service.assignments


async def test_a_failure_to_reconcile_is_reported(serve, coordination) -> None:
    fake = await coordination.begin()

    async with serve(coordinator=coordination.address, heartbeat_s=0.02) as running:
        running.service.reconcile_errors = [InvalidArgumentError.of("seed", 3, "something else")]
        fake.assignments.put_nowait(running_run(1))
        await fake.until(lambda: fake.heartbeats and fake.heartbeats[-1].progress.failure)
        assert fake.heartbeats[-1].progress.run_id == "r"
        assert "seed: got 3" in fake.heartbeats[-1].progress.failure

        fake.assignments.put_nowait(running_run(2))
        await fake.until(lambda: not fake.heartbeats[-1].progress.failure)


async def test_a_service_that_cannot_tell_its_progress_keeps_its_lease_and_says_so(serve, coordination) -> None:
    fake = await coordination.begin()

    async with serve(coordinator=coordination.address, heartbeat_s=0.02) as running:
        await fake.until(lambda: fake.heartbeats)
        running.service.progress = lambda: {}["figures"]
        await fake.until(lambda: fake.heartbeats[-1].progress.failure == "KeyError: 'figures'")


async def test_a_failure_that_may_pass_is_tried_again(serve, coordination) -> None:
    fake = await coordination.begin()
    fake.assignments.put_nowait(running_run(1))

    async with serve(coordinator=coordination.address) as running:
        running.service.reconcile_errors = [UnavailableError("params is not there yet")]
        assert await delivered(running, 2) == [running_run(1), running_run(1)]


async def test_a_coordinator_that_refuses_calls_is_survived(serve, tmp_path) -> None:
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()

    async with serve(coordinator=f"127.0.0.1:{port}") as running:
        await asyncio.sleep(0.1)
        assert not running.node.is_registered
        assert await running.get_table("t") == "t of anonymous"
    await server.stop(0)
