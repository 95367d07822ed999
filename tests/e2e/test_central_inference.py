"""The same run whether its fleets evaluate the policy or its learner does, also when that is shot at."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heronry.client.coordinator import CoordinatorClient
from heronry.client.mesh import Mesh
from heronry.launch.embedded import EmbeddedMesh
from heronry.launch.local import LocalMesh, LocalMeshSettings
from heronry.maths.networks import Layers, RecurrentForward, network_for
from heronry.maths.policies import categorical_log_probabilities
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.spec import RunSpec
from heronry.types.errors import HeronryError, UnavailableError
from heronry.types.inference import InferenceStatistics
from heronry.types.run import RunState, RunStatus

RUN_ID = "run"
DEADLINE_S = 100.0
pytestmark = pytest.mark.timeout(240)

CONTINUOUS = {"environment": {"id": "Pendulum-v1"}, "target_return": None}


def spec(inference: str, num_updates: int = 8, **changes: Any) -> dict[str, Any]:
    """A lockstep run of some updates, each of four unrolls."""
    values = {
        "environment": {"id": "CartPole-v1"},
        "algorithm": {"name": "ppo", "batch_size": 4, "minibatch_size": 32, "epochs": 2},
        "network": {"hidden": [16]},
        "fleet": {"num_envs": 4, "unroll_length": 16, "inference": inference},
        "evaluation": {"every_updates": 100, "episodes": 2, "judge_episodes": 3},
        "checkpoint": {"every_updates": 4},
        "max_env_steps": num_updates * 4 * 16,
        "lockstep": True,
        "seed": 5,
        **changes,
    }
    return RunSpec.from_dict(values).to_dict()


async def ended(
    address: str, what: dict[str, Any], at: Callable[[RunStatus], Awaitable[None]] | None = None
) -> RunStatus:
    """Submit a run and return how it ended; `at` is called with each status."""
    async with CoordinatorClient(address) as coordinator, asyncio.timeout(DEADLINE_S):
        await submitted(coordinator, what)
        while True:
            try:
                async for status in coordinator.watch_run(RUN_ID):
                    if at is not None:
                        await at(status)
                    if status.state.has_ended:
                        return status
            except HeronryError:
                continue


async def submitted(coordinator: CoordinatorClient, what: dict[str, Any]) -> None:
    while True:
        try:
            await coordinator.submit_run(what, RUN_ID)
        except UnavailableError:
            continue
        else:
            return


async def in_embedded(folder: Path, what: dict[str, Any]) -> tuple[RunStatus, InferenceStatistics]:
    async with EmbeddedMesh(data_dir=folder) as mesh:
        status = await ended(mesh.address, what)
        async with Mesh.connect(mesh.address) as clients:
            return status, await clients.inference.statistics()


def outcome(status: RunStatus) -> tuple[object, ...]:
    assert status.state is RunState.FINISHED, status.message
    return (
        status.updates,
        status.env_steps,
        status.mean_return,
        status.result["content_hash"],
        status.result["eval_mean"],
    )


@pytest.mark.parametrize("changes", [{}, CONTINUOUS], ids=["logits", "means"])
async def test_a_run_has_the_same_returns_and_weights_with_either_inference(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    here, unused = await in_embedded(tmp_path / "fleet", spec("fleet", **changes))
    central, statistics = await in_embedded(tmp_path / "central", spec("central", **changes))

    assert outcome(central) == outcome(here)
    assert central.updates == 8
    assert unused == InferenceStatistics()
    # Four lanes, in halves or together.
    assert statistics.num_rows == 8 * 4 * 16


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    status, _ = asyncio.run(in_embedded(tmp_path_factory.mktemp("fleet"), spec("fleet", num_updates=120)))
    return outcome(status)


@pytest.mark.acceptance
@pytest.mark.parametrize("killed", [None, "fleet-0", "params-0", "learner-0"])
async def test_processes_end_with_the_weights_of_the_other_inference_whichever_of_them_is_killed(
    tmp_path: Path, undisturbed: tuple[object, ...], killed: str | None
) -> None:
    with LocalMesh(LocalMeshSettings(tmp_path / "mesh", tmp_path / "logs")) as mesh:
        waiting = [killed] if killed else []

        async def kill(status: RunStatus) -> None:
            if waiting and status.updates >= 30:
                os.kill(mesh.supervisor.pids()[waiting.pop()], signal.SIGKILL)

        central = await ended(mesh.address, spec("central", num_updates=120), kill)

    assert outcome(central)[3:] == undisturbed[3:]


@pytest.mark.acceptance
async def test_a_run_out_of_step_goes_on_when_its_learner_is_killed(tmp_path: Path) -> None:
    what = spec("central", num_updates=400, lockstep=False)
    with LocalMesh(LocalMeshSettings(tmp_path / "mesh", tmp_path / "logs", num_fleets=2)) as mesh:
        waiting = ["learner-0"]

        async def kill(status: RunStatus) -> None:
            if waiting and status.updates >= 50:
                os.kill(mesh.supervisor.pids()[waiting.pop()], signal.SIGKILL)

        status = await ended(mesh.address, what, kill)

        assert mesh.supervisor.num_starts("learner-0") == 2
    assert status.state is RunState.FINISHED, status.message


MEMORY = {
    "algorithm": {"name": "external", "batch_size": 4},
    "network": {"hidden": [8], "recurrent": 6},
    "fleet": {"num_envs": 4, "unroll_length": 64, "inference": "central"},
    "lockstep": False,
}


async def test_a_policy_with_memory_that_another_program_learns_acts_and_is_judged(tmp_path: Path) -> None:
    network = network_for(
        "external", Layers((8,), recurrent=6), ObservationSpace((4,)), ActionSpace("discrete", num_actions=2)
    )
    tensors = network.init(np.random.default_rng(0))
    tensors["policy/head/weight"] *= np.float32(100.0)
    async with EmbeddedMesh(data_dir=tmp_path) as mesh, Mesh.connect(mesh.address) as clients:
        await clients.start_run(spec("central", **MEMORY))
        await clients.params.register_model("policy", tensors)

        batch = await anext(clients.replay.sample("experience", batch_size=4, timeout_s=DEADLINE_S))
        judged = await clients.fleet.evaluate(num_episodes=2, seed=1)

    # Each lane's log-probabilities follow from its own episodes, from their first steps on.
    forward = RecurrentForward(network, "policy", tensors)
    states = forward.first_states(4)
    ids = batch.columns["episode_id"]
    for t, (observations, actions) in enumerate(
        zip(batch.columns["observation"], batch.columns["action"], strict=True)
    ):
        if t:
            states = np.where((ids[t] != ids[t - 1])[:, np.newaxis], np.float32(0.0), states)
        logits, states = forward(observations, states)
        expected = categorical_log_probabilities(logits, actions)
        np.testing.assert_allclose(batch.columns["log_probability"][t], expected, atol=1e-4)
    assert len(np.unique(ids)) > 4
    assert len(judged.returns) == 2
