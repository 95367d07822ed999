"""Where a local mesh puts its files."""

import stat
from pathlib import Path

import pytest

from heronry.launch.layout import MAX_SOCKET_PATH_BYTES, Layout, make_writable
from heronry.types.errors import ConfigurationError


def test_the_sockets_lie_in_a_private_folder_with_a_short_path(tmp_path: Path) -> None:
    layout = Layout.create(tmp_path / ("long" * 40), tmp_path / "logs")

    socket = layout.socket("coordinator-0")

    assert len(str(socket)) <= MAX_SOCKET_PATH_BYTES
    assert stat.S_IMODE(layout.socket_dir.stat().st_mode) == 0o700
    layout.remove_sockets()
    assert not layout.socket_dir.exists()


def test_an_instance_with_a_name_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    layout = Layout(tmp_path, tmp_path, tmp_path)

    with pytest.raises(ConfigurationError, match="at most 100 bytes"):
        layout.socket("f" * 120)


def test_a_file_in_the_place_of_a_folder_is_a_named_error(tmp_path: Path) -> None:
    taken = tmp_path / "runs"
    taken.write_text("not a folder")

    with pytest.raises(ConfigurationError, match="directory"):
        make_writable(taken)


def test_the_log_of_an_instance_is_named_after_it(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "logs", tmp_path / "sockets")

    assert layout.log("fleet-2") == tmp_path / "logs" / "fleet-2.log"
    assert layout.address("fleet-2") == f"unix:{tmp_path}/sockets/fleet-2.sock"
