"""Records of a run: torn anywhere, folded back into where it stood."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from heronry.coordinator.core import records
from heronry.coordinator.core.run import Ending, Run
from heronry.coordinator.journal import Journal, read_json, replace_json
from heronry.coordinator.run_store import RunStore
from heronry.types.errors import DataLossError, InvalidArgumentError, RunActiveError, RunNotFoundError
from heronry.types.run import RunState
from heronry.types.version import ParameterVersion

MakeRun = Callable[..., Run]


def lived(run: Run) -> list[records.Record]:
    """Let a run live until it is finishing, and return its records."""
    run.starts.count("fleet-0", 7)
    written = [records.submitted(run)]
    run.starts.count("fleet-0", 8)
    written.append(records.started(run))
    run.move_to(RunState.RUNNING, 101.0)
    written.append(records.moved(run))
    run.progress.report("fleet-0", 7, {"env_steps": 512.0, "episodes": 3.0}, 101.5)
    run.progress.report("learner-0", 9, {"updates": 2.0}, None)
    run.plan.selection_seed()
    run.plan.record(ParameterVersion(1, 8, b"\x01"), [10.0, 20.0], 512, 1.0)
    run.checkpoint_time_s = 103.0
    written.append(records.counted(run))
    run.end_by(Ending(RunState.STOPPED, is_judged=True, reason="stopped"), 104.0)
    written.append(records.moved(run))
    return written


def facts(run: Run) -> dict[str, object]:
    values = {
        f.name: getattr(run, f.name)
        for f in dataclasses.fields(run)
        if f.name not in {"plan", "progress", "starts", "meter"}
    }
    return {**values, "plan": run.plan.state(), "progress": run.progress.state(), "starts": run.starts.state()}


def test_a_run_comes_back_from_its_records_as_it_was(make_run: MakeRun) -> None:
    run = make_run(algorithm={"name": "dqn"}, seed=5)
    data = b"".join(map(records.encode, lived(run)))

    back = records.run_from(records.decode(data)[0])

    assert back is not None
    assert facts(back) == facts(run)


def test_a_journal_torn_at_any_byte_keeps_every_whole_record(make_run: MakeRun, tmp_path: Path) -> None:
    written = lived(make_run())
    lines = [records.encode(record) for record in written]
    data = b"".join(lines)
    ends = [sum(map(len, lines[: i + 1])) for i in range(len(lines))]
    path = tmp_path / "run" / "coordinator" / "journal.jsonl"
    path.parent.mkdir(parents=True)
    steps = [*range(0, len(data), 13), *(end + near for end in ends for near in (-1, 0))]

    for cut in steps:
        path.write_bytes(data[:cut])
        whole = sum(end <= cut for end in ends)
        with Journal(path) as journal:
            assert len(journal.records) == whole
            journal.append({"kind": "next"})

        assert records.decode(path.read_bytes())[0][-1] == {"kind": "next"}
        assert len(records.decode(path.read_bytes())[0]) == whole + 1


def test_every_cut_decodes_to_a_prefix(make_run: MakeRun) -> None:
    written = lived(make_run())
    data = b"".join(map(records.encode, written))

    for cut in range(len(data)):
        read, end = records.decode(data[:cut])
        assert end <= cut
        assert read == [dict(r) for r in written[: len(read)]]


def test_a_damaged_line_in_the_middle_is_told() -> None:
    data = records.encode({"kind": "a"}) + b"{broken\n" + records.encode({"kind": "b"})

    with pytest.raises(DataLossError, match="line 2"):
        records.decode(data)


def test_an_open_journal_belongs_to_one_mesh(tmp_path: Path) -> None:
    path = tmp_path / "run-1" / "coordinator" / "journal.jsonl"

    with Journal(path), pytest.raises(RunActiveError, match="run-1"):
        Journal(path)
    with Journal(path) as journal:
        assert journal.records == []


def test_the_next_stretch_keeps_what_was_counted_and_takes_the_new_spec(make_run: MakeRun) -> None:
    run = make_run(max_env_steps=1000)
    lived(run)
    run.move_to(RunState.STOPPED, 110.0)
    longer = make_run(max_env_steps=2000).spec

    again = records.next_stretch(run, longer, "request-2", 500.0)

    assert (again.state, again.spec.max_env_steps) == (RunState.PENDING, 2000)
    assert (again.env_steps, again.updates) == (512, 2)
    assert again.elapsed_s(501.0) == 10.0 + 1.0
    assert again.train_s(501.0) == 3.0
    assert again.must_restore(registered_s=0.0)
    assert again.plan.best == run.plan.best


def test_the_next_stretch_goes_on_counting_starts_also_after_its_records_were_read(make_run: MakeRun) -> None:
    written = lived(make_run())

    before = records.run_from(written)
    assert before is not None
    again = records.next_stretch(before, before.spec, "request-2", 500.0)
    again.starts.count("fleet-0", 8)
    back = records.run_from([*written, records.submitted(again)])

    assert back is not None
    assert (before.starts.number("fleet-0"), back.starts.number("fleet-0")) == (2, 3)


def test_a_document_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "state.json"

    replace_json(path, {"a": 1})
    replace_json(path, {"a": 2})

    assert read_json(path) == {"a": 2}
    assert list(path.parent.iterdir()) == [path]
    assert read_json(tmp_path / "missing.json") == {}


@pytest.mark.parametrize("run_id", ["", "..", ".hidden", "a/b", "a b", "x" * 129])
def test_a_run_id_that_is_no_folder_name_is_refused(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(InvalidArgumentError, match="run_id"):
        RunStore(tmp_path).folder(run_id)


def test_runs_are_found_on_disk_and_unknown_ones_name_those(make_run: MakeRun, tmp_path: Path) -> None:
    with RunStore(tmp_path).open(make_run()) as journal:
        journal.append(records.submitted(make_run()))

    store = RunStore(tmp_path)

    assert store.newest().run_id == "run-1"
    with pytest.raises(RunNotFoundError, match="run-1"):
        store.get("run-2")
