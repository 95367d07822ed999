"""Compiles the agent against the torch that is installed; `python compiling.py` does it in the install hook.

It needs the standard library alone: when the hook runs, nothing else of heronry is installed yet.
"""

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MODULE_NAME = "_heronry_agent"
TIMEOUT_S = 1800
_HERE = Path(__file__).resolve().parent
_VERSION_LINE = re.compile(r"^__version__ = '([^']+)'", re.MULTILINE)


class CompileError(Exception):
    """The agent cannot be built; says why, and what would help."""


@dataclass(frozen=True)
class Torch:
    """The torch of this interpreter, found without importing it."""

    version: str
    folder: Path


@dataclass(frozen=True)
class Tools:
    """Programs that a build needs; `generator` is CMake's name of what runs the compiler."""

    cmake: str
    generator: str
    compiler: str


@dataclass(frozen=True)
class Built:
    """A built module, and how long that took; 0 s when it was there."""

    module: Path
    torch: str
    seconds: float


def installed_torch() -> Torch | None:
    """Return the torch that is installed, None without one."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    found = _VERSION_LINE.search((folder / "version.py").read_text())
    return Torch(found[1], folder) if found else None


def sources_folder() -> Path:
    """Return the C++ sources: beside this file in a wheel, else in the repository."""
    in_wheel = _HERE / "sources"
    return in_wheel if in_wheel.is_dir() else _HERE.parents[2] / "native" / "agent"


def sources_hash() -> str:
    """Return a hash of the sources, names included."""
    digest = hashlib.sha256()
    folder = sources_folder()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in {".h", ".cc", ".txt"}):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def build_key(torch: Torch) -> str:
    """Return the name of the folder of one build: torch, this Python's binary interface, the sources."""
    return f"torch-{torch.version}-{sysconfig.get_config_var('SOABI')}-{sources_hash()}"


def module_file() -> str:
    """Return the built module's file name."""
    return f"{MODULE_NAME}{sysconfig.get_config_var('EXT_SUFFIX')}"


def cache_folder() -> Path:
    """Return the user's builds: in `$HERONRY_CACHE_DIR`, else in the folder for caches."""
    chosen = os.environ.get("HERONRY_CACHE_DIR")
    if chosen:
        return Path(chosen) / "agent"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "heronry" / "agent"


def build_folders() -> tuple[Path, Path]:
    """Return where builds lie: the user's own, and the one that came with a wheel."""
    return cache_folder(), _HERE / "built"


def find_tools() -> Tools:
    """Return the programs of a build, those of this environment first.

    Raises:
      CompileError: one is missing; names it.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    cmake = shutil.which("cmake", path=path)
    if cmake is None:
        raise CompileError("no cmake found (pip install 'heronry[agent]' brings one)")
    generator = {"ninja": "Ninja", "make": "Unix Makefiles"}
    have = [generator[name] for name in generator if shutil.which(name, path=path)]
    if not have:
        raise CompileError("neither ninja nor make found (pip install 'heronry[agent]' brings ninja)")
    named = os.environ.get("CXX")
    compilers = [named] if named else ["c++", "g++", "clang++"]
    found = [program for name in compilers if (program := shutil.which(name, path=path))]
    if not found:
        what = (
            f"CXX names {named!r}, which is not there" if named else f"no C++ compiler found ({', '.join(compilers)})"
        )
        raise CompileError(f"{what}; the agent needs one that knows C++20")
    return Tools(cmake, have[0], found[0])


def compile_agent(folder: Path, torch: Torch, tools: Tools, tell: Callable[[str], None]) -> Built:
    """Build the module into `folder/<key>`; one that lies there is replaced at once, when the new one is whole.

    Raises:
      CompileError: a step failed; its output lies in `folder/failed.log`.
    """
    begin, sources = time.monotonic(), sources_hash()
    home = folder / build_key(torch)
    home.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, "PATH": path, "CXX": tools.compiler}
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder) as place:
        for what, command in _steps(Path(place), torch, tools, sources):
            tell(what)
            _run(what, command, environment, folder / "failed.log")
        seconds = time.monotonic() - begin
        about = {"torch": torch.version, "sources": sources, "compiler": tools.compiler, "seconds": round(seconds)}
        (home / "build.json").write_text(json.dumps({**about, "platform": platform.platform()}) + "\n")
        module = (Path(place) / module_file()).replace(home / module_file())
    (folder / "failed.log").unlink(missing_ok=True)
    return Built(module, torch.version, seconds)


def _steps(place: Path, torch: Torch, tools: Tools, sources: str) -> list[tuple[str, list[str]]]:
    settings = {
        "CMAKE_BUILD_TYPE": "Release",
        "Python_EXECUTABLE": sys.executable,
        "HERONRY_TORCH_DIR": torch.folder,
        "HERONRY_SOURCES_HASH": sources,
    }
    configure = [tools.cmake, "-S", str(sources_folder()), "-B", str(place), "-G", tools.generator]
    build = [tools.cmake, "--build", str(place), "--parallel", str(os.cpu_count() or 1)]
    return [("configuring", [*configure, *(f"-D{k}={v}" for k, v in settings.items())]), ("compiling", build)]


def _run(what: str, command: list[str], environment: dict[str, str], log: Path) -> None:
    try:
        result = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise CompileError(f"{what} took longer than {TIMEOUT_S} s") from None
    if result.returncode == 0:
        return
    log.write_text(result.stdout)
    raise CompileError(f"{what} failed: {_first_error(result.stdout)[:300]} (all of it: {log})")


def _first_error(output: str) -> str:
    """Return the first line that speaks of an error; CMake says what it is on those that follow."""
    lines = [" ".join(line.split()) for line in output.splitlines() if line.strip()]
    for index, line in enumerate(lines):
        if "error" in line.lower():
            return " ".join(lines[index + 1 : index + 3]) if line.startswith("CMake Error") else line
    return lines[-1] if lines else "without a word"


def main() -> int:
    """Build into the folder given, else the user's cache; one line says what became of it."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else cache_folder()
    torch = installed_torch()
    try:
        if torch is None:
            raise CompileError("no torch here: install it before, and call pip with --no-build-isolation")
        built = compile_agent(folder, torch, find_tools(), lambda _: None)
    except (CompileError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{built.module}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
