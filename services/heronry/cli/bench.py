"""`heronry bench`: measure the figures of docs/benchmarks.md on this machine."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def bench(
    suite: Annotated[str, typer.Argument(help="What to measure: train, sdk, replay, params, privacy, fleet.")],
    case: Annotated[str, typer.Option("--case", help="Only cases that match, as file names do.")] = "*",
    json_lines: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    peers: Annotated[Path | None, typer.Option("--peers", help="Folder of peer scripts and their venvs.")] = None,
) -> None:
    """Measure; print a row for each case."""
    from heronry.bench import run_suite
    from heronry.bench.peers import Peers

    for row in run_suite(suite, case, Peers(peers)):
        sys.stdout.write((row.to_json() if json_lines else row.to_text()) + "\n")
        sys.stdout.flush()
