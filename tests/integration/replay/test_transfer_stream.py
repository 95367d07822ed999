"""Items out of a table and into another one."""

from dataclasses import replace

import grpc
import numpy as np
import pytest

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError, TableNotFoundError
from heronry.types.experience import Block, Run
from heronry.types.patterns import Pattern
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion
from heronry.wire.blocks import block_to_proto
from heronry.wire.status import error_from_rpc
from heronry.wire.step_runs import run_from_proto

STEP = ColumnSpec("step", ElementType.INT64, ())
FREE = TableDefinition(
    "t", Selector.fifo(), Selector.fifo(), RateLimiter.of_min_size(1), 500, 1, pattern=Pattern(3, 1), columns=(STEP,)
)


async def exported(running, table: str = "t", **options: object) -> list[Run]:
    call = running.stub.Export(pb.ExportRequest(table=table, **options), timeout=10)
    return [run_from_proto(run) async for response in call for run in response.runs]


async def imported(running, runs: list[pb.Run], table: str) -> pb.ImportResponse:
    return await running.stub.Import(iter([pb.ImportRequest(table=table), pb.ImportRequest(runs=runs)]), timeout=10)


async def raw_runs(running) -> list[pb.Run]:
    return [
        run async for response in running.stub.Export(pb.ExportRequest(table="t"), timeout=10) for run in response.runs
    ]


async def test_items_come_out_as_runs_and_go_into_another_table_as_they_were(run) -> None:
    running = await run()
    await running.create(FREE)
    await running.create(replace(FREE, table="u"))
    writer = await running.writer(lanes=2)
    await writer.write(1, list(range(20)), priority=2.0, number=7)
    await writer.accepted(1)

    answer = await imported(running, await raw_runs(running), "u")

    assert answer.num_items == 16
    assert (await running.info()).num_items == (await running.info("u")).num_items == 16
    one = await (await running.reader(16)).batch()
    other = await (await running.reader(16, table="u")).batch()
    for name in ("priorities", "behaviour_numbers", "behaviour_epochs"):
        assert sorted(getattr(one, name)) == sorted(getattr(other, name))
    windows = [sorted(map(tuple, batch.columns["step"].T.tolist())) for batch in (one, other)]
    assert windows[0] == windows[1] == sorted((s, s + 2, s + 4) for s in range(16))


async def test_each_step_comes_once_a_run(run) -> None:
    running = await run()
    await running.create(FREE)
    writer = await running.writer()
    await writer.write(1, list(range(100)))
    await writer.accepted(1)

    runs = await exported(running)

    assert np.concatenate([r.columns["step"] for r in runs]).tolist() == list(range(100))
    assert sum(len(r.items) for r in runs) == 98


async def test_no_more_items_come_than_were_asked_for(run) -> None:
    running = await run()
    await running.create(FREE)
    writer = await running.writer()
    await writer.write(1, list(range(100)))
    await writer.accepted(1)

    runs = await exported(running, max_items=10)

    assert sum(len(r.items) for r in runs) == 10
    assert runs[0].columns["step"].tolist() == list(range(12))


async def test_large_exports_come_in_messages_of_two_mebibytes_and_hold_what_they_read(run, specs) -> None:
    running = await run()
    wide = replace(FREE, columns=(specs["wide"],), max_size=600, pattern=Pattern(1, 1))
    await running.create(wide)
    writer = await running.writer(specs=(specs["wide"],))
    for sequence in range(1, 6):
        columns = {"wide": np.full((100, 1, 4096), sequence, np.float32)}
        block = block_to_proto(Block(sequence, columns, ParameterVersion(1, 1)))
        await writer.call.write(pb.AppendRequest(block=block))
    await writer.accepted(5)
    call = aiter(running.stub.Export(pb.ExportRequest(table="t"), timeout=10))
    responses = [await anext(call)]
    await running.stub.ResetTable(pb.ResetTableRequest(table="t"), timeout=5)

    responses += [response async for response in call]

    assert all(r.ByteSize() <= 2 << 20 for r in responses)
    assert [r.HasField("info") for r in responses] == [True] + [False] * (len(responses) - 1)
    values = np.concatenate([run_from_proto(r).columns["wide"][:, 0] for m in responses for r in m.runs])
    assert values.tolist() == np.repeat(np.arange(1, 6), 100).tolist()
    # But for the page that the writer has open.
    assert (await running.info()).num_bytes <= 1 << 20


async def test_a_table_without_items_exports_what_it_is_and_nothing_else(run) -> None:
    running = await run()
    await running.create(FREE)

    responses = [r async for r in running.stub.Export(pb.ExportRequest(table="t"), timeout=10)]

    assert [(r.info.definition.table, len(r.runs)) for r in responses] == [("t", 0)]


async def test_unknown_tables_and_runs_that_do_not_fit_are_named(run) -> None:
    running = await run()
    await running.create(FREE)
    await running.create(replace(FREE, table="u", columns=(ColumnSpec("other", ElementType.INT64, ()),)))
    writer = await running.writer()
    await writer.write(1, list(range(10)))
    await writer.accepted(1)
    runs = await raw_runs(running)

    for call, error in (
        (exported(running, "nothing"), TableNotFoundError),
        (imported(running, runs, "nothing"), TableNotFoundError),
        (imported(running, runs, "u"), SchemaMismatchError),
        (running.stub.Import(iter([pb.ImportRequest(table="t")] * 2), timeout=10), InvalidArgumentError),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await call
        assert type(error_from_rpc(ended.value)) is error
    assert (await running.info("u")).num_items == 0
