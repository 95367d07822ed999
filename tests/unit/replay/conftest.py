"""Tables whose steps carry their own number, so that every item can be told."""

from collections import deque
from collections.abc import Callable

import numpy as np
import pytest

from heronry.replay.core.append_session import AppendHeader, AppendSession
from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.sample_session import SampleHeader, SampleSession
from heronry.replay.core.table import Table
from heronry.types.blocking import WouldBlock
from heronry.types.columns import ColumnSpec
from heronry.types.experience import Batch, Block
from heronry.types.tables import TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

STEP = ColumnSpec("step", ElementType.INT64, ())


class Bench:
    """A table with one writer and one reader, called as their owner would."""

    def __init__(self, definition: TableDefinition, max_bytes: int = 64 << 20) -> None:
        self.budget = ByteBudget(max_bytes)
        self.table = Table(definition, self.budget, np.random.default_rng(7))
        self.num_steps = 0
        self.writers: dict[str, tuple[AppendSession, int]] = {}

    def writer(self, writer_id: str = "w", *, lanes: int = 1, epoch: int = 1) -> AppendSession:
        header = AppendHeader("t", writer_id, epoch, (STEP,), lanes)
        session = AppendSession(self.table, header, 4)
        session.open()
        return session

    def reader(self, batch_size: int, num_credits: int = 1) -> SampleSession:
        session = SampleSession(self.table, SampleHeader("t", batch_size), 1 << 20)
        if num_credits:
            session._grant(num_credits)
        return session

    def block(
        self,
        sequence: int,
        steps: int,
        lanes: int = 1,
        *,
        number: int = 0,
        epoch: int = 1,
        priority: float | None = None,
    ) -> Block:
        values = np.arange(self.num_steps, self.num_steps + steps * lanes).reshape(steps, lanes)
        self.num_steps += steps * lanes
        return Block(sequence, {"step": values}, ParameterVersion(epoch, number), priority)

    def fill(self, steps: int, **kwargs: object) -> None:
        session, sequence = self.writers.get("fill") or (self.writer("fill"), 0)
        self.writers["fill"] = (session, sequence + 1)
        session.append(self.block(sequence + 1, steps, **kwargs))

    def stop_filling(self) -> None:
        self.writers.pop("fill")[0].close()

    def sample(self, batch_size: int) -> Batch | None:
        """Return a batch, or None when it would have to wait with nothing drawn."""
        session = self.reader(batch_size)
        try:
            return session.advance(deque()).value
        except WouldBlock:
            return None


@pytest.fixture
def bench() -> Callable[..., Bench]:
    return Bench


@pytest.fixture(scope="session")
def bench_class() -> type[Bench]:
    """For properties, which may not use a fixture of one test."""
    return Bench
