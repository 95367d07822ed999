"""`heronry fleet record`: where a film goes."""

from pathlib import Path

import pytest

from heronry.cli import fleet_films
from heronry.cli.access import Access
from heronry.cli.fleet_films import Film, record_film
from heronry.types.errors import ConfigurationError
from heronry.types.recordings import Recording
from heronry.types.version import ParameterVersion


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = Recording(ParameterVersion(1, 1), 1.0, 1, ended=True, file=b"GIF")
    monkeypatch.setattr(fleet_films, "ask_fleet", lambda access, ask: recording)
    folder = tmp_path / "folder.gif"
    folder.mkdir()

    with pytest.raises(ConfigurationError, match=r"DEST: got '.*folder\.gif', allowed: a file that can be written"):
        record_film(Access(), Film(folder, None, None, 1, greedy=True, max_steps=5, frames_per_second=10))
