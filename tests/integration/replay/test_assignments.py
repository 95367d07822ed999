"""Tables follow the assigned run."""

import asyncio
import gc

import grpc
import numpy as np
import pytest

from heronry.spec import resolve
from heronry.types.columns import ColumnSpec
from heronry.types.errors import TableNotFoundError
from heronry.types.run import Assignment, RunState
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.version import ParameterVersion

SPEC = resolve("cartpole", algorithm="ppo").to_dict()


def assignment(run_id: str, state: RunState = RunState.PENDING, generation: int = 1) -> Assignment:
    return Assignment(generation, run_id, state, SPEC)


async def test_the_tables_of_the_run_are_made_and_its_figures_reported(run, specs: dict[str, ColumnSpec]) -> None:
    running = await run()
    service = running.service
    assert service.progress().run_id == ""

    await service.reconcile(assignment("first"))

    assert [i.definition.table for i in await running.client.list_tables()] == ["experience"]
    progress = service.progress()
    assert (progress.run_id, progress.reached_state) == ("first", RunState.PENDING)
    assert progress.figures == {"inserts": 0, "samples": 0, "items": 0, "lagging": 0, "insert_waiting_s": 0}


async def test_an_equal_assignment_again_changes_nothing_and_another_run_begins_empty(
    run, specs: dict[str, ColumnSpec]
) -> None:
    running = await run()
    await running.service.reconcile(assignment("first"))
    unroll = resolve("cartpole", algorithm="ppo").fleet.unroll_length
    async with running.client.writer("experience", columns=[specs["step"]], num_lanes=1) as writer:
        await writer.append({"step": np.zeros((unroll, 1), np.int64)}, ParameterVersion(1, 1))
        await writer.flush()

    await running.service.reconcile(assignment("first", RunState.RUNNING, 2))
    assert running.service.progress().figures["items"] == 1
    await running.service.reconcile(assignment("first", RunState.STOPPED, 3))
    assert running.service.progress().figures["items"] == 1
    await running.service.reconcile(assignment("first", RunState.PENDING, 4))
    assert running.service.progress().figures["items"] == 0


async def test_a_new_run_drops_the_former_ones_tables_and_leaves_those_of_clients(run) -> None:
    running = await run()
    mine = TableDefinition("mine", Selector.uniform(), Selector.fifo(), RateLimiter.of_min_size(1), 10)
    await running.client.create_table(mine)
    await running.service.reconcile(assignment("first"))
    reader = await running.reader(1, table="experience")
    assert (await reader.read()).WhichOneof("part") == "waiting"

    await running.service.reconcile(assignment("second"))

    assert [i.definition.table for i in await running.client.list_tables()] == ["experience", "mine"]
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await reader.drain()
    assert ended.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_without_a_run_there_are_no_tables(run) -> None:
    running = await run()
    await running.service.reconcile(Assignment())

    with pytest.raises(TableNotFoundError, match="have: none"):
        await running.client.get_table("experience")


async def test_streams_that_end_while_a_lockstep_run_begins_anew_leave_no_error_without_an_owner(
    run, specs: dict[str, ColumnSpec]
) -> None:
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
    running = await run()
    lockstep = {**SPEC, "lockstep": True}
    for start in range(1, 15):
        await running.service.reconcile(Assignment(start, "first", RunState.RUNNING, lockstep, num_starts=start))
        readers = [await running.reader(1, table="experience") for _ in range(3)]
        for reader in readers:
            assert (await reader.read()).WhichOneof("part") == "waiting"

        anew = Assignment(start, "first", RunState.RUNNING, lockstep, num_starts=start + 1)
        going = asyncio.ensure_future(running.service.reconcile(anew))
        # Another moment of it each time.
        for _ in range(start % 7):
            await asyncio.sleep(0)
        for reader in readers:
            reader.call.cancel()
        await going
    gc.collect()
    await asyncio.sleep(0)

    assert complaints == []
