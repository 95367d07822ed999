import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.step_memory import FileMemory, StoredPart
from heronry.replay.core.step_pool import StorageSettings
from heronry.replay.core.step_store import StepStore
from heronry.replay.core.windows import Pieces, Windows
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DataLossError, FailedPreconditionError, ResourceExhaustedError
from heronry.types.patterns import EpisodeEnd, Pattern, PatternColumn
from heronry.types.tensors import ElementType

STEP = ColumnSpec("step", ElementType.INT64, ())
FRAME = ColumnSpec("frame", ElementType.UINT8, (40, 40))
SPECS = (STEP, FRAME)
PATTERN = Pattern(5, 2, (PatternColumn("step", stack=3), PatternColumn("frame")), EpisodeEnd.SHORTEN)


def opened(folder: Path, max_bytes: int = 32 << 20) -> StepStore:
    made = StorageSettings(compressed_columns=("frame",), is_checked=True)
    return StepStore("t", SPECS, PATTERN, ByteBudget(max_bytes), memory=FileMemory(folder), settings=made)


def columns_of(first: int, steps: int, lanes: int) -> dict[str, np.ndarray]:
    values = np.arange(first, first + steps * lanes).reshape(steps, lanes)
    frames = np.zeros((steps, lanes, 40, 40), np.uint8)
    frames[..., :4] = (values % 251)[..., None, None]
    return {"step": values, "frame": frames}


def assert_same(state: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert state.keys() == other.keys()
    for name, array in state.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


Log = list[tuple[str, Pieces | None, Windows]]


def recovered(folder: Path, snapshot: dict[str, np.ndarray] | None, held: list[Windows], log: Log) -> StepStore:
    store = opened(folder)
    if snapshot is not None:
        store.restore(snapshot)
        for windows in held:
            store.hold(windows)
    for what, pieces, windows in log:
        if pieces is not None:
            store.apply(pieces)
        store.hold(windows) if what == "hold" else store.release(windows)
    assert len(store.verify()) == 0
    store.finish_recovery()
    return store


@settings(max_examples=15)
@given(
    lanes=st.integers(1, 5),
    blocks=st.lists(st.tuples(st.integers(1, 80), st.integers(0, 3)), min_size=1, max_size=10),
    snapshot_at=st.integers(-1, 9),
    picks=st.randoms(use_true_random=False),
)
def test_effects_applied_to_a_snapshot_give_the_store_that_was_lost(
    lanes: int,
    blocks: list[tuple[int, int]],
    snapshot_at: int,
    picks: object,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("table")
    store = opened(folder)
    strands = store.open_strands(lanes)
    snapshot: dict[str, np.ndarray] | None = None
    held: list[Windows] = []
    held_then: list[Windows] = []
    log: Log = []
    for index, (steps, releases) in enumerate(blocks):
        appended = store.append(strands, columns_of(index * 1000, steps, lanes), steps)
        log.append(("hold", appended.pieces, appended.windows))
        held += [appended.windows[i : i + 1] for i in range(len(appended.windows))]
        for _ in range(min(len(held), releases * 20)):
            gone = held.pop(picks.randrange(len(held)))
            store.release(gone)
            log.append(("release", None, gone))
        store.stamp_freed(index)
        store.reuse_freed(index)
        if index == snapshot_at:
            snapshot, held_then = store.state(), list(held)
            log.clear()
    expected = [store.gather(w) for w in held]
    for strand in strands:
        strand.cut()

    again = recovered(folder, snapshot, held_then, log)

    assert_same(again.state(), store.state())
    for windows, batch in zip(held, expected, strict=True):
        assert_same(again.gather(windows), batch)
    assert again.num_step_bytes == store.num_step_bytes
    _check_that_it_lives(again, held, expected)
    store.close()
    again.close(remove=True)
    assert list(folder.iterdir()) == []


def _check_that_it_lives(again: StepStore, held: list[Windows], expected: list[dict[str, np.ndarray]]) -> None:
    appended = again.append(again.open_strands(2), columns_of(0, 70, 2), 70)
    for windows, batch in zip(held, expected, strict=True):
        assert_same(again.gather(windows), batch)
    for windows in [*held, appended.windows]:
        again.release(windows)


@pytest.mark.parametrize("name", ["0.bin", "1.bin", "1.values.bin", "2.bin"])
def test_a_flipped_bit_is_found_on_its_page_and_the_items_there_are_told(tmp_path: Path, name: str) -> None:
    store = opened(tmp_path)
    appended = store.append(store.open_strands(1), columns_of(0, 150, 1), 150)
    store.close()
    flip(tmp_path / name, 3)

    again = opened(tmp_path)
    again.apply(appended.pieces)
    again.hold(appended.windows)
    failing = again.verify()

    assert failing.tolist() == [appended.pieces[0].page] == [0]
    touches = again.items_on(failing, appended.windows)
    # Windows begin every second step, a page has 64, and a stack of 3 reaches back by two.
    assert touches.tolist() == [start - 2 < 64 for start in range(0, 146, 2)]
    again.release(appended.windows[touches])
    again.finish_recovery()
    assert len(again.verify()) == 0
    again.close()


def noise_of(first: int, steps: int) -> dict[str, np.ndarray]:
    frames = np.random.default_rng(first).integers(0, 256, (steps, 1, 40, 40), np.uint8)
    return columns_of(first, steps, 1) | {"frame": frames}


@pytest.mark.parametrize("strays_to", ["nowhere", "another page"])
def test_a_page_whose_references_stray_takes_no_bytes_from_others(tmp_path: Path, strays_to: str) -> None:
    store = opened(tmp_path, 1 << 20)
    broken, whole = (store.append(store.open_strands(1), noise_of(first, 60), 60) for first in (0, 100))
    expected = store.gather(whole.windows)
    store.close()
    references = np.memmap(tmp_path / "1.bin", np.uint64, "r+")
    references[:60] = 1 << 63 if strays_to == "nowhere" else references[64:124]
    references.flush()

    again = opened(tmp_path, 1 << 20)
    for appended in (broken, whole):
        again.apply(appended.pieces)
        again.hold(appended.windows)
    again.finish_recovery()
    assert again.verify().tolist() == [0]
    again.release(broken.windows)
    again.stamp_freed(1)
    again.reuse_freed(1)
    [strand] = again.open_strands(1)
    for index in range(700):
        with contextlib.suppress(ResourceExhaustedError):
            again.append([strand], noise_of(1000 + index, 1), 1)
    assert again.pages_short([strand], 1) > 0

    assert_same(again.gather(whole.windows), expected)
    assert len(again.verify()) == 0
    again.close()


def test_a_truncated_file_reads_as_failing_pages(tmp_path: Path) -> None:
    store = opened(tmp_path)
    appended = store.append(store.open_strands(1), columns_of(0, 128, 1), 128)
    store.close()
    os_file = tmp_path / "0.bin"
    with os_file.open("r+b") as file:
        file.truncate(64 * 8 + 5)

    again = opened(tmp_path)
    again.apply(appended.pieces)
    again.hold(appended.windows)

    assert again.verify().tolist() == [appended.pieces[1].page]
    again.close()


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 4]))


def test_freed_pages_are_not_used_before_the_log_knows() -> None:
    store = StepStore("t", (STEP,), Pattern(), ByteBudget(64 << 10), settings=StorageSettings(is_checked=True))
    strands = store.open_strands(1)
    columns = {"step": np.zeros((2048, 1), np.int64)}
    held = [store.append(strands, columns, 2048).windows for _ in range(4)]
    assert store.pages_short(strands, 1) == 1

    store.release(held[0])
    store.stamp_freed(7)
    store.release(held[1])
    assert (store.num_quarantined, store.pages_short(strands, 1)) == (2, 1)
    assert store.num_bytes == 2 * 2048 * 8

    store.reuse_freed(6)
    assert store.num_quarantined == 2
    store.reuse_freed(9)
    assert (store.num_quarantined, store.pages_short(strands, 1)) == (1, 0)
    store.stamp_freed(10)
    store.reuse_freed(10)
    assert (store.num_quarantined, store.pages_short(strands, 4096)) == (0, 0)


def test_bounds_that_became_too_small_for_a_folder_are_named(tmp_path: Path) -> None:
    store = opened(tmp_path)
    appended = store.append(store.open_strands(1), columns_of(0, 6400, 1), 6400)
    store.close()
    again = opened(tmp_path, max_bytes=64 << 10)

    with pytest.raises(FailedPreconditionError, match="the bounds of the table and the service allow 65536"):
        again.apply(appended.pieces)
    again.close()


def test_a_snapshot_of_pages_of_another_size_is_refused(tmp_path: Path) -> None:
    store = opened(tmp_path)
    state = store.state() | {"page_rows": np.array([128], np.uint32)}

    with pytest.raises(DataLossError, match="the snapshot's pages have 128 rows, the table's 64"):
        store.restore(state)
    store.close()


def test_pages_are_copied_while_they_are_held_and_fill_another_store() -> None:
    made = StorageSettings(compressed_columns=("frame",))
    store, other = (StepStore("t", SPECS, PATTERN, ByteBudget(32 << 20), settings=made) for _ in range(2))
    strands = store.open_strands(2)
    windows = store.append(strands, columns_of(0, 150, 2), 150).windows[::7]
    store.hold(windows)
    expected, state = store.gather(windows), store.state()
    pages = store.hold_pages()
    store.release(windows)
    store.append(strands, columns_of(1000, 150, 2), 150)

    other.restore(state)
    other.hold(windows)
    for part in store.parts(pages):
        other.fill(part)
    other.finish_recovery()
    in_use = store.num_bytes
    store.release_pages(pages)

    assert_same(other.gather(windows), expected)
    assert store.num_bytes == in_use
    with pytest.raises(DataLossError, match="4 bytes at 8 of 'other'"):
        other.fill(StoredPart("other", 8, np.zeros(4, np.uint8)))
