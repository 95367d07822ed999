"""Checkpoints on demand, and what happens when one of the services dies."""

import shutil
from pathlib import Path

import pytest

from heronry.spec import POLICY
from heronry.types.errors import FailedPreconditionError
from heronry.types.run import RunState


async def test_a_checkpoint_is_written_between_two_updates_and_once_a_request(mesh) -> None:
    await mesh.assign(RunState.RUNNING)
    async with mesh.fleet():
        await mesh.until_updates(2)

        path = await mesh.learner.save_checkpoint(request_id="a")
        again = await mesh.learner.save_checkpoint(request_id="a")
        await mesh.until_updates(mesh.num_updates() + 1)
        other = await mesh.learner.save_checkpoint(request_id="b")

    assert path == again != other
    assert Path(path).is_dir()


async def test_without_a_run_there_is_nothing_to_save(mesh) -> None:
    with pytest.raises(FailedPreconditionError, match="no run"):
        await mesh.learner.save_checkpoint()


async def test_a_learner_that_died_goes_on_from_params_which_is_ahead(mesh, wait_until) -> None:
    await mesh.assign(RunState.RUNNING)
    async with mesh.fleet():
        await mesh.until_updates(2)
        await mesh.learner.save_checkpoint()
        await mesh.until_updates(6)
        await mesh.stop("learner")
        before = await mesh.newest()

        await mesh.start("learner")
        await mesh.assign(RunState.RUNNING)
        await wait_until(lambda: mesh.num_updates() > before.number)
        await mesh.assign(RunState.STOPPED)
        await wait_until(lambda: mesh.progress().reached_state is RunState.STOPPED)

    after = await mesh.newest()
    assert after.epoch == before.epoch
    assert after.number == mesh.num_updates() + 1


async def test_a_learner_that_died_before_its_first_checkpoint_adopts_the_policy(mesh, wait_until) -> None:
    await mesh.assign(RunState.RUNNING)
    async with mesh.fleet():
        await mesh.until_updates(4)
        await mesh.stop("learner")
    before = await mesh.newest()

    await mesh.start("learner")
    await mesh.assign(RunState.PAUSED)
    await wait_until(lambda: mesh.num_updates() == before.number - 1)

    assert (await mesh.newest()).content_hash == before.content_hash


async def test_a_restored_learner_publishes_what_params_has_lost(mesh, wait_until) -> None:
    await mesh.assign(RunState.RUNNING)
    async with mesh.fleet():
        await mesh.until_updates(3)
        await mesh.assign(RunState.STOPPED)
        await wait_until(lambda: mesh.progress().reached_state is RunState.STOPPED)
    last = await mesh.params.pull(POLICY)
    await mesh.stop("learner")
    await mesh.stop("params")
    shutil.rmtree(mesh.folder / "runs" / "standalone")

    await mesh.start("params")
    await mesh.start("learner")
    await mesh.assign(RunState.PENDING)

    await wait_until(lambda: mesh.progress().reached_state is RunState.PENDING)
    restored = await mesh.params.pull(POLICY)
    assert restored.version.number == 1
    # The published values went through a difference to their base, which may round the last bit.
    for name, array in last.items():
        assert restored[name] == pytest.approx(array, abs=1e-6)


async def test_params_that_restarts_gets_the_next_weights(mesh, wait_until) -> None:
    await mesh.assign(RunState.RUNNING)
    async with mesh.fleet():
        await mesh.until_updates(2)
        await mesh.restart("params")
        count = mesh.num_updates()
        await mesh.until_updates(count + 4)
        await wait_until(mesh.newest)
    assert mesh.progress().failure is None


async def test_params_that_lost_the_model_gets_it_again(mesh, wait_until) -> None:
    await mesh.assign(RunState.RUNNING)
    async with mesh.fleet():
        await mesh.until_updates(2)
        await mesh.stop("params")
        shutil.rmtree(mesh.folder / "runs" / "standalone")
        await mesh.start("params")

        count = mesh.num_updates()
        await mesh.until_updates(count + 4)
        newest = await wait_until(mesh.newest)
    assert newest.number <= mesh.num_updates()
    assert mesh.progress().failure is None


async def test_replay_that_restarts_is_sampled_again(mesh) -> None:
    await mesh.assign(RunState.RUNNING)
    async with mesh.fleet():
        await mesh.until_updates(2)
        await mesh.restart("replay")
        await mesh.until_updates(mesh.num_updates() + 3)
    assert mesh.progress().failure is None


async def test_a_run_goes_on_after_it_was_stopped(mesh, wait_until) -> None:
    await mesh.assign(RunState.RUNNING)
    async with mesh.fleet():
        await mesh.until_updates(2)
        await mesh.assign(RunState.STOPPED)
        await wait_until(lambda: mesh.progress().reached_state is RunState.STOPPED)
        stopped = mesh.num_updates()

        await mesh.assign(RunState.RUNNING)
        await mesh.until_updates(stopped + 2)


async def test_a_checkpoint_of_another_network_fails_the_run_by_name(mesh, wait_until) -> None:
    await mesh.assign(RunState.RUNNING)
    async with mesh.fleet():
        await mesh.until_updates(1)
        await mesh.assign(RunState.STOPPED)
        await wait_until(lambda: mesh.progress().reached_state is RunState.STOPPED)
    mesh.spec = mesh.spec.model_copy(update={"network": mesh.spec.network.model_copy(update={"hidden": (9,)})})

    await mesh.assign(RunState.RUNNING)

    await wait_until(lambda: mesh.progress().failure is not None)
    assert "fingerprint" in mesh.progress().failure
