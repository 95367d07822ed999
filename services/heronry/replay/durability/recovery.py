"""A table from its folder: the newest whole snapshot, and the effects since.

Every step can be broken off and begun again: files are changed only where the same reading would
come to the same end.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.step_memory import FileMemory
from heronry.replay.core.table import Table
from heronry.replay.durability.durable_table import DurableTable
from heronry.replay.durability.effect_codec import decode
from heronry.replay.durability.folder import TableFolder
from heronry.replay.durability.log import SEGMENT_BYTES, Log
from heronry.replay.durability.log_reader import LogReader
from heronry.replay.durability.snapshots import SnapshotFolder
from heronry.replay.durability.table_journal import TableJournal
from heronry.types.errors import DataLossError
from heronry.types.tables import TableDefinition

SNAPSHOT_LOG_BYTES: Final = 64 << 20


@dataclass(frozen=True)
class DurabilitySettings:
    """How tables are opened.

    Attributes:
      shard: number in the keys of items.
      max_resident_bytes: of a table's steps; 0: no bound.
      snapshot_log_bytes: of log after which a snapshot is due.
      segment_bytes: of the log.
    """

    shard: int = 0
    max_resident_bytes: int = 0
    snapshot_log_bytes: int = SNAPSHOT_LOG_BYTES
    segment_bytes: int = SEGMENT_BYTES


@dataclass(frozen=True)
class RecoveryReport:
    """What recovery found.

    Attributes:
      num_items: that the table begins with.
      num_effects: applied after the snapshot.
      num_dropped: items whose steps did not match their checksums.
      problems: what was damaged and what was left out for it, in words; empty for whole files.
      duration_s: that it took.
    """

    num_items: int = 0
    num_effects: int = 0
    num_dropped: int = 0
    problems: tuple[str, ...] = ()
    duration_s: float = 0.0


def open_table(
    folder: TableFolder, definition: TableDefinition, budget: ByteBudget, settings: DurabilitySettings
) -> tuple[DurableTable, RecoveryReport]:
    """Return the table of a folder, empty for a new one, and what was found.

    Raises:
      DataLossError: snapshots or log are of a later version, or the log's beginning is missing.
      FailedPreconditionError: the byte bounds have become smaller than what is stored.
      ResourceExhaustedError: there is no room for the log.
    """
    begun_s = time.perf_counter()
    memory = FileMemory(folder.columns)
    journal = TableJournal(memory, definition.acknowledgement)
    table = Table(
        definition,
        budget,
        np.random.default_rng(definition.seed),
        shard=settings.shard,
        journal=journal,
        memory=memory,
        max_resident_bytes=settings.max_resident_bytes,
    )
    try:
        problems, num_effects, end = _replay(folder, table)
        journal.start(Log(folder.log, end, settings.segment_bytes))
        table.finish_recovery()
        num_dropped = _drop_broken(table, problems)
        table.commit()
        opened = DurableTable(table, journal, memory, folder, settings.snapshot_log_bytes)
        if problems:
            # What was left out must not be read again behind what is written from now on.
            opened.write(opened.take())
    except BaseException:
        journal.close()
        table.close()
        raise
    duration_s = time.perf_counter() - begun_s
    return opened, RecoveryReport(table.num_items, num_effects, num_dropped, tuple(problems), duration_s)


def _replay(folder: TableFolder, table: Table) -> tuple[list[str], int, int]:
    """Apply snapshot and log; return what was damaged, the effects applied, and the last position in use."""
    problems: list[str] = []
    snapshot = SnapshotFolder(folder.snapshots).newest(problems)
    if snapshot is not None:
        table.restore(snapshot.state)
    reader = LogReader(folder.log, 0 if snapshot is None else snapshot.position)
    num_effects = 0
    for record in reader:
        for effect in decode(record.kind, record.payload):
            table.recover(effect)
            num_effects += 1
    if reader.damage is not None:
        _check_usable(folder.path, reader, has_snapshot=snapshot is not None)
        problems.append(str(reader.damage))
    reader.cut_tail()
    return problems, num_effects, reader.end


def _check_usable(path: Path, reader: LogReader, *, has_snapshot: bool) -> None:
    """Refuse a log whose beginning is missing: nothing that follows could be applied."""
    if has_snapshot or reader.position > 0 or reader.damage is None or reader.damage.num_bytes:
        return
    raise DataLossError(f"{path}: no snapshot is whole, and the log begins at position {reader.damage.last} only")


def _drop_broken(table: Table, problems: list[str]) -> int:
    """Drop the items whose steps do not match their checksums, and say so."""
    if not table.specs:
        return 0
    pages = table.store.verify()
    num_dropped = table.drop_broken(pages)
    if len(pages):
        problems.append(f"{len(pages)} pages of steps do not match their checksums: {num_dropped} items dropped")
    return num_dropped
