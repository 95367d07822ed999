"""One server holds a ledger; a second is told who, and one that was followed can reserve nothing."""

import multiprocessing
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from heronry.privacy.ledger import Ledger, Reservation, export, verify
from heronry.types.errors import FailedPreconditionError, FencedError, UnavailableError

ROW = Reservation(1, {"z": 1.0}, 1.0, 1.0, 4.0, 1, "gaussian/1", ("ada",))
HOLD = """
import sys
from pathlib import Path
from heronry.privacy.ledger import Ledger
with Ledger.open(Path(sys.argv[1]), owner="params-1"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_of_many_threads_one_gets_it_and_the_others_learn_who(path: Path) -> None:
    at_once = Barrier(4)

    def try_to_open(index: int) -> Ledger | FailedPreconditionError:
        at_once.wait(10)
        try:
            return Ledger.open(path, owner="params-0")
        except FailedPreconditionError as error:
            return error

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(try_to_open, range(4)))

    (held,) = (one for one in found if isinstance(one, Ledger))
    with held, pytest.raises(FailedPreconditionError, match=f"'params-0' .process {os.getpid()} on"):
        Ledger.open(path, owner="params-0")


def test_another_process_keeps_it_until_it_ends(path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FailedPreconditionError, match=f"'params-1' .process {holder.pid} on"):
            Ledger.open(path, owner="params-2")
        holder.kill()
        holder.wait(10)

    with Ledger.open(path, owner="params-2") as ledger:
        assert ledger.epoch == 2


def test_an_owner_whose_lock_was_stolen_is_fenced_before_it_reserves(path: Path) -> None:
    with Ledger.open(path, owner="old") as old:
        open_row = old.reserve("walk", ROW, 0.0)
        path.with_name("ledger.lock").unlink()
        with Ledger.open(path, owner="new") as new:
            head = new.head
            with pytest.raises(FencedError, match=r"another owner .new. has written row 3"):
                old.reserve("walk", ROW, 0.0)
            with pytest.raises(FencedError):
                old.commit(open_row, 0.0)

            assert new.head == head
            assert new.reserve("walk", ROW, 0.0) == head.sequence + 1
        assert old.run("walk").num_releases == 1
    assert verify(path).is_sound


@pytest.mark.parametrize("name", ["ledger", "ledger-wal"])
def test_an_owner_whose_file_or_log_was_replaced_or_removed_is_fenced(path: Path, name: str) -> None:
    file = path.with_name(name)
    with Ledger.open(path, owner="params") as ledger:
        Path(shutil.copy(file, path.with_name("copy"))).replace(file)
        with pytest.raises(FencedError, match="replaced while it was open"):
            ledger.reserve("walk", ROW, 0.0)
        file.unlink()
        with pytest.raises(FencedError, match="replaced while it was open"):
            ledger.reserve("walk", ROW, 0.0)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_is_fenced_and_does_not_disturb_its_parent(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger:
        context = multiprocessing.get_context("fork")
        told = context.SimpleQueue()

        def reserve_in_child() -> None:
            try:
                told.put(f"reserved row {ledger.reserve('walk', ROW, 0.0)}")
            except FencedError as error:
                told.put(str(error))

        child = context.Process(target=reserve_in_child)
        child.start()
        child.join(20)

        assert "fork" in told.get()
        ledger.reserve("walk", ROW, 0.0)
    assert verify(path).is_sound


def test_reservations_of_concurrent_rounds_are_put_in_order(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger, ThreadPoolExecutor(4) as pool:
        sequences = list(pool.map(lambda _: ledger.reserve("walk", ROW, 0.0), range(40)))

        assert sorted(sequences) == list(range(2, 42))
        assert ledger.participation("walk", "ada").count == 40
    assert verify(path).is_sound


def test_verify_and_export_read_beside_the_owner_who_goes_on(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger:
        for _ in range(3):
            ledger.reserve("walk", ROW, 0.0)
            assert verify(path, ledger.head).head == ledger.head
            with path.with_name("out").open("w") as out:
                assert export(path, out) == ledger.head.sequence


def test_a_folder_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(UnavailableError, match="No such file"):
        Ledger.open(path / "deeper", owner="params")
