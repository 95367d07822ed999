"""Small calls from a C++ client, where it can be compiled: a Python client would be what is measured."""

import hashlib
import json
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

_COMPILE_S = 300.0
_SLACK_S = 30.0


def compiled() -> Path | None:
    """Return the program, compiled once a source; None, which is told, where there is no C++ gRPC."""
    source = files("heronry.bench.params") / "unary_load.cc"
    text = source.read_text(encoding="utf-8")
    folder = Path(tempfile.gettempdir()) / "heronry-bench-programs"
    program = folder / f"unary_load-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if program.exists():
        return program
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        _compile(text, program)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or "")[-500:]
        sys.stderr.write(f"the C++ client was not compiled, Python clients stand in: {error}\n{said}\n")
        return None
    return program


def calls(program: Path, address: str, method: str, request: Path, seconds: float, num_in_flight: int) -> Any:  # noqa: ANN401 # a JSON line
    """Call a method for some seconds; return the counts and times that the program prints."""
    command = [str(program), address, method, str(request), str(seconds), str(num_in_flight)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + _SLACK_S, check=True)
    return json.loads(done.stdout)


def _compile(text: str, program: Path) -> None:
    asked = ["pkg-config", "--cflags", "--libs", "grpc++"]
    flags = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=10).stdout.split()
    # Under another name until it is whole: another run may look for it meanwhile.
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        made = Path(folder) / "unary_load"
        command = ["g++", "-O2", "-std=c++17", "-x", "c++", "-", "-o", str(made), *flags, "-lpthread"]
        subprocess.run(command, input=text, capture_output=True, text=True, timeout=_COMPILE_S, check=True)
        made.rename(program)
