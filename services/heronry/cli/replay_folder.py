"""`heronry replay inspect --dir`: what a table's folder holds, and what recovery would make of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from heronry.cli.replay_tables import table_fields
from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.effects import Effect
from heronry.replay.core.state import State, part_of
from heronry.replay.core.step_memory import AnonymousMemory
from heronry.replay.core.table import Table
from heronry.replay.durability.definition_file import read_definition
from heronry.replay.durability.effect_codec import decode
from heronry.replay.durability.folder import TableFolder
from heronry.replay.durability.log import segments
from heronry.replay.durability.log_reader import LogReader
from heronry.replay.durability.saved_table import saved_steps
from heronry.replay.durability.snapshot_file import read_snapshot
from heronry.replay.durability.snapshots import SnapshotFolder
from heronry.types.errors import ConfigurationError, DataLossError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.tables import TableDefinition

if TYPE_CHECKING:
    from rich.console import Console

_LEAST_BYTES = 1 << 30


class _UntouchedMemory(AnonymousMemory):
    """Address space for steps that nobody reads: no page of it is ever used."""

    def ensure(self, name: str, first: int, last: int, *, prefault: bool = True) -> None:
        """Leave it as it is."""


class _NoJournal:
    """Takes no note: what is looked at is not changed."""

    def note(self, effect: Effect) -> None:
        """Forget it."""

    def check_room(self) -> None:
        """Have room for nothing as well as for anything."""

    def commit(self) -> int:
        return 0

    def sync(self) -> int:
        return 0


def folder_fields(path: Path) -> dict[str, object]:
    """Read a table's folder without changing it; a service may be using it.

    Checksums of the steps themselves are left to recovery: they would mean reading all of them.

    Raises:
      ConfigurationError: it is no table's folder.
      DataLossError: its definition is damaged.
    """
    folder = TableFolder.at(path)
    if not folder.definition.is_file():
        inside = sorted(p.parent.name for p in path.glob("*/definition")) if path.is_dir() else []
        hint = f": {', '.join(inside)} lie in it" if inside else ""
        raise ConfigurationError.of("--dir", str(path), f"the folder of one table, with its definition{hint}")
    definition = read_definition(folder.definition)
    problems: list[str] = []
    # A table of memory that was saved has its one snapshot beside its steps, and no log.
    is_saved = definition.acknowledgement is AcknowledgementLevel.MEMORY
    snapshots = SnapshotFolder(path if is_saved else folder.snapshots)
    columns = saved_steps(path) if is_saved else folder.columns
    newest = snapshots.newest(problems)
    reader = LogReader(folder.log, 0 if newest is None else newest.position)
    # The service's own bound is not told in the folder; the files have room for what it allows.
    budget = ByteBudget(max(_LEAST_BYTES, 2 * sum(file.stat().st_size for file in columns.glob("*"))))
    state = None if newest is None else part_of(newest.state, "table") if is_saved else newest.state
    recovered, num_effects = _recovered(definition, state, reader, budget, problems)
    if reader.damage is not None:
        problems.append(str(reader.damage))
    return {
        "dir": str(path),
        "table": definition.table,
        "snapshots": [_snapshot_fields(snapshots.file_of(position)) for position in snapshots.positions()],
        "segments": [{"first": first, "bytes": file.stat().st_size} for first, file in segments(folder.log)],
        "column_bytes": sum(file.stat().st_blocks * 512 for file in columns.glob("*")),
        "log_end": reader.position,
        "effects_since_snapshot": num_effects,
        "recovered": recovered,
        "problems": problems,
    }


def show_folder(console: "Console", fields: Mapping[str, object]) -> None:
    """Print what lies in the folder, line by line."""
    recovered = cast("Mapping[str, object]", fields["recovered"])
    console.print(f"table {fields['table']!r} in {fields['dir']}", markup=False)
    for found in cast("Sequence[Mapping[str, object]]", fields["snapshots"]):
        state = f"{found['items']:,} items" if found["is_whole"] else "damaged"
        console.print(f"  snapshot at {found['position']:,}: {state}, {found['bytes']:,} bytes", markup=False)
    found_segments = cast("Sequence[Mapping[str, int]]", fields["segments"])
    log_bytes = sum(segment["bytes"] for segment in found_segments)
    console.print(
        f"  log up to {fields['log_end']:,}: {len(found_segments)} segments, {log_bytes:,} bytes", markup=False
    )
    console.print(f"  columns: {fields['column_bytes']:,} bytes on disk", markup=False)
    console.print(
        f"  recovery: {recovered['items']:,} items, {recovered['inserts']:,} inserts, {recovered['samples']:,} samples "
        f"({fields['effects_since_snapshot']:,} changes after the snapshot)",
        markup=False,
    )
    for problem in cast("Sequence[str]", fields["problems"]):
        console.print(f"  damaged: {problem}", markup=False)


def _recovered(
    definition: TableDefinition,
    state: State | None,
    reader: LogReader,
    budget: ByteBudget,
    problems: list[str],
) -> tuple[dict[str, object], int]:
    rng = np.random.default_rng(definition.seed)
    # Only tables with a journal keep checksums of their pages.
    journal = None if definition.acknowledgement is AcknowledgementLevel.MEMORY else _NoJournal()
    table = Table(definition, budget, rng, journal=journal, memory=_UntouchedMemory())
    num_effects = 0
    try:
        if state is not None:
            table.restore(state)
        for record in reader:
            for effect in decode(record.kind, record.payload):
                table.recover(effect)
                num_effects += 1
    except DataLossError as error:
        problems.append(error.message)
    fields = table_fields(table.info())
    table.close()
    return fields, num_effects


def _snapshot_fields(file: Path) -> dict[str, object]:
    found = {"position": int(file.stem), "bytes": file.stat().st_size}
    try:
        return {**found, "is_whole": True, "items": read_snapshot(file).told.get("num_items", 0)}
    except DataLossError as error:
        return {**found, "is_whole": False, "items": None, "problem": error.message}
