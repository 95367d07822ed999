"""What a learner does with its assignments."""

import numpy as np

from heronry.learner.plan import RunPlan
from heronry.spec import EXPERIENCE, POLICY
from heronry.types.run import RunState


async def test_the_model_is_there_as_soon_as_a_run_asks_all_shards(mesh, wait_until) -> None:
    await mesh.assign(RunState.PENDING)

    await wait_until(lambda: mesh.progress().reached_state is RunState.PENDING)
    parameters = await mesh.params.pull(POLICY)
    plan = RunPlan.from_spec(mesh.spec.to_dict())
    for name, array in plan.first_weights(plan.network()).items():
        np.testing.assert_array_equal(parameters[name], array)
    assert parameters.version.number == 1


async def test_each_batch_becomes_a_version_and_is_counted(mesh, wait_until) -> None:
    await mesh.assign(RunState.RUNNING)

    async with mesh.fleet():
        await mesh.until_updates(4)
        await mesh.assign(RunState.PAUSED)
        await wait_until(lambda: mesh.progress().reached_state is RunState.PAUSED)

    statistics = await mesh.learner.statistics()
    figures = mesh.progress().figures
    await wait_until(lambda: mesh.services["learner"].statistics().version.number == statistics.num_updates + 1)
    assert statistics.num_gradient_steps == 2 * statistics.num_updates
    assert statistics.num_steps == 32 * statistics.num_updates
    assert (statistics.algorithm, statistics.device) == ("ppo", "cpu")
    assert statistics.update_time_s > 0
    assert figures["updates"] == statistics.num_updates
    assert {"loss", "policy_loss", "value_loss", "entropy", "approximate_kl"} <= set(figures)


async def test_a_pause_halts_and_nothing_is_lost(mesh, wait_until) -> None:
    await mesh.assign(RunState.RUNNING)
    async with mesh.fleet():
        await mesh.until_updates(2)

        await mesh.assign(RunState.PAUSED)
        await wait_until(lambda: mesh.progress().reached_state is RunState.PAUSED)
        halted = mesh.num_updates()
        info = await mesh.replay.get_table(EXPERIENCE)
        assert mesh.num_updates() == halted

        await mesh.assign(RunState.RUNNING)
        await mesh.until_updates(halted + 3)
    assert info.num_samples >= halted * mesh.spec.algorithm.batch_size


async def test_the_end_of_a_run_saves_what_params_has(mesh, wait_until) -> None:
    await mesh.assign(RunState.RUNNING)
    async with mesh.fleet():
        await mesh.until_updates(3)

        await mesh.assign(RunState.FINISHING)
        await wait_until(lambda: mesh.progress().reached_state is RunState.FINISHING)

    num_updates = mesh.num_updates()
    version = await mesh.newest()
    folders = list((mesh.folder / "runs" / "run" / "checkpoints" / "learner").iterdir())
    assert [p.name for p in folders] == [f"update-{num_updates:012d}"]
    assert version.number == num_updates + 1


async def test_a_run_that_is_stopped_while_it_waits_for_batches_ends(mesh, wait_until) -> None:
    await mesh.assign(RunState.RUNNING)
    await wait_until(lambda: mesh.services["learner"].statistics().device == "cpu")

    await mesh.assign(RunState.STOPPED)

    await wait_until(lambda: mesh.progress().reached_state is RunState.STOPPED)


async def test_a_run_that_is_stopped_before_its_model_is_known_ends(mesh, wait_until) -> None:
    await mesh.assign(RunState.RUNNING)
    await mesh.assign(RunState.STOPPED)

    await wait_until(lambda: mesh.progress().reached_state is RunState.STOPPED)


async def test_q_learning_sends_priorities_back(make_mesh, dqn, wait_until) -> None:
    async with make_mesh(algorithm=dqn) as mesh:
        await mesh.assign(RunState.RUNNING)
        async with mesh.fleet():
            await mesh.until_updates(5)
        figures = mesh.progress().figures

        batches = mesh.replay.sample(EXPERIENCE, batch_size=16, credits=1, timeout_s=10.0)
        await mesh.assign(RunState.PAUSED)
        batch = await anext(batches)
        await batches.aclose()

    assert figures["gradient_steps"] == 2 * figures["updates"]
    assert {"loss", "importance_exponent"} <= set(figures)
    assert len(set(batch.priorities.tolist())) > 1


async def test_a_device_that_is_not_there_fails_the_run_by_name(make_mesh, wait_until) -> None:
    async with make_mesh(learner={"device": "cuda:99"}) as mesh:
        await mesh.assign(RunState.RUNNING)

        await wait_until(lambda: mesh.progress().failure is not None)

        assert "learner.device: got 'cuda:99'" in mesh.progress().failure


async def test_an_environment_that_is_not_there_fails_the_run_by_name(make_mesh, wait_until) -> None:
    async with make_mesh(environment={"id": "CartPool-v1"}) as mesh:
        await mesh.assign(RunState.PENDING)

        await wait_until(lambda: mesh.progress().failure is not None)

        assert "CartPool-v1" in mesh.progress().failure
