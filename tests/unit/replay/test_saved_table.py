"""A table of memory that is saved and loaded: the steps as they were, by mapping or by copying, or refused by name."""

from pathlib import Path

import numpy as np
import pytest

from heronry.replay.core.append_session import AppendHeader, AppendSession
from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.state import first_difference
from heronry.replay.core.step_memory import SpillMemory, StepMemory
from heronry.replay.core.table import Table
from heronry.replay.durability.saved_table import TableSaver, load_saved, saved_memory
from heronry.replay.durability.snapshot_file import Snapshot
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DataLossError
from heronry.types.experience import Block
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

STEP = ColumnSpec("step", ElementType.INT64, ())
FRAME = ColumnSpec("frame", ElementType.UINT8, (300,))
DECLARED = TableDefinition(
    "t",
    Selector.prioritized(0.6),
    Selector.fifo(),
    RateLimiter.of_min_size(1),
    3000,
    columns=(STEP, FRAME),
    compressed_columns=("frame",),
)


def fresh(memory: StepMemory | None = None) -> Table:
    return Table(DECLARED, ByteBudget(64 << 20), np.random.default_rng(1), memory=memory)


def append(table: Table, first: int, count: int, writer_id: str = "w") -> None:
    session = AppendSession(table, AppendHeader("t", writer_id, 1, (STEP, FRAME), 1), 4)
    session.open()
    numbers = np.arange(first, first + count)[:, None]
    frames = np.zeros((count, 1, 300), np.uint8)
    frames[..., :7] = (numbers % 251)[..., None]
    session.append(
        Block(session.progress.accepted_sequence + 1, {"step": numbers, "frame": frames}, ParameterVersion(1, 1))
    )
    session.close()


def steps(table: Table) -> list[int]:
    items = table.contents.items
    columns = table.store.gather(items.windows(items.by_age(items.used_slots())))
    numbers = columns["step"].reshape(-1)
    frames = columns["frame"].reshape(-1, 300)
    assert (frames[:, :7] == (numbers % 251)[:, None]).all()
    assert not frames[:, 7:].any()
    return [int(n) for n in numbers]


def save(table: Table, path: Path) -> None:
    saver = TableSaver(path)
    saver.add(list(table.store.parts(table.store.hold_pages())))
    saver.finish(DECLARED, Snapshot(0, {"num_items": table.num_items}, table.state()))
    saver.close()


@pytest.fixture
def served(tmp_path: Path) -> Table:
    """A full table whose pages are not all in use, saved."""
    table = fresh()
    for first in range(0, 5000, 500):
        append(table, first, 500)
    save(table, tmp_path / "saved")
    return table


@pytest.mark.parametrize("is_mapped", [True, False])
def test_a_loaded_table_is_the_one_that_was_saved_and_goes_on(served: Table, tmp_path: Path, is_mapped: bool) -> None:
    path = tmp_path / "saved"
    table = fresh(saved_memory(path) if is_mapped else SpillMemory(tmp_path / "spill"))

    load_saved(path, DECLARED, table, is_mapped=is_mapped)

    assert steps(table) == steps(served) == list(range(2000, 5000))
    assert first_difference(table.state()["items"], served.state()["items"]) is None
    append(table, 5000, 700)
    assert steps(table) == list(range(2700, 5700))


def test_what_a_mapped_table_writes_does_not_change_what_was_saved(served: Table, tmp_path: Path) -> None:
    path = tmp_path / "saved"
    for _ in range(2):
        table = fresh(saved_memory(path))
        load_saved(path, DECLARED, table, is_mapped=True)
        assert steps(table) == steps(served)
        append(table, 5000, 2900)
        table.close()


def test_a_mapped_table_outlives_what_it_was_loaded_from(served: Table, tmp_path: Path) -> None:
    path = tmp_path / "saved"
    table = fresh(saved_memory(path))
    load_saved(path, DECLARED, table, is_mapped=True)
    append(served, 5000, 10)

    save(served, path)

    assert steps(table) == list(range(2000, 5000))


@pytest.mark.parametrize("region", ["0", "1", "1.values"])
@pytest.mark.parametrize("is_short", [False, True])
def test_damaged_steps_are_told_before_the_table_is_served(
    served: Table, tmp_path: Path, region: str, is_short: bool
) -> None:
    path = tmp_path / "saved"
    file = path / "steps" / region
    content = bytearray(file.read_bytes())
    # Holes are not in use; the last byte that is no zero is.
    last = len(content.rstrip(b"\0")) - 1
    content[last] ^= 1
    file.write_bytes(content[:last] if is_short else content)

    with pytest.raises(DataLossError, match=rf"steps/{region}: \d+ bytes at \d+ are damaged"):
        load_saved(path, DECLARED, fresh(saved_memory(path)), is_mapped=True)


def test_a_space_for_copies_is_used_before_other_memory(served: Table) -> None:
    space_bytes = served.state_bytes()

    assert sum(a.nbytes for a in served.state()["items"].values() if isinstance(a, np.ndarray)) < space_bytes
    assert space_bytes < 3000 * 64
