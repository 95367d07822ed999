"""What a fleet does on an assignment, seen from the services around it."""

import asyncio

import numpy as np
import pytest

from heronry.spec import POLICY
from heronry.types.contribution import ContributionKind
from heronry.types.errors import DeadlineExceededError
from heronry.types.run import RunState


async def batches(mesh, table, count, batch_size=4):
    found = []
    async for batch in mesh.replay.sample(table, batch_size=batch_size, timeout_s=10.0):
        found.append(batch)
        if len(found) == count:
            return found
    raise AssertionError("the stream ended")


async def test_unrolls_reach_the_table_with_the_version_that_acted(mesh, table):
    version = await mesh.begin()

    batch = (await batches(mesh, table, 1))[0]

    assert batch.columns["observation"].shape == (8, 4, 4)
    assert set(batch.columns) == {
        "observation",
        "action",
        "reward",
        "terminated",
        "truncated",
        "next_observation",
        "mask",
        "episode_id",
        "log_probability",
    }
    assert np.all(batch.behaviour_numbers == version.number)
    assert np.all(batch.columns["log_probability"] < 0.0)


async def test_lanes_go_on_from_batch_to_batch(mesh, table):
    await mesh.begin()

    first, second = await batches(mesh, table, 2)

    ended = first.columns["terminated"][-1] | first.columns["truncated"][-1]
    shown = second.columns["observation"][0]
    assert np.array_equal(shown[~ended], first.columns["next_observation"][-1][~ended])
    np.testing.assert_array_equal(second.columns["episode_id"][0] - first.columns["episode_id"][-1], 4 * ended)


async def test_new_weights_act_without_being_asked_for(mesh, table, wait_until):
    first = await mesh.begin()
    second = await mesh.publish(first, seed=1)

    newest = []
    async for batch in mesh.replay.sample(table, batch_size=4, timeout_s=10.0):
        newest.append(int(batch.behaviour_numbers.max()))
        if newest[-1] == second.number:
            break

    assert newest == sorted(newest)
    statistics = await mesh.fleet.statistics()
    assert statistics.behaviour_version == second


async def test_an_on_policy_fleet_runs_only_one_block_ahead_of_the_queue(mesh, table, wait_until):
    await mesh.begin()
    # The queue holds two batches of four unrolls; one block waits outside.
    await wait_until(lambda: mesh.progress().figures["env_steps"] >= 2 * 4 * 8)

    info = await mesh.replay.get_table(table)

    assert info.num_items <= info.definition.max_size
    unrolls = sum((await mesh.fleet.statistics()).policy_lag.values())
    assert unrolls <= info.definition.max_size // 4 + 1


async def test_a_program_of_ones_own_is_one_more_block_behind_at_most(make_mesh, table, wait_until):
    async with make_mesh(algorithm={"name": "external", "batch_size": 4}) as mesh:
        await mesh.begin()
        await wait_until(lambda: mesh.progress().figures["env_steps"] >= 3 * 4 * 8)

        info = await mesh.replay.get_table(table)

        unrolls = sum((await mesh.fleet.statistics()).policy_lag.values())
        assert info.num_items <= info.definition.max_size
        # One block is on its way while the next is collected.
        assert unrolls <= info.definition.max_size // 4 + 2


async def test_transitions_for_a_program_of_ones_own_displace_the_oldest(make_mesh, table, wait_until):
    algorithm = {"name": "external", "table": "replay", "replay_size": 64, "min_replay_size": 16}
    async with make_mesh(algorithm=algorithm) as mesh:
        await mesh.begin()
        await wait_until(lambda: mesh.progress().figures["env_steps"] > 200)

        batch = (await batches(mesh, table, 1, batch_size=16))[0]

        assert batch.columns["observation"].shape == (1, 16, 4)
        assert (await mesh.replay.get_table(table)).num_items <= 64
        # Most transitions go on: the successor is not the observation.
        assert not np.array_equal(batch.columns["observation"], batch.columns["next_observation"])


async def test_a_paused_fleet_stands_still_and_goes_on_where_it_was(mesh, table, wait_until):
    await mesh.begin()
    await batches(mesh, table, 2)

    await mesh.assign(RunState.PAUSED)
    await wait_until(lambda: mesh.progress().reached_state is RunState.PAUSED)
    held = (await mesh.replay.get_table(table)).num_items
    drained = [b async for b in _taken(mesh, table, held // 4)]
    with pytest.raises(DeadlineExceededError):
        # At most the block that was complete and waiting outside comes after the queue's own.
        await _more(mesh, table, 2)
    await mesh.assign(RunState.RUNNING)

    assert await batches(mesh, table, 3)
    assert len(drained) == held // 4


async def _taken(mesh, table, count):
    if count:
        for batch in await batches(mesh, table, count):
            yield batch


async def _more(mesh, table, count):
    found = 0
    async for _ in mesh.replay.sample(table, batch_size=4, timeout_s=0.3):
        found += 1
        if found == count:
            return


@pytest.mark.parametrize("state", [RunState.FINISHING, RunState.STOPPED])
async def test_a_finished_fleet_collects_no_more_and_says_so(mesh, table, wait_until, state):
    await mesh.begin()
    await batches(mesh, table, 1)

    await mesh.assign(state)
    await wait_until(lambda: mesh.progress().reached_state is state)

    steps = mesh.progress().figures["env_steps"]
    for _ in range(20):
        await asyncio.sleep(0)
    assert mesh.progress().figures["env_steps"] == steps
    assert mesh.progress().failure is None


async def test_a_stopped_run_that_is_resumed_plays_other_episodes(mesh, table, wait_until):
    await mesh.begin()
    first = (await batches(mesh, table, 1))[0]
    await mesh.assign(RunState.STOPPED)
    await wait_until(lambda: mesh.progress().reached_state is RunState.STOPPED)
    await mesh.replay.reset(table)

    await mesh.begin_anew(RunState.RUNNING)
    again = (await batches(mesh, table, 1))[0]

    assert not np.array_equal(first.columns["observation"][0], again.columns["observation"][0])


async def test_a_restored_run_of_q_learning_explores_as_little_as_before_though_its_table_is_empty(make_mesh, table):
    algorithm = {"name": "dqn", "batch_size": 64, "publish_period": 1, "samples_per_insert": 1, "min_replay_size": 8}
    async with make_mesh(algorithm={**algorithm, "epsilon_final": 0.0, "epsilon_decay_steps": 64}) as mesh:
        tensors = mesh.tensors()
        tensors["q/head/bias"][:] = [100.0, 0.0]
        await mesh.replay.create_table(mesh.spec.tables()[0])
        version, _ = await mesh.params.register_model(POLICY, tensors)
        # One update: 8 steps before it and 64 for it.
        await mesh.params.push(POLICY, tensors, kind=ContributionKind.WEIGHTS, base_version=version)

        await mesh.assign(RunState.RUNNING)
        batch = (await batches(mesh, table, 1))[0]

        assert np.all(batch.columns["action"] == 0)


async def test_environments_are_ready_before_the_run_begins(mesh, wait_until):
    await mesh.assign(RunState.PENDING)

    await wait_until(lambda: mesh.progress().reached_state is RunState.PENDING)

    assert mesh.progress().run_id == "run"
    assert mesh.progress().first_step_time_s is None


async def test_a_fleet_waits_for_the_model_and_the_table(mesh, table, wait_until):
    await mesh.assign(RunState.RUNNING)
    await wait_until(lambda: mesh.progress().reached_state is RunState.RUNNING)

    await mesh.replay.create_table(mesh.spec.tables()[0])
    await mesh.register()

    assert await batches(mesh, table, 1)


async def test_progress_and_statistics_tell_what_was_done(mesh, table, wait_until):
    await mesh.begin()

    async for _ in mesh.replay.sample(table, batch_size=4, timeout_s=10.0):
        if mesh.progress().figures["episodes"] > 0:
            break

    progress, statistics = mesh.progress(), await mesh.fleet.statistics()
    assert progress.figures["env_steps"] > 0
    assert progress.figures["mean_return"] >= 1.0
    assert progress.first_step_time_s is not None
    assert statistics.run_id == "run"
    assert statistics.environment == "CartPole-v1"
    assert statistics.num_environments == 4
    assert statistics.environment_time_s > 0.0
    assert statistics.inference_time_s > 0.0
    assert statistics.waiting_time_s > 0.0
    assert sum(statistics.policy_lag.values()) > 0
    assert statistics.mean_length == statistics.mean_return


async def test_q_learning_explores_from_where_the_run_was(make_mesh, table, wait_until):
    algorithm = {"name": "dqn", "epsilon_decay_steps": 50, "epsilon_final": 0.0, "min_replay_size": 64}
    async with make_mesh(algorithm=algorithm, replay={"acknowledgement": "memory"}) as mesh:
        await mesh.begin()
        await wait_until(lambda: mesh.progress().figures["env_steps"] >= 96)
        batch = (await batches(mesh, table, 1, batch_size=16))[0]

        assert "log_probability" not in batch.columns
        assert batch.columns["observation"].shape == (1, 16, 4)


async def test_another_run_takes_the_place_of_the_former(mesh, table, wait_until):
    await mesh.begin()
    await batches(mesh, table, 1)

    await mesh.assign(RunState.PENDING, run_id="next")

    await wait_until(lambda: mesh.progress().run_id == "next" and mesh.progress().reached_state is RunState.PENDING)
    assert mesh.progress().figures["env_steps"] == 0
