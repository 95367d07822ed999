"""A lockstep run ends with the same weights, bit for bit: again, elsewhere, interrupted, and shot at."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from heronry.client.coordinator import CoordinatorClient
from heronry.launch.embedded import EmbeddedMesh
from heronry.launch.local import LocalMesh, LocalMeshSettings
from heronry.spec import RunSpec
from heronry.types.errors import HeronryError, UnavailableError
from heronry.types.run import RunState, RunStatus

RUN_ID = "run"
DEADLINE_S = 100.0
pytestmark = pytest.mark.timeout(240)

Do = Callable[[CoordinatorClient], Any]


def spec(seed: int = 5, num_updates: int = 30, every_updates: int = 4) -> dict[str, Any]:
    """A run of some updates, each of four unrolls; evaluations go on beside it."""
    values = {
        "environment": {"id": "CartPole-v1"},
        "algorithm": {"name": "ppo", "batch_size": 4, "minibatch_size": 32, "epochs": 2},
        "network": {"hidden": [16]},
        "fleet": {"num_envs": 4, "unroll_length": 16},
        "evaluation": {"every_updates": 3, "episodes": 2, "judge_episodes": 3},
        "checkpoint": {"every_updates": every_updates},
        "max_env_steps": num_updates * 4 * 16,
        "target_return": 10.0,
        "lockstep": True,
        "seed": seed,
    }
    return RunSpec.from_dict(values).to_dict()


@dataclass(frozen=True)
class At:
    """Something to be done once the run has made that many updates."""

    updates: int
    do: Do


async def stop(coordinator: CoordinatorClient) -> None:
    await coordinator.stop(RUN_ID, evaluate=False)


async def follow(address: str, what: dict[str, Any], *, restore: bool, orders: Sequence[At] = ()) -> RunStatus:
    """Submit a run, carry out the orders in turn, and return how it ended."""
    waiting = list(orders)
    async with CoordinatorClient(address) as coordinator, asyncio.timeout(DEADLINE_S):
        await submitted(coordinator, what, restore=restore)
        while True:
            try:
                async for status in coordinator.watch_run(RUN_ID):
                    if waiting and status.updates >= waiting[0].updates:
                        await waiting.pop(0).do(coordinator)
                    if status.state.has_ended:
                        return status
            except HeronryError:
                continue


async def submitted(coordinator: CoordinatorClient, what: dict[str, Any], *, restore: bool) -> None:
    while True:
        try:
            await coordinator.submit_run(what, RUN_ID, restore=restore)
        except UnavailableError:
            continue
        else:
            return


async def in_embedded(folder: Path, what: dict[str, Any], stops: Sequence[int] = ()) -> RunStatus:
    """Run to the end, in a new mesh after each stop."""
    for number, updates in enumerate(stops):
        async with EmbeddedMesh(data_dir=folder) as mesh:
            stopped = await follow(mesh.address, what, restore=number > 0, orders=[At(updates, stop)])
            assert stopped.state is RunState.STOPPED
            assert stopped.updates < 30
    async with EmbeddedMesh(data_dir=folder) as mesh:
        return await follow(mesh.address, what, restore=bool(stops))


def outcome(status: RunStatus) -> tuple[object, ...]:
    assert status.state is RunState.FINISHED, status.message
    return status.updates, status.result["content_hash"], status.result["eval_mean"]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> RunStatus:
    """How the run ends that nothing disturbs."""
    return asyncio.run(in_embedded(tmp_path_factory.mktemp("straight"), spec()))


async def test_two_runs_of_one_seed_end_with_the_same_weights_and_one_of_another_does_not(
    tmp_path: Path, straight: RunStatus
) -> None:
    again = await in_embedded(tmp_path / "again", spec())
    other = await in_embedded(tmp_path / "other", spec(seed=6))

    assert outcome(again) == outcome(straight)
    assert straight.updates == 30
    assert straight.env_steps == again.env_steps
    assert outcome(other)[1] != outcome(straight)[1]


@pytest.mark.parametrize("stops", [(1,), (10,), (7, 18)])
async def test_a_run_that_was_stopped_and_resumed_ends_with_the_weights_of_one_that_was_not(
    tmp_path: Path, straight: RunStatus, stops: tuple[int, ...]
) -> None:
    resumed = await in_embedded(tmp_path / "resumed", spec(), stops)

    assert outcome(resumed) == outcome(straight)


async def test_where_environments_begin_anew_belongs_to_the_run(tmp_path: Path, straight: RunStatus) -> None:
    # The law above is not empty: without the barriers that both runs cross, they would differ.
    seldom = await in_embedded(tmp_path / "seldom", spec(every_updates=5))

    assert outcome(seldom)[1] != outcome(straight)[1]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    return outcome(asyncio.run(in_embedded(tmp_path_factory.mktemp("undisturbed"), spec(num_updates=120))))


@pytest.mark.acceptance
@pytest.mark.parametrize("killed", [None, "fleet-0", "replay-0", "params-0", "learner-0", "coordinator-0"])
async def test_processes_end_with_the_weights_of_one_process_whichever_of_them_is_killed(
    tmp_path: Path, undisturbed: tuple[object, ...], killed: str | None
) -> None:
    with LocalMesh(LocalMeshSettings(tmp_path, tmp_path / "logs")) as mesh:

        async def kill(coordinator: CoordinatorClient) -> None:
            os.kill(mesh.supervisor.pids()[killed], signal.SIGKILL)

        orders = [At(30, kill)] if killed else []
        ended = await follow(mesh.address, spec(num_updates=120), restore=False, orders=orders)

    assert outcome(ended) == undisturbed
    if killed:
        assert mesh.supervisor.num_starts(killed) == 2
