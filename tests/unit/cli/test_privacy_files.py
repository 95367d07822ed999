"""`heronry privacy verify` and `export` on ledgers of every condition."""

import io
import json
import sqlite3
from pathlib import Path

import pytest
import typer
from rich.console import Console

from heronry.cli.privacy_files import LEDGER, ledger_at, write_export
from heronry.cli.privacy_ledger import report_fields, show_report, verify
from heronry.privacy.ledger import Head, Ledger, Reservation
from heronry.privacy.ledger import verify as verify_ledger
from heronry.types.errors import ConfigurationError, LedgerTamperedError, NotFoundError

RELEASE = Reservation(1, {"class": "GaussianDpEvent", "noise_multiplier": 2.0}, 1.0, 2.0, 4.0, 1, "test", ("client-a",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger two folders down, with a release that has left and one that may have."""
    folder = tmp_path / "run" / "params"
    folder.mkdir(parents=True)
    with Ledger.open(folder / LEDGER, owner="test") as ledger:
        ledger.commit(ledger.reserve("policy", RELEASE, 1.0), 2.0)
        ledger.reserve("policy", RELEASE, 3.0)
    return folder / LEDGER


def alter(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE entry SET body = CAST(REPLACE(body, '2.0', '3.0') AS BLOB) WHERE sequence = 2")
    connection.close()


def screen_of(fields: dict[str, object]) -> list[str]:
    console = Console(file=io.StringIO(), width=400, force_terminal=True, color_system=None, highlight=False)
    show_report(console, fields)
    return console.file.getvalue().splitlines()


def test_a_data_directory_stands_for_the_only_ledger_in_it(path: Path, tmp_path: Path) -> None:
    assert ledger_at(tmp_path) == path
    assert ledger_at(path) == path


def test_a_directory_of_several_ledgers_names_them(path: Path, tmp_path: Path) -> None:
    (tmp_path / LEDGER).write_bytes(b"")

    with pytest.raises(ConfigurationError, match=str(path)):
        ledger_at(tmp_path)


def test_a_directory_without_a_ledger_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=LEDGER):
        ledger_at(tmp_path)
    with pytest.raises(NotFoundError, match="no such file"):
        ledger_at(tmp_path / "nothing")


def test_a_sound_ledger_tells_rows_runs_and_what_is_uncommitted(path: Path) -> None:
    fields = report_fields(verify_ledger(path))

    lines = screen_of(fields)
    assert lines[0] == f"ledger {path}: sound"
    assert lines[1].startswith("  4 rows, the newest with digest ")
    assert lines[2] == "  uncommitted: row 4, round 1 of policy: counts as spent, its noise may have left"
    assert lines[-1].split() == ["policy", "2", "1"]
    assert json.loads(json.dumps(fields))["runs"][0]["releases"] == 2


def test_an_altered_ledger_is_told_with_its_reason_and_ends_with_one(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alter(path)

    with pytest.raises(typer.Exit) as ended:
        verify(path)

    assert ended.value.exit_code == 1
    out = capsys.readouterr().out
    assert "ALTERED" in out
    assert "row 2" in out


def test_a_ledger_that_lacks_a_row_that_was_seen_is_altered(path: Path) -> None:
    with pytest.raises(typer.Exit):
        verify(path, head=f"99:{'00' * 32}")


@pytest.mark.parametrize("head", ["3", "x:00", f"3:{'0' * 63}", f"-3:{'00' * 32}", "3:zz"])
def test_a_head_that_is_none_is_named(path: Path, head: str) -> None:
    with pytest.raises(ConfigurationError, match="--head"):
        verify(path, head=head)


def test_the_head_that_status_told_is_found(path: Path) -> None:
    head: Head = verify_ledger(path).head

    verify(path, head=f"{head.sequence}:{head.digest.hex()}")


def test_an_export_has_a_line_a_row(path: Path, tmp_path: Path) -> None:
    num_rows = write_export(path, tmp_path / "out.jsonl")

    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["row"]["kind"] for line in lines] == ["open", "reserve", "commit", "reserve"]
    assert num_rows == 4


def test_an_export_of_an_altered_ledger_keeps_the_sound_rows_before(path: Path, tmp_path: Path) -> None:
    alter(path)

    with pytest.raises(LedgerTamperedError):
        write_export(path, tmp_path / "out.jsonl")

    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("end", ["", "-wal", ".lock"])
def test_an_export_never_replaces_the_ledger(path: Path, end: str) -> None:
    before = path.read_bytes()

    with pytest.raises(ConfigurationError, match="another file than the ledger"):
        write_export(path, path.with_name(path.name + end))

    assert path.read_bytes() == before
