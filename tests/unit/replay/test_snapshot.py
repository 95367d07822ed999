"""Snapshots of a table's state: whole or not there, and never mistaken."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.replay.core.state import first_difference
from heronry.replay.durability import files
from heronry.replay.durability.definition_file import read_definition, write_definition
from heronry.replay.durability.snapshot_file import Snapshot, read_snapshot, write_snapshot
from heronry.replay.durability.snapshots import SnapshotFolder
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DataLossError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.patterns import Pattern
from heronry.types.tables import Delivery, PartialEpisodes, RateLimiter, Selector, TableDefinition
from heronry.types.tensors import ElementType

STATE = {
    "items": {"heads": np.arange(5, dtype=np.uint32), "free": np.zeros(0, np.uint32)},
    "writers": [{"number": 1, "accepted": None, "rows": np.array([[1, -2]], np.int64)}],
    "rng": np.random.default_rng(3).bit_generator.state,
    "store": None,
    "maximum": 1.5,
}


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "x.snapshot"

    num_bytes = write_snapshot(path, Snapshot(7, {"num_items": np.int64(5)}, STATE))
    found = read_snapshot(path)

    assert (found.position, found.told, num_bytes) == (7, {"num_items": 5}, path.stat().st_size)
    assert first_difference(found.state, STATE) is None
    found.state["items"]["heads"][0] = 1  # recovery writes into what it read


LEAVES = st.one_of(
    st.none(),
    st.integers(0, 2**130),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5).map(lambda v: np.array(v, np.int32)),
    st.lists(st.floats(width=32, allow_nan=False), max_size=5).map(lambda v: np.array(v, np.float32)),
    st.integers(0, 3).map(lambda n: np.zeros((n, 2), np.uint64)),
)
STATES = st.dictionaries(
    st.text(max_size=5), st.recursive(LEAVES, lambda s: st.dictionaries(st.text(max_size=3), s, max_size=3)), max_size=4
)


@settings(max_examples=60)
@given(state=STATES)
def test_any_state_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, state: dict[str, object]) -> None:
    path = tmp_path_factory.mktemp("s") / "x.snapshot"
    write_snapshot(path, Snapshot(1, {}, state))

    assert first_difference(read_snapshot(path).state, state) is None


def test_a_flip_or_an_end_at_any_byte_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "x.snapshot"
    write_snapshot(path, Snapshot(7, {}, {"a": np.arange(3, dtype=np.uint16), "b": np.ones(2, np.float64)}))
    content = path.read_bytes()
    padding = len(content) - 16 - 2  # two bytes behind the three numbers fill up to a multiple of eight

    for at in range(len(content)):
        path.write_bytes(content[:at])
        with pytest.raises(DataLossError):
            read_snapshot(path)
        if at in (padding, padding + 1):
            continue
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :])
        with pytest.raises(DataLossError):
            read_snapshot(path)


def test_the_newest_whole_snapshot_counts_and_two_are_kept(tmp_path: Path) -> None:
    folder = SnapshotFolder(tmp_path)
    assert folder.newest([]) is None
    for position in (3, 10, 200):
        folder.write(Snapshot(position, {}, {"a": position}))

    assert folder.prune() == 10
    assert folder.positions() == [10, 200]
    os.truncate(folder.file_of(200), 60)
    problems: list[str] = []
    found = folder.newest(problems)
    assert found is not None
    assert found.state == {"a": 10}
    assert problems == [f"{200:020d}.snapshot: the header is damaged"]


def test_a_single_snapshot_leaves_the_whole_log_in_place(tmp_path: Path) -> None:
    folder = SnapshotFolder(tmp_path)
    folder.write(Snapshot(5, {}, {}))

    assert folder.prune() == 0


def test_a_snapshot_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = SnapshotFolder(tmp_path)
    folder.write(Snapshot(5, {}, STATE))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        folder.write(Snapshot(6, {}, STATE))

    assert [p.name for p in tmp_path.iterdir()] == [f"{5:020d}.snapshot"]


def test_a_definition_comes_back_as_it_was(tmp_path: Path) -> None:
    definition = TableDefinition(
        "name/with.dots",
        Selector.prioritized(0.5),
        Selector.max_heap(),
        RateLimiter.sample_to_insert_ratio(2.0, 10, 40.0),
        1000,
        max_lag=3,
        pattern=Pattern.n_step(3, stack=4),
        acknowledgement=AcknowledgementLevel.DISK,
        delivery=Delivery.AT_LEAST_ONCE,
        columns=(ColumnSpec("observation", ElementType.UINT8, (84, 84)),),
        partial_episodes=PartialEpisodes.DROP,
        compressed_columns=("observation",),
    )
    path = tmp_path / "definition"

    write_definition(path, definition)

    assert read_definition(path) == definition
    path.write_bytes(path.read_bytes().replace(b"1000", b"1001"))
    with pytest.raises(DataLossError, match="the definition is damaged"):
        read_definition(path)
