"""A learner in lockstep: saves at barriers alone, goes back to the last one, learns each batch once."""

from pathlib import Path

import numpy as np

from heronry.learner.barriers import BarrierPlan, Barriers
from heronry.spec import POLICY
from heronry.types.experience import Batch
from heronry.types.run import Barrier, RunState
from heronry.types.version import ParameterVersion

# An update takes four unrolls of eight steps.
LOCKSTEP = {"lockstep": True, "checkpoint": {"every_updates": 3}}


async def stand_at(mesh, wait_until, num_updates):
    """Wait until the learner stands at the barrier after that many updates; return it."""

    async def barrier_there():
        barrier = (await mesh.learner.statistics()).barrier
        return barrier if barrier is not None and barrier.num_updates == num_updates else None

    return await wait_until(barrier_there)


async def test_it_stands_at_a_barrier_before_the_first_update(make_mesh, wait_until) -> None:
    async with make_mesh(**LOCKSTEP) as mesh:
        await mesh.assign(RunState.PENDING)

        barrier = await stand_at(mesh, wait_until, 0)

        assert barrier.version == (await mesh.newest())
        assert Path(await mesh.learner.save_checkpoint()).name == "update-000000000000"


async def test_what_is_saved_between_barriers_is_the_last_one(make_mesh, wait_until) -> None:
    async with make_mesh(**LOCKSTEP) as mesh:
        await mesh.assign(RunState.RUNNING)
        async with mesh.fleet():
            await mesh.until_updates(4)
            path = await mesh.learner.save_checkpoint()
            at_barrier = mesh.progress().figures["barrier_updates"]
        await mesh.assign(RunState.STOPPED)
        await wait_until(lambda: mesh.progress().reached_state is RunState.STOPPED)

        saved = {int(p.name.removeprefix("update-")) for p in Path(path).parent.iterdir()}
    assert int(Path(path).name.removeprefix("update-")) % 3 == 0
    assert at_barrier % 3 == 0
    assert all(count % 3 == 0 for count in saved)


async def test_a_new_start_goes_back_to_the_barrier_bit_for_bit_though_params_is_ahead(make_mesh, wait_until) -> None:
    async with make_mesh(**LOCKSTEP, max_env_steps=5 * 32) as mesh:
        await mesh.assign(RunState.RUNNING)
        async with mesh.fleet():
            await mesh.until_updates(5)
            await stand_at(mesh, wait_until, 5)
        # The end of a run is a barrier as well; take it away to be left between two of them.
        ahead = await mesh.newest()
        newest = Path(await mesh.learner.save_checkpoint())
        await mesh.stop("learner")
        (newest / "learner.json").unlink()
        contents = {v.version.number: v.version.content_hash for v in await mesh.params.list_versions(POLICY)}

        await mesh.start("learner")
        await mesh.assign(RunState.PENDING)
        barrier = await stand_at(mesh, wait_until, 3)

        assert barrier.version == (await mesh.newest())
        assert barrier.version.number > ahead.number
        # Version 1 came before the first update, so that version 4 is the third update's.
        assert barrier.version.content_hash == contents[4]


async def test_it_makes_no_update_beyond_the_last(make_mesh, wait_until) -> None:
    async with make_mesh(**LOCKSTEP, max_env_steps=4 * 32) as mesh:
        await mesh.assign(RunState.RUNNING)
        async with mesh.fleet():
            await stand_at(mesh, wait_until, 4)
            await wait_until(lambda: _is_full(mesh))

        assert mesh.num_updates() == 4
        assert mesh.progress().figures["barrier_updates"] == 4


async def _is_full(mesh) -> bool:
    (info,) = await mesh.replay.list_tables()
    return info.num_items >= info.definition.max_size


def batch_of(keys) -> Batch:
    ones = np.ones(len(keys))
    return Batch({}, np.array(keys, np.uint64), ones, ones, ones, ones, ones, 8, 1)


def test_a_batch_that_comes_again_is_not_learnt_from_again() -> None:
    barriers = Barriers(BarrierPlan(every_updates=3, max_updates=10))
    barriers.reach(Barrier(0, ParameterVersion(1, 1), 1), Path("update-0"))

    taken = [barriers.leave(batch_of(keys)) for keys in ([1, 2], [3, 4], [3, 4], [5, 6], [1, 2])]

    assert taken == [True, True, False, True, False]
    assert barriers.here is None
    assert [count for count in range(1, 11) if barriers.is_due(count)] == [3, 4, 5, 6, 7, 8, 9, 10]
