"""A Parquet file gives back the runs it was made of."""

from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heronry.datasets.parquet import open_writer, read_definition, read_runs
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DataLossError, InvalidArgumentError, SchemaMismatchError
from heronry.types.experience import Run, RunItems
from heronry.types.tensors import ElementType


def assert_equal_runs(read: list[Run], written: list[Run]) -> None:
    assert [(r.lane, r.first_step, r.num_steps) for r in read] == [(r.lane, r.first_step, r.num_steps) for r in written]
    for left, right in zip(read, written, strict=True):
        pairs = [(left.columns[path], right.columns[path]) for path in right.columns]
        pairs += [(getattr(left.items, f.name), getattr(right.items, f.name)) for f in fields(RunItems)]
        for a, b in pairs:
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
        assert (left.history is None) == (right.history is None)
        if right.history is not None:
            np.testing.assert_array_equal(left.history, right.history)


def write(path: Path, definition, runs: Iterable[Run]) -> None:
    with open_writer(path, definition) as writer:
        for run in runs:
            writer.write(run)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=6), seed=st.integers(0, 999), has_history=st.booleans()
)
def test_all_of_a_run_comes_back(tmp_path: Path, definition, make_run, lengths, seed, has_history) -> None:
    path = tmp_path / "a.parquet"
    path.unlink(missing_ok=True)
    runs = [make_run(n, lane=2**64 - 1 - i, first_step=10 * i, seed=seed + i) for i, n in enumerate(lengths)]
    if has_history:
        runs = [replace(r, history=np.arange(r.num_steps).astype(np.uint8)) for r in runs]

    write(path, definition, runs)

    assert read_definition(path) == definition
    assert_equal_runs(list(read_runs(path, definition)), runs)


def test_items_in_any_order_and_several_at_a_step_keep_their_order(tmp_path: Path, definition, make_run) -> None:
    run = make_run(6)
    shuffled = np.array([4, 0, 2, 2, 1])
    items = replace(run.items, starts=shuffled.astype(np.uint32), lengths=np.array([1, 6, 2, 1, 3], np.uint32))

    write(tmp_path / "a.parquet", definition, [replace(run, items=items)])

    (read,) = read_runs(tmp_path / "a.parquet", definition)
    np.testing.assert_array_equal(read.items.starts, shuffled)
    np.testing.assert_array_equal(read.items.lengths, items.lengths)
    np.testing.assert_array_equal(read.items.priorities, items.priorities)


def test_a_run_longer_than_what_is_read_at_a_time_is_one_run(tmp_path: Path, definition, make_run) -> None:
    runs = [make_run(3000), make_run(10, lane=1)]

    write(tmp_path / "a.parquet", definition, runs)

    assert_equal_runs(list(read_runs(tmp_path / "a.parquet", definition)), runs)


def test_other_programs_see_one_row_a_step_with_its_episode(tmp_path: Path, definition, make_run) -> None:
    first = make_run(5, lane=7, ends=(1,))
    following = make_run(3, lane=7, first_step=5, ends=(0,))
    other = make_run(2, lane=8)

    write(tmp_path / "a.parquet", definition, [first, other, following])

    table = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    assert table.column("@lane").to_pylist() == [7] * 5 + [8] * 2 + [7] * 3
    assert table.column("@step").to_pylist() == [0, 1, 2, 3, 4, 0, 1, 5, 6, 7]
    # The second run goes on with the second episode of the lane's first run and ends it at once.
    assert table.column("@episode").to_pylist() == [0, 0, 1, 1, 1, 2, 2, 1, 3, 3]
    assert table.column("observation").to_pylist()[0] == first.columns["observation"][0].tolist()
    assert table.column("frame").to_pylist()[0] == first.columns["frame"][0].tobytes()
    assert table.column("@priority").to_pylist()[4] == []


def test_a_writer_that_fails_leaves_no_file(tmp_path: Path, definition, make_run) -> None:
    def runs():
        yield make_run(3)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write(tmp_path / "a.parquet", definition, runs())

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path, definition) -> None:
    (tmp_path / "a.parquet").write_text("mine")

    with pytest.raises(InvalidArgumentError, match="does not exist yet"):
        open_writer(tmp_path / "a.parquet", definition)


def test_what_is_no_file_of_ours_is_refused_by_name(tmp_path: Path, definition) -> None:
    (tmp_path / "text.parquet").write_text("not parquet")
    pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), tmp_path / "other.parquet")

    with pytest.raises(InvalidArgumentError, match="an existing file"):
        read_definition(tmp_path / "nowhere.parquet")
    with pytest.raises(DataLossError, match=r"text\.parquet is no whole Parquet file"):
        read_definition(tmp_path / "text.parquet")
    with pytest.raises(InvalidArgumentError, match="that `heronry replay export` has written"):
        read_definition(tmp_path / "other.parquet")


def test_a_truncated_file_is_a_named_loss(tmp_path: Path, definition, make_run) -> None:
    path = tmp_path / "a.parquet"
    write(path, definition, [make_run(50)])
    path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(DataLossError, match=r"a\.parquet"):
        list(read_runs(path, definition))


def test_a_table_of_other_columns_is_refused_by_name(tmp_path: Path, definition, make_run) -> None:
    path = tmp_path / "a.parquet"
    write(path, definition, [make_run(5)])
    other = replace(definition, columns=(ColumnSpec("observation", ElementType.FLOAT64, (3,)),))

    with pytest.raises(SchemaMismatchError, match=r"observation float64\[3\]"):
        list(read_runs(path, other))


def test_memory_is_bounded_by_row_groups(tmp_path: Path, definition, make_run, monkeypatch) -> None:
    monkeypatch.setattr("heronry.datasets.parquet._GROUP_BYTES", 10_000)

    with open_writer(tmp_path / "a.parquet", definition) as writer:
        for number in range(20):
            writer.write(make_run(50, lane=number))
            assert writer._pending_bytes < 10_000

    assert pyarrow.parquet.ParquetFile(tmp_path / "a.parquet").num_row_groups > 5


def test_a_missing_folder_is_named(tmp_path: Path, definition) -> None:
    with pytest.raises(InvalidArgumentError, match=r"in a folder that is there; .*missing' is not"):
        open_writer(tmp_path / "missing" / "x.parquet", definition)
