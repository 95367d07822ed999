"""The compose mesh: up, learn, scale, lose a fleet, learn on, finish, down.

HERONRY_COMPOSE names the command in place of `docker compose`, HERONRY_DOCKER the one in place of `docker`.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from heronry.client.coordinator import CoordinatorClient
from heronry.types.errors import HeronryError
from heronry.types.run import RunState, RunStatus, ServiceRole

ROOT = Path(__file__).parents[2]
COMPOSE = shlex.split(os.environ.get("HERONRY_COMPOSE", "docker compose"))
DOCKER = shlex.split(os.environ.get("HERONRY_DOCKER", "docker"))
COORDINATOR = "127.0.0.1:51050"
# Not the ports of `heronry up`, which may be in use here.
PORTS = {f"HERONRY_{role}_PORT": f"5105{i}" for i, role in enumerate(("COORDINATOR", "PARAMS", "REPLAY", "LEARNER"))}
# The first evaluation comes late, so that the run is still under way when fleets come and go.
OVERRIDES = "evaluation.every_updates=1500,max_env_steps=4000000"

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.compose,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        shutil.which(COMPOSE[0]) is None,
        reason=f"{COMPOSE[0]} is not there; set HERONRY_COMPOSE to a command that acts as `docker compose`",
    ),
]


def compose(*arguments: str, timeout_s: float = 120.0) -> str:
    command = [*COMPOSE, "--project-directory", str(ROOT), "--file", str(ROOT / "docker-compose.yml"), *arguments]
    environ = {**os.environ, **PORTS, "HERONRY_OVERRIDES": OVERRIDES}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout_s, check=False, cwd=ROOT, env=environ
    )
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def inspect(container: str) -> dict[str, Any]:
    done = subprocess.run([*DOCKER, "inspect", container], capture_output=True, text=True, timeout=30, check=True)
    return json.loads(done.stdout)[0]


@pytest.fixture
def mesh() -> Iterator[None]:
    compose("build", "coordinator", timeout_s=600)  # one image serves all
    try:
        compose("up", "--detach", "--wait", "--wait-timeout", "120", timeout_s=180)
        yield
    finally:
        compose("down", "--volumes", "--timeout", "10")


async def watch_until(is_there: Callable[[RunStatus], bool], timeout_s: float) -> RunStatus:
    """Follow the active run until `is_there(status)`, over connections that break."""
    deadline = time.monotonic() + timeout_s
    status = None
    while time.monotonic() < deadline:
        try:
            async with CoordinatorClient(COORDINATOR) as coordinator:
                async for status in coordinator.watch_run():
                    assert status.state is not RunState.FAILED, status.message
                    if is_there(status):
                        return status
        except HeronryError:
            continue
    raise AssertionError(f"not reached within {timeout_s} s: {status}\n{compose('logs', '--tail', '20')}")


async def fleets_at_work() -> set[str]:
    async with CoordinatorClient(COORDINATOR) as coordinator:
        services = await coordinator.list_services()
    return {
        service.instance
        for service in services
        if service.role is ServiceRole.FLEET and service.has_lease and service.progress.figures.get("env_steps", 0) > 0
    }


async def wait_for_fleets(count: int, timeout_s: float) -> set[str]:
    deadline = time.monotonic() + timeout_s
    found: set[str] = set()
    while time.monotonic() < deadline:
        found = await fleets_at_work()
        if len(found) >= count:
            return found
        await watch_until(lambda status: True, 10)
    raise AssertionError(f"{sorted(found)} work after {timeout_s} s, not {count} fleets")


async def test_the_mesh_learns_scales_survives_a_killed_fleet_and_finishes(mesh: None) -> None:
    learning = await watch_until(lambda status: status.updates >= 10, 120)
    compose("up", "--detach", "--no-recreate", "--scale", "fleet=3")
    fleets = await wait_for_fleets(3, 60)

    victim = compose("ps", "--quiet", "fleet").split()[0]
    os.kill(inspect(victim)["State"]["Pid"], signal.SIGKILL)
    learnt_on = await watch_until(lambda status: status.updates > learning.updates + 10, 120)
    finished = await watch_until(lambda status: status.state is RunState.FINISHED, 300)

    assert len(fleets) == 3
    assert learnt_on.env_steps > learning.env_steps
    assert inspect(victim)["RestartCount"] == 1
    assert inspect(victim)["State"]["Running"]
    assert finished.result["eval_mean"] >= 475, dict(finished.result)
