"""Services register, beat and watch their assignment through the SDK's client."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from heronry.client.coordinator import CoordinatorClient
from heronry.types.errors import FencedError, ServiceNotFoundError
from heronry.types.run import Assignment, Progress, RunState, RunStatus, ServiceRole

MakeSpec = Callable[..., dict[str, Any]]
DEADLINE_S = 10.0


async def test_an_assignment_comes_whole_at_once_and_at_each_change(mesh, spec: MakeSpec) -> None:
    await mesh.start("coordinator")
    async with mesh.coordinator() as coordinator, asyncio.timeout(DEADLINE_S):
        lease = (await coordinator.register(ServiceRole.FLEET, "fleet-0", 1, ["unix:/f"])).lease
        assignments = coordinator.watch_assignment("fleet-0", lease.fencing_token)
        idle = await anext(assignments)

        await coordinator.submit_run(spec(), "run-1")
        assigned = await anext(assignments)
        await coordinator.register(ServiceRole.PARAMS, "params-0", 1, ["unix:/p"])
        joined = await anext(assignments)
        await assignments.aclose()

    assert idle.run_id == ""
    assert (assigned.run_id, assigned.desired_state, assigned.restore) == ("run-1", RunState.PENDING, False)
    assert assigned.spec["environment"]["id"] == "CartPole-v1"
    assert [endpoint.addresses for endpoint in joined.of_role(ServiceRole.PARAMS)] == [("unix:/p",)]
    assert joined.generation > assigned.generation > idle.generation


async def test_a_service_that_joins_a_running_run_is_told_to_restore(mesh, spec: MakeSpec) -> None:
    await mesh.start("coordinator")
    async with mesh.coordinator() as coordinator, asyncio.timeout(DEADLINE_S):
        await coordinator.submit_run(spec(), "run-1")
        for role in (ServiceRole.PARAMS, ServiceRole.REPLAY, ServiceRole.FLEET):
            await taken_up(coordinator, role)
        async for status in coordinator.watch_run("run-1"):
            if status.state is RunState.RUNNING:
                break

        restarted = await coordinator.register(ServiceRole.FLEET, "fleet-0", 2, ["unix:/fleet"])
        assignments = coordinator.watch_assignment("fleet-0", restarted.lease.fencing_token)
        assignment = await anext(assignments)
        await assignments.aclose()

    assert restarted.num_starts == 2
    assert assignment.desired_state is RunState.RUNNING
    assert assignment.restore
    assert assignment.num_starts == 2


async def taken_up(coordinator: CoordinatorClient, role: ServiceRole, run_id: str = "run-1") -> Assignment:
    """Register a service and take up what it is assigned, as a real one would; returns the assignment."""
    instance = f"{role.value}-0"
    token = (await coordinator.register(role, instance, 1, [f"unix:/{role.value}"])).lease.fencing_token
    watch = coordinator.watch_assignment(instance, token)
    assignment = await anext(watch)
    await watch.aclose()
    progress = Progress(run_id, num_starts=assignment.num_starts)
    await coordinator.heartbeat(instance, token, progress)
    return assignment


async def test_a_run_waits_until_params_and_replay_hold_its_models_and_tables(mesh, spec: MakeSpec) -> None:
    await mesh.start("coordinator")
    async with mesh.coordinator() as coordinator, asyncio.timeout(DEADLINE_S):
        await coordinator.submit_run(spec(), "run-1")
        for role in (ServiceRole.PARAMS, ServiceRole.FLEET):
            await taken_up(coordinator, role)
        lease = (await coordinator.register(ServiceRole.REPLAY, "replay-0", 1, ["unix:/replay"])).lease
        await coordinator.heartbeat("replay-0", lease.fencing_token, Progress("the run before", num_starts=1))
        async for status in coordinator.watch_run("run-1"):
            if status.message == "waiting for: replay":
                break
        waiting = await coordinator.get_run("run-1")

        await coordinator.heartbeat("replay-0", lease.fencing_token, Progress("run-1", num_starts=1))
        async for status in coordinator.watch_run("run-1"):
            if status.state is RunState.RUNNING:
                break

    assert waiting.state is RunState.PENDING


async def test_no_start_of_a_fleet_repeats_within_a_run_whatever_mesh_it_is_in(mesh, spec: MakeSpec) -> None:
    numbers = []
    for number in (1, 2, 3):
        await mesh.start("coordinator")
        async with mesh.coordinator() as coordinator, asyncio.timeout(DEADLINE_S):
            await coordinator.submit_run(spec(), "run-1", restore=number > 1)
            for incarnation in (1, 1, 2):
                lease = (await coordinator.register(ServiceRole.FLEET, "fleet-0", incarnation, ["unix:/f"])).lease
                watch = coordinator.watch_assignment("fleet-0", lease.fencing_token)
                numbers.append((await anext(watch)).num_starts)
                await watch.aclose()
            await coordinator.stop(evaluate=False)
            async for status in coordinator.watch_run("run-1"):
                if status.state.has_ended:
                    break
        # A mesh that ends in order forgets who was in it; what belongs to the run stays with the run.
        await mesh.stop("coordinator-0")

    assert numbers == [1, 1, 2, 3, 3, 4, 5, 5, 6]


async def test_a_failure_counts_for_the_start_that_it_happened_in(mesh, spec: MakeSpec) -> None:
    await mesh.start("coordinator")
    async with mesh.coordinator() as coordinator, asyncio.timeout(DEADLINE_S):
        lease = (await coordinator.register(ServiceRole.FLEET, "fleet-0", 1, ["unix:/f"])).lease
        await coordinator.submit_run(spec(), "run-1")
        await coordinator.heartbeat("fleet-0", lease.fencing_token, Progress("run-1", failure="broke", num_starts=1))
        failed = await ended(coordinator)

        await coordinator.submit_run({}, "run-1", restore=True)
        # The fleet has not taken up the restored run yet and says once more what it said before.
        await coordinator.heartbeat("fleet-0", lease.fencing_token, Progress("run-1", failure="broke", num_starts=1))
        await taken_up(coordinator, ServiceRole.PARAMS)
        async for restored in coordinator.watch_run("run-1"):
            if restored.message == "waiting for: replay":
                break
        await coordinator.heartbeat("fleet-0", lease.fencing_token, Progress("run-1", failure="again", num_starts=2))
        again = await ended(coordinator)

    assert (failed.state, failed.message) == (RunState.FAILED, "fleet-0: broke")
    assert restored.state is RunState.PENDING
    assert again.message == "fleet-0: again"


async def ended(coordinator: CoordinatorClient) -> RunStatus:
    async for status in coordinator.watch_run("run-1"):
        if status.state.has_ended:
            return status
    raise AssertionError("the watch ended before the run")


async def test_a_former_start_is_fenced_out_of_its_heartbeats_and_its_watch(mesh) -> None:
    await mesh.start("coordinator")
    async with mesh.coordinator() as coordinator, asyncio.timeout(DEADLINE_S):
        old = (await coordinator.register(ServiceRole.LEARNER, "learner-0", 1, ["unix:/l"])).lease
        watch = coordinator.watch_assignment("learner-0", old.fencing_token)
        await anext(watch)

        await coordinator.register(ServiceRole.LEARNER, "learner-0", 2, ["unix:/l"])

        with pytest.raises(FencedError):
            await coordinator.heartbeat("learner-0", old.fencing_token, Progress())
        with pytest.raises(FencedError):
            await anext(watch)
        with pytest.raises(ServiceNotFoundError):
            await coordinator.heartbeat("learner-7", 1, Progress())


async def test_silence_costs_the_lease_and_a_heartbeat_brings_it_back(mesh) -> None:
    await mesh.start("coordinator", lease_s=0.2)
    async with mesh.coordinator() as coordinator, asyncio.timeout(DEADLINE_S):
        lease = (await coordinator.register(ServiceRole.PARAMS, "params-0", 1, ["unix:/p"])).lease
        while (await coordinator.list_services())[0].has_lease:
            continue

        await coordinator.heartbeat("params-0", lease.fencing_token, Progress(), resident_bytes=7)
        service = (await coordinator.list_services())[0]

    assert service.has_lease
    assert service.resident_bytes == 7
    assert 0 < service.lease_remaining_s <= 0.2


async def test_a_configured_run_starts_by_itself_and_is_taken_up_again(mesh) -> None:
    settings = {"run": "cartpole", "algorithm": "external", "seed": 4, "overrides": ("fleet.num_envs=4",)}
    await mesh.start("coordinator", **settings)
    async with mesh.coordinator() as coordinator, asyncio.timeout(DEADLINE_S):
        first = await coordinator.get_run()
        await mesh.stop("coordinator-0")
        await mesh.start("coordinator", **settings)
        second = await coordinator.get_run()

    assert (first.run_id, first.state) == ("cartpole", RunState.PENDING)
    assert (first.spec["seed"], first.spec["fleet"]["num_envs"]) == (4, 4)
    assert (second.run_id, second.state) == ("cartpole", RunState.PENDING)
    assert second.elapsed_s > first.elapsed_s


def test_the_coordinator_imports_nothing_heavy() -> None:
    program = (
        "import sys, heronry.coordinator; "
        "print([m for m in ('torch', 'matplotlib', 'tensorboard', 'gymnasium') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
