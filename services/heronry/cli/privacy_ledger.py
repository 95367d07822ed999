"""`heronry privacy verify` and `export`: a ledger, looked at where it lies."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from heronry.cli.output import console_for, print_json
from heronry.cli.privacy_files import ledger_at, write_export
from heronry.cli.screen import print_line, print_table
from heronry.types.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.console import Console

    from heronry.privacy.ledger import Head, VerifyReport

Fields = Mapping[str, object]
_ALTERED_EXIT_CODE = 1
_DIGEST_SHOWN = 16
_UNCOMMITTED_SHOWN = 8
_DIGEST_BYTES = 32

_Where = Annotated[Path, typer.Argument(metavar="PATH", help="A ledger, or the data directory that holds one.")]
_IsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def verify(
    path: _Where,
    head: Annotated[
        str, typer.Option("--head", metavar="ROW:DIGEST", help="A row that it must have, as `status --json` tells it.")
    ] = "",
    is_json: _IsJson = False,
) -> None:
    """Check a ledger to the last figure, beside the service that holds it; ends with 1 when it was altered."""
    from heronry.privacy import ledger  # SQLite

    fields = report_fields(ledger.verify(ledger_at(path), _head_of(head)))
    show_report(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)
    if not fields["is_sound"]:
        raise typer.Exit(_ALTERED_EXIT_CODE)


def export(
    path: _Where,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A file, which is replaced; `-`: standard output.")],
    is_json: _IsJson = False,
) -> None:
    """Write a ledger as JSON lines, a row each, by which anybody can repeat its chain of hashes."""
    if is_json and str(out) == "-":
        raise ConfigurationError.of("--json", "given", "a file as OUT: standard output holds the rows")
    source = ledger_at(path)
    num_rows = write_export(source, out)
    console = console_for(is_json=is_json or str(out) == "-")
    print_line(console, f"{source}: {num_rows:,} rows -> {out}")
    if is_json:
        print_json({"ledger": str(source), "path": str(out.absolute()), "rows": num_rows})


def report_fields(report: "VerifyReport") -> dict[str, object]:
    """Return what a ledger was found to be as JSON values."""
    return {
        "ledger": str(report.path),
        "is_sound": report.is_sound,
        "fault": report.fault or None,
        "head": {"row": report.head.sequence, "digest": report.head.digest.hex()},
        "openings": report.num_owners,
        "runs": [
            {
                "run": run,
                "releases": totals.num_releases,
                "uncommitted": totals.num_uncommitted,
                "is_void": totals.is_void,
            }
            for run, totals in sorted(report.runs.items())
        ],
        "uncommitted": [{"row": u.sequence, "run": u.run, "round": u.round_id} for u in report.uncommitted],
        "backward_clocks": report.num_backward_clocks,
    }


def show_report(console: "Console", found: Fields) -> None:
    """Print the verdict, the rows, the runs, and what is worth a look."""
    head = cast("Fields", found["head"])
    verdict = "sound" if found["is_sound"] else "ALTERED"
    print_line(console, f"ledger {found['ledger']}: {verdict}")
    if not found["is_sound"]:
        print_line(console, f"  {found['fault']}")
    sound = "" if found["is_sound"] else " are sound"
    newest = f"the newest with digest {str(head['digest'])[:_DIGEST_SHOWN]}"
    print_line(console, f"  {head['row']:,} rows{sound}, {newest}; openings: {found['openings']:,}")
    _show_uncommitted(console, cast("Sequence[Fields]", found["uncommitted"]))
    if found["backward_clocks"]:
        times = found["backward_clocks"]
        print_line(console, f"  the clock went back at {times:,} rows: allowed, as the order is that of the rows")
    rows = [
        (str(r["run"]), f"{r['releases']:,}", f"{r['uncommitted']:,}", "void" if r["is_void"] else "")
        for r in cast("Sequence[Fields]", found["runs"])
    ]
    print_table(console, ("run", "reservations", "uncommitted", ""), rows, "  no runs")


def _show_uncommitted(console: "Console", uncommitted: Sequence[Fields]) -> None:
    for each in uncommitted[:_UNCOMMITTED_SHOWN]:
        place = f"row {each['row']}, round {each['round']} of {each['run']}"
        print_line(console, f"  uncommitted: {place}: counts as spent, its noise may have left")
    if len(uncommitted) > _UNCOMMITTED_SHOWN:
        print_line(console, f"  and {len(uncommitted) - _UNCOMMITTED_SHOWN:,} more that are uncommitted")


def _head_of(text: str) -> "Head | None":
    from heronry.privacy.ledger import Head  # SQLite

    if not text:
        return None
    row, _, digest = text.partition(":")
    try:
        head = Head(int(row), bytes.fromhex(digest))
    except ValueError:
        head = Head(-1, b"")
    if head.sequence < 0 or len(head.digest) != _DIGEST_BYTES:
        raise ConfigurationError.of("--head", text, f"ROW:DIGEST, the digest of {2 * _DIGEST_BYTES} hexadecimal digits")
    return head
