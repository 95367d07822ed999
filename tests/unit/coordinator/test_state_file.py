"""Where a coordinator keeps what it knows."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from heronry.coordinator.state_file import check_data_dir
from heronry.types.errors import ConfigurationError


@pytest.fixture
def closed_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of another user's, as root sees them that has taken an ordinary user's rights."""
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0)
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(before)


@pytest.mark.parametrize("below", [(), ("runs",), ("runs", "mine")])
def test_a_data_directory_that_is_a_file_or_lies_in_one_is_refused_by_name(tmp_path: Path, below: tuple[str]) -> None:
    file = tmp_path / "file"
    file.write_text("")

    with pytest.raises(ConfigurationError, match=r"data_dir: got .*allowed: a folder .*file is no folder") as caught:
        check_data_dir(file.joinpath(*below))

    assert caught.value.details["field"] == "data_dir"


def test_one_in_a_folder_that_is_closed_to_the_service_is_refused_by_name(closed_folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"data_dir: got .*runs', allowed: a folder .* cannot be written to"):
        check_data_dir(closed_folder / "heronry" / "runs")


def test_one_that_is_there_or_can_be_made_is_taken_and_nothing_is_made(tmp_path: Path) -> None:
    check_data_dir(tmp_path)
    check_data_dir(tmp_path / "runs" / "mine")

    assert not list(tmp_path.iterdir())
