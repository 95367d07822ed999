"""Any process killed with -9 during a run comes back, and the run reaches its target."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from heronry.client.coordinator import CoordinatorClient
from heronry.launch.local import LocalMesh, LocalMeshSettings
from heronry.spec import resolve
from heronry.types.errors import HeronryError, UnavailableError
from heronry.types.run import RunState, RunStatus

TARGET = 475
RUN_ID = "killed"
pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(240)]


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[LocalMesh]:
    with LocalMesh(LocalMeshSettings(tmp_path, tmp_path / "logs")) as started:
        yield started


async def submit(coordinator: CoordinatorClient, seed: int) -> None:
    # Evaluations wait for a good while, so that the run is still under way when its process dies.
    spec = resolve("cartpole", "ppo", {"evaluation.every_updates": 64}, seed)
    deadline = time.monotonic() + 60
    while True:
        try:
            await coordinator.submit_run(spec.to_dict(), RUN_ID)
        except UnavailableError:
            assert time.monotonic() < deadline
        else:
            return


async def watch_until(coordinator: CoordinatorClient, is_there, timeout_s: float) -> RunStatus:
    """Follow the run across restarts of the coordinator until `is_there(status)`."""
    deadline = time.monotonic() + timeout_s
    status = None
    while time.monotonic() < deadline:
        try:
            async for status in coordinator.watch_run(RUN_ID):
                assert status.state is not RunState.FAILED, status.message
                if is_there(status):
                    return status
        except HeronryError:
            continue
    raise AssertionError(f"not reached within {timeout_s} s: {status}")


@pytest.mark.parametrize("role", ["coordinator", "params", "replay", "fleet", "learner"])
async def test_a_killed_process_comes_back_and_the_run_reaches_its_target(mesh: LocalMesh, role: str) -> None:
    instance = f"{role}-0"
    async with CoordinatorClient(mesh.address) as coordinator:
        await submit(coordinator, seed=7)
        before = await watch_until(coordinator, lambda status: status.updates >= 20, 60)
        killed = mesh.supervisor.pids()[instance]

        os.kill(killed, signal.SIGKILL)
        after = await watch_until(coordinator, lambda status: status.state.has_ended, 150)

    assert mesh.supervisor.failure is None
    assert mesh.supervisor.num_starts(instance) == 2
    assert mesh.supervisor.pids()[instance] != killed
    assert after.state is RunState.FINISHED, after.message
    assert after.env_steps > before.env_steps
    assert after.result["eval_mean"] >= TARGET, dict(after.result)
