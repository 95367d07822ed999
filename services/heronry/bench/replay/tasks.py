"""The work of a client process through the SDK; inputs are made once and rotated."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from heronry.bench.replay.load import Load
from heronry.bench.replay.payloads import SPECS, blocks_of, columns_of, num_distinct_steps, steps_of
from heronry.client.replay import ReplayClient
from heronry.client.writer import Writer
from heronry.types.columns import Columns
from heronry.types.version import ParameterVersion

STEPS_A_CALL = 64
"""Steps appended between two looks at the clock."""
_VECTORS_A_CALL = 16
_FILL_BYTES = 400_000
_MAX_FILL_STEPS = 1024
_NUM_KEYS = 100_000
_KEYS_A_BATCH = 1_000
_NUM_UPDATES = 256
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
    """Takes batches."""

    def __init__(self, client: ReplayClient, load: Load) -> None:
        self._batches = client.sample(load.table, batch_size=load.batch_size, credits=load.credits)

    async def call(self) -> int:
        return (await anext(self._batches)).batch_size

    async def finish(self) -> None:
        """Nothing is under way that was counted."""

    async def close(self) -> None:
        """End the stream."""
        await self._batches.aclose()


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
    steps = itertools.cycle(steps_of(columns))

    async def advance() -> int:
        for step in itertools.islice(steps, STEPS_A_CALL):
            await writer.append_step(step, behaviour_version=_VERSION)
        return STEPS_A_CALL

    return advance


def _vectors(writer: Writer, columns: Columns, num_lanes: int) -> Advance:
    """Append one step of all lanes at a time, as a vector of environments gives them."""
    vectors = itertools.cycle([{name: c[0] for name, c in b.items()} for b in blocks_of(columns, 1, num_lanes)])

    async def advance() -> int:
        for vector in itertools.islice(vectors, _VECTORS_A_CALL):
            await writer.append_batch(vector, behaviour_version=_VERSION)
        return _VECTORS_A_CALL * num_lanes

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
    keys = await _some_keys(client, load)
    chosen = [rng.choice(keys, load.batch_size, replace=False) for _ in range(_NUM_UPDATES)]
    calls = itertools.cycle([(some, rng.random(load.batch_size)) for some in chosen])
    async with client.priority_updates(load.table) as updates:

        async def advance() -> int:
            some, priorities = next(calls)
            await updates.update(some, priorities)
            return len(some)

        async def flush() -> None:
            _, num_ignored = await updates.flush()
            if num_ignored:
                raise RuntimeError(f"{num_ignored} updates were ignored: they are no figure")

        yield ChangeTask(advance, flush)


async def _some_keys(client: ReplayClient, load: Load) -> npt.NDArray[np.uint64]:
    """Return keys of most of the table's items."""
    keys: set[int] = set()
    batches = client.sample(load.table, batch_size=_KEYS_A_BATCH)
    for _ in range(_NUM_KEYS // _KEYS_A_BATCH):
        keys.update((await anext(batches)).keys.tolist())
    await batches.aclose()
    return np.array(sorted(keys), np.uint64)
