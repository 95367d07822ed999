"""A table from its folder: equal to the one that was served, and honest about what is damaged."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from heronry.replay.core.append_session import AppendHeader, AppendSession
from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.state import first_difference
from heronry.replay.core.table import Table
from heronry.replay.durability import log as log_module
from heronry.replay.durability.durable_table import DurableTable
from heronry.replay.durability.folder import FolderLock, TableFolder
from heronry.replay.durability.log import segments
from heronry.replay.durability.recovery import DurabilitySettings, RecoveryReport, open_table
from heronry.replay.durability.storage_root import StorageRoot
from heronry.types.columns import ColumnSpec
from heronry.types.errors import FencedError, ResourceExhaustedError
from heronry.types.experience import AcknowledgementLevel, Block
from heronry.types.tables import RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

STEP = ColumnSpec("step", ElementType.INT64, ())
TWICE = ColumnSpec("twice", ElementType.INT64, (2,))
SETTINGS = DurabilitySettings(segment_bytes=4096)
MAX_BYTES = 8 << 20
# That no flip passes for a record is shown for every byte of a log by its own test.
STRIDES = [41, pytest.param(1, marks=pytest.mark.acceptance)]


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


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
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


@pytest.mark.parametrize("with_snapshot", [False, True])
@pytest.mark.parametrize("level", [AcknowledgementLevel.PROCESS, AcknowledgementLevel.DISK])
def test_a_killed_table_is_the_one_that_was_served(
    opened: Open, tmp_path: Path, with_snapshot: bool, level: AcknowledgementLevel
) -> None:
    served, _ = opened(level=level)
    lived(served, with_snapshot=with_snapshot)
    copied(tmp_path, "killed")

    found, report = opened("killed", level)

    assert report.problems == ()
    assert (report.num_items, report.num_dropped) == (98, 0)
    assert found.table.info().num_recovered == 98
    assert steps(found.table) == steps(served.table) == [n for n in range(61, 161) if n not in (100, 120)]
    assert first_difference(found.table.state(), served.table.state()) is None


def test_the_next_draws_are_those_that_would_have_come(opened: Open, tmp_path: Path) -> None:
    served, _ = opened()
    lived(served, with_snapshot=True)
    served.table.contents.sampler.draw(5, served.table.contents.rng)
    served.write(served.take())
    copied(tmp_path, "killed")

    found, _ = opened("killed")

    draws = [t.table.contents.sampler.draw(64, t.table.contents.rng).slots.tolist() for t in (served, found)]
    assert draws[0] == draws[1]


def test_a_clean_end_leaves_a_snapshot_and_nothing_to_apply(opened: Open) -> None:
    served, _ = opened()
    lived(served, with_snapshot=False)
    assert served.has_changed
    served.write(served.take())
    assert not served.has_changed
    expected = steps(served.table)
    served.close()

    found, report = opened()

    assert (report.num_effects, report.problems) == (0, ())
    assert steps(found.table) == expected


def test_a_recovered_table_goes_on_and_is_recovered_again(opened: Open, tmp_path: Path) -> None:
    served, _ = opened()
    lived(served, with_snapshot=True)
    copied(tmp_path, "once")
    found, _ = opened("once")
    writer = Writer(found.table, first=160)
    assert writer.sequence == 6
    writer.append(20)
    expected = steps(found.table)
    found.close()

    again, report = opened("once")

    assert steps(again.table) == expected
    assert report.problems == ()


def test_recovery_that_is_killed_and_begun_again_comes_to_the_same_end(opened: Open, tmp_path: Path) -> None:
    served, _ = opened()
    lived(served, with_snapshot=True)
    copied(tmp_path, "killed")
    for _ in range(3):
        # Not closed: the process is gone, and what it wrote is there.
        found, report = opened("killed")
        assert report.problems == ()
        assert steps(found.table) == steps(served.table)


@pytest.mark.parametrize("stride", STRIDES)
def test_truncation_at_every_byte_of_the_log_leaves_a_state_the_table_had(
    opened: Open, tmp_path: Path, stride: int
) -> None:
    served, _ = opened()
    writer = Writer(served.table)
    states = [[]]
    for count in (3, 2, 4):
        writer.append(count)
        states.append(steps(served.table))
    served.table.delete(keys(served.table, [1, 4]))
    states.append(steps(served.table))
    target = copied(tmp_path, "cut")
    (_, path), *_ = segments(target / "log")
    used = len(path.read_bytes().rstrip(b"\0"))
    content = path.read_bytes()

    for length in range(0, used, stride):
        shutil.rmtree(target / "log")
        (target / "log").mkdir()
        path.write_bytes(content[:length])
        found, report = opened("cut")
        # An item can be in before its block is accepted: that is a state in between.
        assert steps(found.table) in states
        assert all("cut off" in p for p in report.problems)
        found.close()
        shutil.rmtree(target / "snapshots", ignore_errors=True)


@pytest.mark.parametrize("stride", STRIDES)
def test_a_flipped_bit_anywhere_in_the_log_is_told_and_nothing_is_doubled_or_torn(
    opened: Open, tmp_path: Path, stride: int
) -> None:
    served, _ = opened()
    writer = Writer(served.table)
    states = [[]]
    for count in (3, 2):
        writer.append(count)
        states.append(steps(served.table))
    served.table.delete(keys(served.table, [1, 4]))
    states.append(steps(served.table))
    target = copied(tmp_path, "flipped")
    (_, path), *_ = segments(target / "log")
    content = path.read_bytes()
    used = len(content.rstrip(b"\0"))
    num_silent = 0

    for at in range(0, used, stride):
        for file in (target / "log").iterdir():
            file.unlink()
        path.write_bytes(content[:at] + bytes([content[at] ^ (1 << at % 8)]) + content[at + 1 :])
        found, report = opened("flipped")
        assert steps(found.table) in states
        # The zeros that fill a record up carry nothing and are not covered.
        num_silent += report.problems == ()
        assert report.problems or steps(found.table) == states[-1]
        found.close()
        shutil.rmtree(target / "snapshots", ignore_errors=True)
    assert num_silent < used / stride / 4


def test_what_is_left_out_is_not_read_again_behind_what_comes_after(opened: Open, tmp_path: Path) -> None:
    served, _ = opened()
    lived(served, with_snapshot=False)
    target = copied(tmp_path, "damaged")
    (_, path), *_ = segments(target / "log")
    content = bytearray(path.read_bytes())
    content[len(content.rstrip(b"\0")) // 2] ^= 4
    path.write_bytes(content)
    found, report = opened("damaged")
    assert len(report.problems) == 1
    assert "positions" in report.problems[0]
    writer = Writer(found.table, "another", first=1000)
    writer.append(10)
    expected = steps(found.table)
    found.close()

    again, report = opened("damaged")

    assert report.problems == ()
    assert steps(again.table) == expected


def test_steps_that_do_not_match_their_checksums_take_their_items_with_them(opened: Open, tmp_path: Path) -> None:
    served, _ = opened()
    Writer(served.table).append(100)
    target = copied(tmp_path, "torn")
    path = target / "columns" / "0.bin"
    content = bytearray(path.read_bytes())
    content[8 * 5] ^= 1
    path.write_bytes(content)

    found, report = opened("torn")

    assert report.num_dropped > 0
    assert "do not match their checksums" in report.problems[0]
    assert 5 not in steps(found.table)
    assert len(steps(found.table)) == 100 - report.num_dropped


def test_a_damaged_snapshot_costs_nothing_while_the_log_goes_back_far_enough(opened: Open, tmp_path: Path) -> None:
    served, _ = opened()
    lived(served, with_snapshot=True)
    served.write(served.take())
    target = copied(tmp_path, "damaged")
    newest = max((target / "snapshots").iterdir())
    content = bytearray(newest.read_bytes())
    content[-20] ^= 1
    newest.write_bytes(content)

    found, report = opened("damaged")

    assert len(report.problems) == 1
    assert "is damaged" in report.problems[0]
    assert first_difference(found.table.state(), served.table.state()) is None


def test_a_full_disk_refuses_inserts_goes_on_reading_and_takes_them_again(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, _ = opened()
    writer = Writer(served.table)
    writer.append(50)

    def full(descriptor: int, offset: int, length: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log_module.os, "posix_fallocate", full)
    appended = 0
    while served.journal.has_room:
        writer.append(2)
        appended += 1
    with pytest.raises(ResourceExhaustedError, match="no space is left on the disk"):
        writer.append(2)
    writer.number -= 2
    writer.sequence -= 1
    served.table.update_priorities(keys(served.table, [writer.number - 1]), np.array([4.0]))
    served.table.contents.sampler.draw(10, served.table.contents.rng)
    monkeypatch.undo()
    if served.journal.needs_snapshot:
        served.write(served.resume())
    writer.append(2)
    copied(tmp_path, "killed")

    found, report = opened("killed")

    assert appended > 10
    assert report.problems == ()
    assert steps(found.table) == list(range(50 + 2 * appended + 2))[-100:]


def test_a_log_that_failed_goes_on_behind_a_snapshot(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, _ = opened(level=AcknowledgementLevel.DISK)
    writer = Writer(served.table)
    writer.append(10)
    monkeypatch.setattr(log_module.os, "fdatasync", _failing_for(".log"))
    with pytest.raises(ResourceExhaustedError):
        served.journal.sync()
    monkeypatch.undo()
    with pytest.raises(ResourceExhaustedError):
        writer.append(1)
    writer.number, writer.sequence = 10, 1
    assert served.journal.needs_snapshot

    snapshot = served.resume()
    with pytest.raises(ResourceExhaustedError, match="a snapshot is being written"):
        writer.append(1)
    writer.number, writer.sequence = 10, 1
    served.write(snapshot)
    writer.append(5)
    assert served.journal.sync() == served.journal.committed
    copied(tmp_path, "killed")

    found, _ = opened("killed", AcknowledgementLevel.DISK)
    assert steps(found.table) == list(range(15))


def test_columns_that_cannot_be_synced_let_nothing_in_any_more(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    served, _ = opened(level=AcknowledgementLevel.DISK)
    writer = Writer(served.table)
    writer.append(10)
    monkeypatch.setattr(log_module.os, "fdatasync", _failing_for(".bin"))
    with pytest.raises(ResourceExhaustedError, match="Input/output error"):
        served.journal.sync()
    monkeypatch.undo()

    for refused in (served.journal.sync, lambda: writer.append(1)):
        with pytest.raises(ResourceExhaustedError, match="must be started again"):
            refused()
    assert not served.journal.needs_snapshot
    assert steps(served.table) == list(range(10))


def test_a_second_server_is_refused_by_name(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)

    with pytest.raises(FencedError, match=r"in use by another replay server, process \d+"):
        FolderLock(tmp_path)

    first.close()
    FolderLock(tmp_path).close()


def test_tables_are_found_again_by_name_and_unfinished_ones_are_removed(tmp_path: Path) -> None:
    root = StorageRoot(tmp_path, ByteBudget(MAX_BYTES), SETTINGS)
    declared = definition()
    table = root.create(declared)
    Writer(table.table).append(3)
    (tmp_path / "half" / "columns").mkdir(parents=True)
    table.close()
    root.close()

    again = StorageRoot(tmp_path, ByteBudget(MAX_BYTES), SETTINGS)
    (found,) = again.recover()

    assert (found.name, found.declared, found.error) == ("t", declared, None)
    assert found.table is not None
    assert steps(found.table.table) == [0, 1, 2]
    assert not (tmp_path / "half").exists()
    found.table.remove()
    assert not (tmp_path / "t").exists()
    again.close()


def _failing_for(suffix: str) -> Callable[[int], None]:
    def fdatasync(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().suffix == suffix:
            raise OSError(5, "Input/output error")

    return fdatasync
