"""Taking over runs, and coming back after kill -9."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from heronry.client.options import ConnectionOptions
from heronry.client.params import ParamsClient
from heronry.params import ParamsSettings, build
from heronry.params.service import ParamsService
from heronry.types.contribution import ContributionKind
from heronry.types.errors import DataLossError, ModelNotFoundError, UnavailableError
from heronry.types.run import Assignment, RunState


def weights(value: float) -> dict[str, np.ndarray]:
    return {"weight": np.full(4, value, np.float32)}


def assignment(run_id: str, **fields: object) -> Assignment:
    return Assignment(1, run_id, RunState.RUNNING, **fields)


async def test_a_new_run_drops_the_models_of_the_former(mesh) -> None:
    await mesh.client.register_model("policy", weights(1.0))

    await mesh.service.reconcile(assignment("first"))

    with pytest.raises(ModelNotFoundError):
        await mesh.client.pull("policy")
    version, created = await mesh.client.register_model("policy", weights(2.0))
    assert (created, version.number) == (True, 1)
    assert "first/checkpoints/params" in await mesh.client.save_checkpoint("first")
    progress = mesh.service.progress()
    assert (progress.run_id, progress.reached_state) == ("first", RunState.RUNNING)


async def test_a_service_that_nobody_used_between_runs_leaves_no_folder(mesh) -> None:
    folder = mesh.service._settings.data_dir / "standalone"
    was_there = folder.exists()

    await mesh.service.reconcile(assignment("first"))

    assert was_there
    assert not folder.exists()


async def test_a_run_taken_up_again_goes_on_in_a_new_epoch(mesh) -> None:
    await mesh.service.reconcile(assignment("first"))
    await mesh.client.register_model("policy", weights(1.0))
    await mesh.set_weights(2.0)
    await mesh.service.reconcile(assignment("second"))

    await mesh.service.reconcile(assignment("first", restore=True))
    pulled = await mesh.client.pull("policy")

    assert (pulled.version.epoch, pulled.version.number, pulled["weight"][0]) == (2, 2, 2.0)


async def test_other_assignments_of_a_run_leave_its_models_alone(mesh) -> None:
    await mesh.service.reconcile(assignment("first"))
    await mesh.client.register_model("policy", weights(1.0))
    watching = aiter(mesh.client.watch("policy"))
    await anext(watching)

    await mesh.service.reconcile(Assignment(2, "first", RunState.PAUSED))
    await mesh.service.reconcile(Assignment(3, "", RunState.PENDING))

    assert (await mesh.client.pull("policy")).version.epoch == 1
    await watching.aclose()


async def test_whoever_waits_for_a_run_that_is_dropped_is_told(mesh) -> None:
    version, _ = await mesh.client.register_model("policy", weights(1.0))
    state = mesh.service._state
    waiting = asyncio.create_task(state.owner.call(state.models.newer, "policy", version, True))
    await mesh.client.list_models()

    await mesh.service.reconcile(assignment("first"))

    with pytest.raises(UnavailableError):
        await waiting


async def test_a_service_without_an_assignment_says_so(tmp_path: Path) -> None:
    service = ParamsService(ParamsSettings(data_dir=tmp_path, coordinator="unix:/nowhere"))

    with pytest.raises(UnavailableError, match="no assignment") as error:
        service._open_state()

    assert error.value.retry_after_s is not None


async def test_a_folder_without_a_valid_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "checkpoints" / "params" / "checkpoint-00000003"
    folder.mkdir(parents=True)
    service = build(ParamsSettings(data_dir=tmp_path, coordinator="unix:/nowhere"))

    with pytest.raises(DataLossError, match="none of 1 checkpoints is valid"):
        await service.reconcile(assignment("run", restore=True))


async def test_a_journal_that_grew_too_long_is_replaced_by_a_checkpoint(tmp_path: Path) -> None:
    service = build(ParamsSettings(data_dir=tmp_path, max_journal_bytes=1 << 16))
    await service.reconcile(assignment("run"))
    state = service._state

    state.save_if_longer(10)
    await asyncio.wait_for(state._background, 10)

    assert list((tmp_path / "run" / "checkpoints" / "params").glob("checkpoint-*"))
    await service.stop()


def started(tmp_path: Path) -> subprocess.Popen[bytes]:
    flags = ["--data-dir", str(tmp_path), "--listen", f"unix:{tmp_path}/params.sock", "--log-level", "warning"]
    return subprocess.Popen([sys.executable, "-m", "heronry.params", *flags], env={**os.environ})


async def pushed_until_killed(client: ParamsClient, process: subprocess.Popen[bytes]):
    """Push as fast as answers come, kill the service in the middle, return the last answer."""
    info = await client.pull("policy", wait_s=10.0)
    version, answer = info.version, None
    for number in range(60):
        pushing = asyncio.ensure_future(
            client.push("policy", weights(number), base_version=version, kind=ContributionKind.WEIGHTS, timeout_s=5.0)
        )
        if number == 50:
            process.kill()
            await asyncio.gather(pushing, return_exceptions=True)
            return answer
        answer = await pushing
        version = answer.version
    return answer


async def test_a_killed_service_comes_back_at_the_last_acknowledged_version(tmp_path: Path) -> None:
    process = started(tmp_path)
    # A process may take its time to start beside others.
    options = ConnectionOptions(client_id="worker", timeout_s=30.0, retry_s=30.0)
    client = ParamsClient([f"unix:{tmp_path}/params.sock"], options)
    try:
        async with asyncio.timeout(60):
            await client.register_model("policy", weights(-1.0))
            answer = await pushed_until_killed(client, process)
            process.wait(10)
            process = started(tmp_path)
            pulled = await client.pull("policy", wait_s=10.0)
    finally:
        await client.close()
        process.kill()
        process.wait(10)

    # The push under way at the kill may have been written without having been answered.
    assert pulled.version.number in {answer.version.number, answer.version.number + 1}
    assert pulled.version.epoch == answer.version.epoch + 1
    assert pulled["weight"][0] in {49.0, 50.0}
