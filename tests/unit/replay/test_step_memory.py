import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.step_memory import AnonymousMemory, FileMemory, SpillMemory, StepMemory
from heronry.replay.core.step_pool import StorageSettings
from heronry.replay.core.step_store import StepStore
from heronry.types.columns import ColumnSpec
from heronry.types.errors import ResourceExhaustedError
from heronry.types.patterns import ONE_STEP
from heronry.types.tensors import ElementType

WIDE = ColumnSpec("wide", ElementType.INT64, (512,))

MEMORIES: list[Callable[[Path], StepMemory]] = [lambda _: AnonymousMemory(), FileMemory, SpillMemory]


@pytest.mark.parametrize("make", MEMORIES, ids=["anonymous", "file", "spill"])
def test_bytes_stay_when_they_are_ensured_again_and_paged_out(
    make: Callable[[Path], StepMemory], tmp_path: Path
) -> None:
    memory = make(tmp_path)
    region = memory.reserve("0", 1 << 20)
    memory.ensure("0", 0, 100_000)
    region[:100_000] = np.arange(100_000) % 251

    memory.ensure("0", 50_000, 200_000)
    memory.page_out("0", 0, 200_000)
    memory.sync()

    np.testing.assert_array_equal(region[:100_000], np.arange(100_000) % 251)
    assert not region[100_000:200_000].any()
    memory.close(remove=True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_takes_blocks_only_where_it_was_ensured(tmp_path: Path) -> None:
    memory = FileMemory(tmp_path)
    memory.reserve("0", 1 << 30)
    memory.ensure("0", 0, 1 << 16)

    found = (tmp_path / "0.bin").stat()

    assert found.st_size == 1 << 30
    assert 1 << 16 <= found.st_blocks * 512 <= 1 << 20
    memory.close(remove=True)


def test_files_that_are_there_are_opened_with_what_they_hold(tmp_path: Path) -> None:
    memory = FileMemory(tmp_path)
    region = memory.reserve("0", 1 << 20)
    memory.ensure("0", 0, 4096)
    region[:4] = (1, 2, 3, 4)
    memory.close(remove=False)

    again = FileMemory(tmp_path)

    region = again.reserve("0", 1 << 16)
    assert region[:5].tolist() == [1, 2, 3, 4, 0]
    assert len(region) == 1 << 20
    again.close(remove=True)


def test_spilt_steps_have_no_name_on_disk(tmp_path: Path) -> None:
    memory = SpillMemory(tmp_path)

    region = memory.reserve("0", 1 << 20)
    memory.ensure("0", 0, 4096)
    region[:4096] = 1

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_refused_by_name_and_nothing_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = ByteBudget(64 << 20)
    store = StepStore("t", (WIDE,), ONE_STEP, budget, memory=FileMemory(tmp_path))
    strands = store.open_strands(1)
    block = {"wide": np.ones((100, 1, 512), np.int64)}
    store.append(strands, block, 100)
    stored, charged = 100, budget.used

    def is_full(descriptor: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "posix_fallocate", is_full)
    while stored < 256:
        stored += len(store.append(strands, {"wide": block["wide"][:4]}, 4).windows)
    in_use = store.num_bytes
    with pytest.raises(ResourceExhaustedError, match="disk full: 1048576 bytes") as refused:
        store.append(strands, block, 100)

    assert refused.value.details["reason"] == "disk"
    assert store.num_bytes == in_use
    assert budget.used == charged

    monkeypatch.undo()
    assert len(store.append(strands, block, 100).windows) == 100
    store.close(remove=True)


def test_the_oldest_full_pages_leave_memory_beyond_the_bound() -> None:
    memory = Recorder()
    page_bytes = 64 * 4096
    settings = StorageSettings(max_resident_bytes=20 * page_bytes)
    store = StepStore("t", (WIDE,), ONE_STEP, ByteBudget(64 << 20), memory=memory, settings=settings)
    strands = store.open_strands(1)
    block = {"wide": np.zeros((64, 1, 512), np.int64)}
    rows = [store.append(strands, block, 64).windows.rows[0] for _ in range(20)]
    assert memory.paged_out == []

    rows.append(store.append(strands, block, 64).windows.rows[0])

    # An extent of 4 MiB is 16 pages, and the first 16 that were filled go; neighbours go together.
    out = {byte for first, last in memory.paged_out for byte in range(first, last, page_bytes)}
    assert out == {int(row) // 64 * page_bytes for row in rows[:16]}
    assert len(memory.paged_out) < 16


class Recorder(AnonymousMemory):
    """Notes what is pushed out."""

    def __init__(self) -> None:
        super().__init__()
        self.paged_out: list[tuple[int, int]] = []

    def page_out(self, name: str, first: int, last: int) -> None:
        self.paged_out.append((first, last))


def test_a_recovery_brings_no_bytes_into_memory_before_they_are_wanted(tmp_path: Path) -> None:
    settings = StorageSettings(is_checked=True)
    store = StepStore("t", (WIDE,), ONE_STEP, ByteBudget(64 << 20), memory=FileMemory(tmp_path), settings=settings)
    appended = store.append(store.open_strands(1), {"wide": np.ones((64, 1, 512), np.int64)}, 64)
    store.close()
    memory = Prefaults(tmp_path)
    again = StepStore("t", (WIDE,), ONE_STEP, ByteBudget(64 << 20), memory=memory, settings=settings)

    again.apply(appended.pieces)
    again.hold(appended.windows)
    again.finish_recovery()

    assert memory.prefaults == [False]
    assert (again.gather(appended.windows)["wide"] == 1).all()
    again.close(remove=True)


class Prefaults(FileMemory):
    """Notes which extents are brought into memory."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.prefaults: list[bool] = []

    def ensure(self, name: str, first: int, last: int, *, prefault: bool = True) -> None:
        self.prefaults.append(prefault)
        super().ensure(name, first, last, prefault=prefault)
