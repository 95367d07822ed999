"""A cold build of the native core: what an install compiles, with as many jobs as cores."""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.rows import Row
from heronry.types.errors import FailedPreconditionError

_CASE = "fleet.native_build.s"
_GOAL_S = 90.0


def building(peers: Peers) -> Iterator[Row]:
    """Yield wall seconds from nothing to the extension.

    Raises:
      FailedPreconditionError: there are no sources, or no CMake, Ninja or nanobind.
    """
    del peers
    sources = _sources()
    with tempfile.TemporaryDirectory(prefix="heronry-build-") as folder:
        begun = time.perf_counter()
        python = f"-DPython_EXECUTABLE={sys.executable}"
        _run("cmake", "-S", str(sources), "-B", folder, "-G", "Ninja", python)
        _run("cmake", "--build", folder)
        taken = time.perf_counter() - begun
    yield Row.of(_CASE, [taken], "s", "lower", goal=_GOAL_S, settings={"generator": "Ninja"})


def _sources() -> Path:
    """Return the folder of the C++ sources, which an installed wheel does not have."""
    found = Path(__file__).resolve().parents[4] / "native"
    if not (found / "CMakeLists.txt").is_file():
        raise FailedPreconditionError(f"no sources of the native core at {found}: measure in a checkout")
    missing = [tool for tool in ("cmake", "ninja") if shutil.which(tool) is None]
    if importlib.util.find_spec("nanobind") is None:  # only the build itself needs it
        missing.append("nanobind")
    if missing:
        raise FailedPreconditionError(f"the native build needs {', '.join(missing)}: pip install cmake ninja nanobind")
    return found


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


BUILD_MEASUREMENTS = (Measurement((_CASE,), building, 60.0),)
