"""The work of a client process through the SDK; inputs are made once and rotated."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from heronry.bench.replay.load import Load
from heronry.bench.replay.payloads import SPECS, Step, blocks_of, columns_of, num_distinct_steps, steps_of
from heronry.client.replay import ReplayClient
from heronry.client.writer import Writer
from heronry.types.columns import Columns
from heronry.types.experience import Batch
from heronry.types.version import ParameterVersion

STEPS_A_CALL = 64
"""Steps appended between two looks at the clock."""
VECTORS_A_CALL = 16
_FILL_BYTES = 400_000
_MAX_FILL_STEPS = 1024
_NUM_ORDERS = 4
_VERSION = ParameterVersion(1, 1)
Advance = Callable[[], Awaitable[int]]


class Task(Protocol):
    """Some work in small calls."""

    def call(self) -> Awaitable[int]:
        """Do some of it; return how many items that was."""
        ...

    def finish(self) -> Awaitable[object]:
        """Wait until all that was done counts."""
        ...


class ChangeTask:
    """Changes a table, by `advance`, and waits at the end of a window, by `flush`."""

    def __init__(self, advance: Advance, flush: Callable[[], Awaitable[object]]) -> None:
        self._advance = advance
        self._flush = flush

    def call(self) -> Awaitable[int]:
        return self._advance()

    def finish(self) -> Awaitable[object]:
        """Wait until the service has accepted everything."""
        return self._flush()


class SampleTask:
    """Takes batches, and reads a value of each of their columns."""

    def __init__(self, client: ReplayClient, load: Load) -> None:
        self._batches = client.sample(
            load.table,
            batch_size=load.batch_size,
            credits=load.credits,
            shared_memory=load.transport == "shm",
        )

    async def call(self) -> int:
        batch = await anext(self._batches)
        touch(batch)
        return batch.batch_size

    async def finish(self) -> None:
        """Nothing is under way that was counted."""

    async def close(self) -> None:
        """End the stream."""
        await self._batches.aclose()


def touch(batch: Batch) -> None:
    """Read the last value of every column, so that nothing can be left for later."""
    for column in batch.columns.values():
        column.item(column.size - 1)


@contextlib.asynccontextmanager
async def task_of(client: ReplayClient, load: Load) -> AsyncIterator[Task]:
    """Make the task of a load; its streams are open while it is entered."""
    if load.kind == "sample":
        task = SampleTask(client, load)
        try:
            yield task
        finally:
            await task.close()
    elif load.kind == "update_priorities":
        async with _updates(client, load) as updates:
            yield updates
    else:
        async with _appends(client, load) as appends:
            yield appends


@contextlib.asynccontextmanager
async def _appends(client: ReplayClient, load: Load) -> AsyncIterator[ChangeTask]:
    columns = columns_of(load.payload, num_distinct_steps(load.payload), load.seed)
    async with client.writer(load.table, columns=SPECS[load.payload], num_lanes=load.num_lanes) as writer:
        advance = {"append_steps": _steps, "append_vectors": _vectors, "fill": _blocks}[load.kind]
        yield ChangeTask(advance(writer, columns, load.num_lanes), writer.flush)


def _steps(writer: Writer, columns: Columns, num_lanes: int) -> Advance:
    """Append one step at a time, of the only lane, as an environment gives them."""
    assert num_lanes == 1
    steps: Iterator[Step] = steps_of(columns)

    async def advance() -> int:
        for step in itertools.islice(steps, STEPS_A_CALL):
            await writer.append_step(step, behaviour_version=_VERSION)
        return STEPS_A_CALL

    return advance


def _vectors(writer: Writer, columns: Columns, num_lanes: int) -> Advance:
    """Append one step of all lanes at a time, as a vector of environments gives them."""
    (block,) = blocks_of(columns, len(columns["reward"]) // num_lanes, num_lanes)
    vectors: Iterator[Step] = steps_of(block)

    async def advance() -> int:
        for vector in itertools.islice(vectors, VECTORS_A_CALL):
            await writer.append_batch(vector, behaviour_version=_VERSION)
        return VECTORS_A_CALL * num_lanes

    return advance


def _blocks(writer: Writer, columns: Columns, num_lanes: int) -> Advance:
    """Append ready blocks."""
    step_bytes = sum(column[:1].nbytes for column in columns.values())
    num_steps = max(1, min(_MAX_FILL_STEPS, _FILL_BYTES // step_bytes) // num_lanes)
    blocks = itertools.cycle(blocks_of(columns, num_steps, num_lanes))

    async def advance() -> int:
        block = next(blocks)
        await writer.append(block, _VERSION)
        return block["reward"].size

    return advance


@contextlib.asynccontextmanager
async def _updates(client: ReplayClient, load: Load) -> AsyncIterator[ChangeTask]:
    rng = np.random.default_rng(load.seed)
    calls = itertools.cycle(calls_over(await _all_keys(client, load), load.batch_size, rng))
    num_queued = 0
    async with client.priority_updates(load.table) as updates:

        async def advance() -> int:
            nonlocal num_queued
            keys, priorities = next(calls)
            await updates.update(keys, priorities)
            num_queued += len(keys)
            return len(keys)

        async def flush() -> None:
            told = await updates.flush()
            if told != (num_queued, 0):
                raise RuntimeError(f"{told} updates were applied and ignored, not {num_queued} and none: no figure")

        yield ChangeTask(advance, flush)


def calls_over(
    keys: npt.NDArray[np.uint64], size: int, rng: np.random.Generator
) -> list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.float64]]]:
    """Return updates of `size` keys each that go over all keys, `_NUM_ORDERS` times in another random order."""
    orders = [rng.permutation(keys) for _ in range(_NUM_ORDERS)]
    # The last one of an order is as long as the others: it begins with some that came just before.
    ends = [*range(size, len(keys), size), len(keys)]
    return [(order[end - size : end], rng.random(size)) for order in orders for end in ends]


async def _all_keys(client: ReplayClient, load: Load) -> npt.NDArray[np.uint64]:
    """Return the keys of all items, by a batch as large as the table."""
    num_items = (await client.get_table(load.table)).num_items
    batches = client.sample(
        load.table, batch_size=num_items, columns=("reward",), credits=1, without_replacement=True, shared_memory=False
    )
    keys = np.array((await anext(batches)).keys)
    await batches.aclose()
    if len(np.unique(keys)) != num_items:
        raise RuntimeError(f"{len(np.unique(keys))} keys of {num_items} items")
    return keys
