"""Tables whose steps carry their own number, so that every item can be told."""

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from durable_tables import Open, opening

from heronry.replay.core.append_session import AppendHeader, AppendSession
from heronry.replay.core.batch_buffer import ArrayBuffer
from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.sample_session import Credits, SampleHeader, SampleSession
from heronry.replay.core.table import Table
from heronry.types.blocking import Changed, WouldBlock
from heronry.types.columns import ColumnSpec
from heronry.types.experience import Batch, Block
from heronry.types.tables import TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

STEP = ColumnSpec("step", ElementType.INT64, ())


class Notes:
    """A journal that keeps its effects."""

    def __init__(self) -> None:
        self.effects: list[object] = []

    def check_room(self) -> None:
        """There always is."""

    def note(self, effect: object) -> None:
        self.effects.append(effect)

    def commit(self) -> int:
        return len(self.effects)

    def sync(self) -> int:
        return len(self.effects)


class Bench:
    """A table with one writer and one reader, called as their owner would."""

    Journal = Notes

    def __init__(self, definition: TableDefinition, max_bytes: int = 64 << 20, **options: object) -> None:
        self.budget = ByteBudget(max_bytes)
        self.table = Table(definition, self.budget, np.random.default_rng(7), **options)
        self.num_steps = 0
        self.writers: dict[str, tuple[AppendSession, int]] = {}

    def writer(self, writer_id: str = "w", *, lanes: int = 1, epoch: int = 1) -> AppendSession:
        header = AppendHeader("t", writer_id, epoch, (STEP,), lanes)
        session = AppendSession(self.table, header, 4)
        session.open()
        return session

    def reader(self, batch_size: int, num_credits: int = 1, **options: object) -> "Reader":
        reader = Reader(self.table, SampleHeader("t", batch_size, **options), 1 << 20)
        reader.inbox.extend([Credits(num_credits)] if num_credits else [])
        return reader

    def block(
        self,
        sequence: int,
        steps: int,
        lanes: int = 1,
        *,
        number: int = 0,
        epoch: int = 1,
        priority: float | None = None,
        **more: object,
    ) -> Block:
        values = np.arange(self.num_steps, self.num_steps + steps * lanes).reshape(steps, lanes)
        self.num_steps += steps * lanes
        return Block(sequence, {"step": values}, ParameterVersion(epoch, number), priority, **more)

    def fill(self, steps: int, **kwargs: object) -> None:
        session, sequence = self.writers.get("fill") or (self.writer("fill"), 0)
        self.writers["fill"] = (session, sequence + 1)
        session.append(self.block(sequence + 1, steps, **kwargs))

    def stop_filling(self) -> None:
        self.writers.pop("fill")[0].close()

    def sample(self, batch_size: int) -> Batch | None:
        """Return a batch, or None when it would have to wait with nothing drawn."""
        reader = self.reader(batch_size)
        try:
            return reader.advance()
        except WouldBlock:
            reader.close()
            return None


class Reader:
    """A session that hands out one batch at a time."""

    def __init__(self, table: Table, header: SampleHeader, max_batch_bytes: int) -> None:
        self.inbox: deque = deque()
        self.session = SampleSession(table, header, max_batch_bytes, ArrayBuffer)

    def advance(self, *messages: object) -> Batch | None:
        self.inbox.extend(messages)
        buffers = self.session.advance(self.inbox).value
        return buffers[0].batch() if buffers else None

    def close(self, *messages: object) -> Changed[None]:
        self.inbox.extend(messages)
        return self.session.close(self.inbox)


@pytest.fixture
def bench() -> Callable[..., Bench]:
    return Bench


@pytest.fixture(scope="session")
def bench_class() -> type[Bench]:
    """For properties, which may not use a fixture of one test."""
    return Bench


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens the durable tables of the test's folder; they are closed with it."""
    yield from opening(tmp_path)
