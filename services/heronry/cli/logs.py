"""`heronry logs`: what the services have written."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from heronry.cli.mesh_state import MeshState
from heronry.launch.processes import last_lines
from heronry.types.errors import NotFoundError


def logs(
    service: Annotated[str, typer.Argument(help="Role or instance; all when left out.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Lines of each log.")] = 50,
    run_dir: Annotated[Path | None, typer.Option(help="A run's folder; otherwise the mesh that is up.")] = None,
) -> None:
    """Show the services' logs: of the mesh that is up, of a run's folder, or of the newest run."""
    folder = _log_dir(run_dir)
    files = sorted(file for file in folder.glob("*.log") if _matches(file.stem, service))
    if not files:
        raise _nothing_found(folder, service)
    width = max(len(file.stem) for file in files)
    offsets = {file: file.stat().st_size for file in files}
    for file in files:
        for line in last_lines(file, lines, max_bytes=1 << 20) if lines else ():
            sys.stdout.write(f"{file.stem:<{width}} | {line}\n")
    if follow:
        _follow(offsets, width)


def _log_dir(run_dir: Path | None) -> Path:
    if run_dir is not None:
        return run_dir / "logs"
    state = MeshState.read()
    if state is not None:
        return Path(state.log_dir)
    runs = sorted(Path("runs").glob("*/logs"), key=lambda folder: folder.stat().st_mtime)
    if not runs:
        raise NotFoundError("no mesh is up and ./runs holds no run; name one with --run-dir")
    return runs[-1]


def _nothing_found(folder: Path, service: str) -> NotFoundError:
    instances = sorted(file.stem for file in folder.glob("*.log"))
    return NotFoundError.of("log", service, instances) if instances else NotFoundError(f"no logs in {folder} yet")


def _matches(instance: str, service: str) -> bool:
    return not service or instance == service or instance.rpartition("-")[0] == service


def _follow(offsets: dict[Path, int], width: int) -> None:
    while True:
        for file, offset in offsets.items():
            with file.open("rb") as stream:
                stream.seek(offset)
                whole, newline, _ = stream.read().rpartition(b"\n")
            offsets[file] = offset + len(whole) + len(newline)
            for line in whole.decode(errors="replace").splitlines():
                sys.stdout.write(f"{file.stem:<{width}} | {line}\n")
        sys.stdout.flush()
        # Files tell nobody that they grew; a quarter second is soon enough for a reader.
        time.sleep(0.25)
