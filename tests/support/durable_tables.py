"""A durable table of numbered steps, what it goes through, and its folder as a kill would leave it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from heronry.replay.core.append_session import AppendHeader, AppendSession
from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.table import Table
from heronry.replay.durability.durable_table import DurableTable
from heronry.replay.durability.folder import TableFolder
from heronry.replay.durability.log import segments
from heronry.replay.durability.recovery import DurabilitySettings, RecoveryReport, open_table
from heronry.types.columns import ColumnSpec
from heronry.types.experience import AcknowledgementLevel, Block
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

STEP = ColumnSpec("step", ElementType.INT64, ())
TWICE = ColumnSpec("twice", ElementType.INT64, (2,))
SETTINGS = DurabilitySettings(segment_bytes=4096)
MAX_BYTES = 8 << 20


def definition(level: AcknowledgementLevel = AcknowledgementLevel.PROCESS) -> TableDefinition:
    return TableDefinition(
        "t", Selector.prioritized(0.6), Selector.fifo(), RateLimiter.of_min_size(1), 100, acknowledgement=level
    )


class Writer:
    """Appends blocks whose steps carry consecutive numbers, each beside itself and its double."""

    def __init__(self, table: Table, writer_id: str = "w", first: int = 0) -> None:
        header = AppendHeader("t", writer_id, 1, (STEP, TWICE), 1)
        self._session = AppendSession(table, header, 4)
        self._session.open()
        self.number = first
        self.sequence = self._session.progress.accepted_sequence

    def append(self, count: int) -> None:
        numbers = np.arange(self.number, self.number + count).reshape(count, 1)
        columns = {"step": numbers, "twice": np.stack([numbers, 2 * numbers], axis=-1)}
        self.number += count
        self.sequence += 1
        self._session.append(Block(self.sequence, columns, ParameterVersion(1, self.sequence)))


def steps(table: Table) -> list[int]:
    """Return the numbers of all items, oldest first, each of which must be whole."""
    items = table.contents.items
    if not table.specs:
        return []
    slots = items.by_age(items.used_slots())
    columns = table.store.gather(items.windows(slots))
    numbers = columns["step"].reshape(-1)
    assert (columns["twice"].reshape(-1, 2) == np.stack([numbers, 2 * numbers], axis=1)).all()
    return [int(n) for n in numbers]


def keys(table: Table, numbers: list[int]) -> np.ndarray:
    items = table.contents.items
    slots = items.by_age(items.used_slots())
    found = steps(table)
    return items.keys(slots[[found.index(n) for n in numbers]])


Open = Callable[..., tuple[DurableTable, RecoveryReport]]


def opening(tmp_path: Path) -> Iterator[Open]:
    tables: list[DurableTable] = []

    def open_at(
        name: str = "t", level: AcknowledgementLevel = AcknowledgementLevel.PROCESS
    ) -> tuple[DurableTable, RecoveryReport]:
        folder = TableFolder(tmp_path, name)
        table, report = open_table(folder, definition(level), ByteBudget(MAX_BYTES), SETTINGS)
        tables.append(table)
        return table, report

    yield open_at
    for table in tables:
        table.close()


def copied(tmp_path: Path, name: str) -> Path:
    """Return a copy of the folder as a kill would leave it now."""
    target = tmp_path / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    (target / "log").mkdir()
    shutil.copytree(tmp_path / "t" / "columns", target / "columns", copy_function=_copy_used)
    for _, path in segments(tmp_path / "t" / "log"):
        shutil.copy(path, target / "log")
    if (tmp_path / "t" / "snapshots").exists():
        shutil.copytree(tmp_path / "t" / "snapshots", target / "snapshots")
    return target


def _copy_used(source: str, target: str) -> None:
    with Path(source).open("rb") as file:
        content = file.read(1 << 18)
    Path(target).write_bytes(content)


def lived(table: DurableTable, *, with_snapshot: bool) -> None:
    """Insert, evict, sample, update and delete; perhaps with a snapshot in between."""
    writer = Writer(table.table)
    for count in (7, 1, 50, 64, 30):
        writer.append(count)
    table.table.update_priorities(keys(table.table, [60, 70, 80]), np.array([0.0, 3.0, 0.5]))
    if with_snapshot:
        table.write(table.take())
    writer.append(9)
    table.table.delete(keys(table.table, [100, 120]))
    table.table.update_priorities(keys(table.table, [130]), np.array([7.0]))
    table.table.commit()
