import sys
from types import ModuleType

import pytest

from heronry.client import command


def test_the_command_runs_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    cli = ModuleType("heronry.cli.main")
    cli.main = lambda: 7  # type: ignore[attr-defined]  # stands in for the real one
    monkeypatch.setitem(sys.modules, "heronry.cli.main", cli)

    assert command.main() == 7


def test_without_its_extra_the_command_prints_the_install_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "heronry.cli.main", raising=False)
    monkeypatch.delitem(sys.modules, "heronry.cli", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Missing(), *sys.meta_path])

    assert command.main() == 1

    assert "pip install 'heronry[serve]'" in capsys.readouterr().err


class _Missing:
    """Fails the import as an environment without typer does."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.startswith("heronry.cli"):
            raise ModuleNotFoundError("No module named 'typer'", name="typer")
