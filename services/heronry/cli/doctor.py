"""`heronry doctor`: what is installed here, and what would get in the way."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from heronry.cli.mesh_state import MeshState
from heronry.cli.output import console_for, print_json
from heronry.launch.ports import port_of, require_free_port
from heronry.types.errors import ConfigurationError, FailedPreconditionError

Level = Literal["ok", "note", "problem"]
DISTRIBUTIONS = (
    "heronry",
    "numpy",
    "grpcio",
    "protobuf",
    "gymnasium",
    "torch",
    "pydantic",
    "safetensors",
    "structlog",
    "cramjam",
    "pyarrow",
    "minari",
)
OPTIONAL = ("heronry", "torch", "pyarrow", "minari")
ROLES = ("coordinator", "params", "replay", "fleet", "learner")
MIN_FREE_BYTES = 1 << 30


@dataclass(frozen=True)
class Finding:
    """One line of the examination."""

    name: str
    level: Level
    text: str


def doctor(
    is_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Show versions, the torch build, compilers, ports and folders; exit code 1 when something is in the way."""
    console = console_for(is_json=is_json)
    findings = [finding for examine in EXAMINATIONS for finding in examine()]
    width = max(len(finding.name) for finding in findings)
    marks = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "problem": "[red]problem[/]"}
    for finding in findings:
        console.print(f"{finding.name:<{width}}  {marks[finding.level]}  ", end="")
        console.print(finding.text, markup=False)
    has_problem = any(finding.level == "problem" for finding in findings)
    if is_json:
        print_json({"healthy": not has_problem, "findings": [asdict(finding) for finding in findings]})
    return 1 if has_problem else 0


def _versions() -> Iterator[Finding]:
    yield Finding("python", "ok", f"{platform.python_version()} ({sys.executable})")
    yield Finding("machine", "ok", f"{platform.machine()}, {os.cpu_count()} cores, {platform.platform(terse=True)}")
    for name in DISTRIBUTIONS:
        try:
            yield Finding(name, "ok", importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            missing: Level = "note" if name in OPTIONAL else "problem"
            yield Finding(name, missing, "not installed as a distribution")


def _torch_build() -> Iterator[Finding]:
    if importlib.util.find_spec("torch") is None:
        yield Finding("torch build", "note", "none: the learner needs it (pip install 'heronry[learn]')")
        return
    import torch  # 1.5 s that only this examination needs

    if torch.version.cuda is None:
        yield Finding("torch build", "ok", "CPU (TORCH_INDEX_URL chooses another at install)")
    elif torch.cuda.is_available():
        yield Finding("torch build", "ok", f"CUDA {torch.version.cuda}, {torch.cuda.get_device_name()}")
    else:
        yield Finding("torch build", "note", f"CUDA {torch.version.cuda}, but no device is there: learning on the CPU")


def _accelerators() -> Iterator[Finding]:
    has_uvloop = importlib.util.find_spec("uvloop") is not None
    yield Finding(
        "uvloop", "ok" if has_uvloop else "note", "there" if has_uvloop else "not installed: asyncio's loop is used"
    )
    from heronry.native import BACKEND  # loads the extension

    yield Finding("native code", "ok" if BACKEND == "native" else "note", _twin_text(BACKEND))


def _twin_text(backend: str) -> str:
    if backend == "native":
        return "native in use"
    if os.environ.get("HERONRY_NATIVE") == "0":
        return f"{backend} in use, for HERONRY_NATIVE is 0"
    from heronry.native.backend import load

    try:
        load("native")
    except ImportError as error:
        return f"{backend} in use: {error} (pip install . builds it where there is a C++ compiler)"
    return f"{backend} in use"


def _agent() -> Iterator[Finding]:
    from heronry.native_agent.loading import find_module, load_module  # NumPy

    try:
        module = load_module()
    except FailedPreconditionError as error:
        yield Finding("C++ agent", "note", str(error))
    else:
        yield Finding("C++ agent", "ok", f"built for torch {module.TORCH_VERSION}: {find_module()}")


def _compilers() -> Iterator[Finding]:
    found = [path for path in (shutil.which(name) for name in ("c++", "g++", "clang++")) if path]
    text = found[0] if found else "none: the NumPy twin is used when heronry is installed from source"
    yield Finding("C++ compiler", "ok" if found else "note", text)


def _ports() -> Iterator[Finding]:
    state = MeshState.read()
    if state is not None:
        yield Finding("ports", "ok", f"held by the mesh that is up (process {state.pid})")
        return
    for role in ROLES:
        port = port_of(role)
        try:
            require_free_port(role, port)
        except ConfigurationError as error:
            yield Finding(f"port {port}", "problem", str(error))
        else:
            yield Finding(f"port {port}", "ok", f"free for {role}")


def _folders() -> Iterator[Finding]:
    runs = Path("runs")
    nearest = runs if runs.exists() else Path.cwd()
    can_write = os.access(nearest, os.W_OK | os.X_OK)
    yield Finding(
        "runs", "ok" if can_write else "problem", f"{nearest.resolve()} can{'' if can_write else 'not'} be written"
    )
    free = shutil.disk_usage(Path.cwd()).free
    level: Level = "ok" if free >= MIN_FREE_BYTES else "problem"
    yield Finding("disk", level, f"{free / 1e9:.1f} GB free")


EXAMINATIONS = (_versions, _torch_build, _accelerators, _agent, _compilers, _ports, _folders)
