"""Temporary folders that go with their owners."""

import os
import subprocess
import sys
from pathlib import Path

from heronry.launch.owned_folder import OWNER_FILE, make_owned_folder

MAKE = "import sys; from heronry.launch.owned_folder import make_owned_folder; print(make_owned_folder(sys.argv[1]))"


def test_the_folder_of_a_process_that_was_killed_goes_when_the_next_one_is_made(tmp_path: Path) -> None:
    code = MAKE + "; sys.stdout.flush(); import os; os.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    abandoned = Path(done.stdout.strip())
    assert abandoned.is_dir()

    made = make_owned_folder(str(tmp_path))

    assert not abandoned.exists()
    assert made.is_dir()


def test_folders_with_a_living_owner_or_none_or_another_name_stay(tmp_path: Path) -> None:
    mine = make_owned_folder(str(tmp_path))
    unmarked = tmp_path / "heronry-unmarked"
    unmarked.mkdir()
    foreign = tmp_path / "something-else"
    foreign.mkdir()
    (foreign / OWNER_FILE).write_text((mine / OWNER_FILE).read_text().replace(str(os.getpid()), "1"))

    make_owned_folder(str(tmp_path))

    assert mine.is_dir()
    assert unmarked.is_dir()
    assert foreign.is_dir()


def test_a_folder_of_another_process_count_stays(tmp_path: Path) -> None:
    folder = make_owned_folder(str(tmp_path))
    (folder / OWNER_FILE).write_text("1 1 pid:[1]")

    make_owned_folder(str(tmp_path))

    assert folder.is_dir()
