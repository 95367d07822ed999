"""The file that says which mesh is up."""

import os
import subprocess
from pathlib import Path

import pytest

from heronry.cli.mesh_state import MeshState, ServiceEntry, remove_stale_state, state_path
from heronry.launch.processes import start_ticks
from heronry.types.errors import AlreadyExistsError, DataLossError


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def state(pid: int, ticks: int) -> MeshState:
    entry = ServiceEntry("params", "params-0", ("unix:/x", "127.0.0.1:50051"))
    return MeshState(pid, ticks, "127.0.0.1:50050", "/runs", "/runs/logs", (entry,))


def test_what_was_written_is_read_again() -> None:
    written = state(os.getpid(), start_ticks(os.getpid()))

    written.write()

    assert MeshState.read() == written


def test_no_file_means_no_mesh() -> None:
    assert MeshState.read() is None


def test_a_mesh_whose_process_id_belongs_to_another_process_now_is_gone() -> None:
    state(os.getpid(), start_ticks(os.getpid()) + 1).write()

    assert MeshState.read() is None


def test_a_broken_file_is_named() -> None:
    state_path().parent.mkdir(parents=True)
    state_path().write_text("{")

    with pytest.raises(DataLossError, match="not a state file"):
        MeshState.read()


def test_removing_twice_is_no_error() -> None:
    remove_stale_state()
    remove_stale_state()

    assert not state_path().exists()


def test_a_second_mesh_is_refused_by_name_while_one_is_starting_or_up() -> None:
    state(os.getpid(), start_ticks(os.getpid())).claim()

    with pytest.raises(
        AlreadyExistsError, match=rf"already up or starting \(pid {os.getpid()}\); heronry down ends it"
    ):
        state(os.getpid() + 1, 7).claim()


def test_the_place_of_a_mesh_that_was_killed_is_free() -> None:
    state(os.getpid(), start_ticks(os.getpid()) + 1).write()
    mine = state(os.getpid(), start_ticks(os.getpid()))

    mine.claim()

    assert MeshState.read() == mine


def test_a_mesh_removes_only_its_own_file() -> None:
    up = state(os.getpid(), start_ticks(os.getpid()))
    up.claim()

    state(os.getpid() + 1, 7).remove()
    assert MeshState.read() == up

    up.remove()
    assert not state_path().exists()


def test_a_process_that_has_ended_but_was_not_waited_for_is_gone() -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    assert start_ticks(process.pid) == 0

    process.wait()
