"""Blocks in, batches out, through the SDK."""

import numpy as np
import pytest

from heronry.client.writer import Writer
from heronry.types.columns import ColumnSpec, column_specs
from heronry.types.errors import (
    AlreadyExistsError,
    InvalidArgumentError,
    SchemaMismatchError,
    TableNotFoundError,
)
from heronry.types.patterns import Pattern
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

QUEUE = TableDefinition.queue("t", size=64, pattern=Pattern(32, 32))
FREE = RateLimiter.of_min_size(1)


def prioritized(**changes: object) -> TableDefinition:
    name = changes.pop("table", "t")
    return TableDefinition(name, Selector.prioritized(1.0), Selector.fifo(), FREE, max_size=5000, **changes)


def unroll(lanes: int, offset: int = 0) -> dict[str, np.ndarray]:
    base = np.arange(32 * lanes).reshape(32, lanes) + offset
    return {"observation": np.stack([base, -base], -1).astype(np.float32), "done": base % 5 == 0, "action": base}


async def write_one(opening: Writer, steps: np.ndarray) -> None:
    async with opening as writer:
        await writer.append({"step": steps}, ParameterVersion(1, 1))
        await writer.flush()


async def test_an_unroll_of_each_lane_comes_out_as_it_went_in(run) -> None:
    running = await run()
    await running.create(QUEUE)
    blocks = [unroll(8), unroll(8, 1000)]

    async with running.client.writer("t", columns=column_specs(blocks[0]), num_lanes=8) as writer:
        for number, block in enumerate(blocks):
            await writer.append(block, ParameterVersion(3, number))
        await writer.flush()
        batches = running.client.sample("t", batch_size=16)
        batch = await anext(batches)
        await batches.aclose()

    for path in blocks[0]:
        expected = np.concatenate([b[path] for b in blocks], axis=1)
        np.testing.assert_array_equal(batch.columns[path], expected)
    assert batch.versions.tolist() == [[3, 0]] * 8 + [[3, 1]] * 8
    assert (await running.info()).num_items == 0


async def test_a_large_batch_comes_in_parts(run, specs: dict[str, ColumnSpec]) -> None:
    running = await run()
    await running.create(prioritized(pattern=Pattern(4, 4)))
    wide = np.random.default_rng(0).random((64, 4, 4096)).astype(np.float32)
    async with running.client.writer("t", columns=[specs["wide"]], num_lanes=4) as writer:
        for start in range(0, 64, 16):
            await writer.append({"wide": wide[start : start + 16]}, ParameterVersion(1, 1))
        await writer.flush()

    batches = running.client.sample("t", batch_size=64)
    batch = await anext(batches)
    await batches.aclose()

    assert batch.columns["wide"].shape == (4, 64, 4096)
    windows = {wide[s : s + 4, lane].tobytes() for s in range(0, 64, 4) for lane in range(4)}
    assert {batch.columns["wide"][:, b].tobytes() for b in range(64)} <= windows


async def test_priorities_move_what_is_served(run, specs: dict[str, ColumnSpec]) -> None:
    running = await run()
    await running.create(prioritized())
    async with running.client.writer("t", columns=[specs["step"]], num_lanes=1) as writer:
        await writer.append({"step": np.arange(50)[:, None]}, ParameterVersion(1, 1))
        await writer.flush()
    batches = running.client.sample("t", batch_size=256, credits=1)
    batch = await anext(batches)
    keys = dict(zip(batch.columns["step"][0].tolist(), batch.keys, strict=True))
    assert len(keys) == 50

    strange = np.array([2**63], np.uint64)
    others = np.array([key for step, key in keys.items() if step != 7], np.uint64)
    counts = await running.client.update_priorities("t", np.append(others, strange), np.zeros(50))

    assert counts == (49, 1)
    assert set((await anext(batches)).columns["step"][0].tolist()) == {7}
    assert await running.client.delete("t", others[:9]) == (9, 0)
    assert await running.client.delete("t", others[:10]) == (1, 9)
    await batches.aclose()


async def test_named_errors_reach_the_client(run) -> None:
    running = await run()
    client = running.client
    with pytest.raises(TableNotFoundError, match="no table 'nothing'"):
        await client.get_table("nothing")
    assert await client.create_table(prioritized())
    assert not await client.create_table(prioritized())
    with pytest.raises(AlreadyExistsError):
        await client.create_table(prioritized(seed=5))
    with pytest.raises(InvalidArgumentError, match=r"priorities\[0\]: got nan"):
        await client.update_priorities("t", np.array([1], np.uint64), np.array([np.nan]))
    with pytest.raises(TableNotFoundError):
        await anext(client.sample("nothing", batch_size=1))


async def test_a_block_that_does_not_fit_ends_its_own_stream_only(run, specs: dict[str, ColumnSpec]) -> None:
    running = await run()
    await running.create(prioritized())
    async with running.client.writer("t", columns=[specs["step"]], num_lanes=1) as good:
        await good.append({"step": np.zeros((1, 1), np.int64)}, ParameterVersion(1, 1))
        await good.flush()
        other = ColumnSpec("step", ElementType.FLOAT32, ())
        with pytest.raises(SchemaMismatchError, match=r"columns\.step: got 'float32\[\]', allowed: int64\[\]"):
            await write_one(running.client.writer("t", columns=[other], num_lanes=1), np.zeros((1, 1), np.float32))

        await good.append({"step": np.zeros((1, 1), np.int64)}, ParameterVersion(1, 1))
        await good.flush()

    assert (await running.info()).num_inserts == 2


async def test_tables_are_listed_by_name_and_reset(run, specs: dict[str, ColumnSpec]) -> None:
    running = await run()
    for name in ("b", "a"):
        await running.client.create_table(TableDefinition(name, Selector.uniform(), Selector.fifo(), FREE, 10))
    async with running.client.writer("a", columns=[specs["step"]], num_lanes=2) as writer:
        await writer.append({"step": np.zeros((3, 2), np.int64)}, ParameterVersion(1, 1))
        await writer.flush()

    infos = await running.client.list_tables()

    assert [(i.definition.table, i.num_items) for i in infos] == [("a", 6), ("b", 0)]
    assert await running.client.reset("a") == 6
