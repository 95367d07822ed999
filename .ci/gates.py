"""The gates: format, lint, types, imports, contract, generated code, documents.

Each gate runs, all failures are told, the exit code is 1 when any failed.
"""

import os
import re
import subprocess
import sys
import time
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PACKAGES = sorted(
    p.name
    for root in ("protos/python", "services", "clients/python")
    for p in (ROOT / root / "heronry").iterdir()
    if (p / "py.typed").exists() and p.name != "api"
)
GATES: dict[str, list[str]] = {
    "format": [f"{BIN}/ruff", "format", "--check", "."],
    "lint": [f"{BIN}/ruff", "check", "."],
    "types": [f"{BIN}/mypy", *(argument for name in PACKAGES for argument in ("-p", f"heronry.{name}"))],
    "import rules": [f"{BIN}/lint-imports"],
    "proto format": [f"{BIN}/buf", "format", "-d", "--exit-code", "protos"],
    "proto lint": [f"{BIN}/buf", "lint", "protos"],
    "generated code": [sys.executable, "protos/generate.py", "--check"],
    "documents": [sys.executable, ".ci/documents.py"],
}


def run(name: str, command: list[str]) -> bool:
    """Run one gate and print its outcome."""
    start = time.monotonic()
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})
    ok = result.returncode == 0
    print(f"{'ok  ' if ok else 'FAIL'} {name} ({time.monotonic() - start:.1f} s)", flush=True)
    if not ok:
        print((result.stdout + result.stderr)[-6000:])
    return ok


def breaking() -> bool:
    """Hold the contract against the newest release tag, once there is one."""
    tag = subprocess.run(
        ["git", "describe", "--tags", "--abbrev=0", "--match", "v*"], cwd=ROOT, capture_output=True, text=True
    )
    if tag.returncode != 0:
        print("ok   proto breaking (no release tag yet)")
        return True
    against = f".git#tag={tag.stdout.strip()},subdir=protos"
    return run("proto breaking", [f"{BIN}/buf", "breaking", "protos", "--against", against])


def stubs_under_both_runtimes() -> bool:
    """Import the generated code under protobuf 6 and 7 with warnings as errors."""
    modules = sorted(
        ".".join(p.relative_to(ROOT / "protos/python").with_suffix("").parts)
        for p in (ROOT / "protos/python/heronry/api").rglob("*_pb2*.py")
    )
    code = "import sys; sys.path.insert(0, 'protos/python'); " + "; ".join(f"import {m}" for m in modules)
    outcomes = []
    for runtime in ("protobuf>=6.33,<7", "protobuf>=7,<8"):
        python = environment(f"stubs-{runtime[10]}", [runtime, "grpcio>=1.76"])
        outcomes.append(run(f"stubs under {runtime}", [python, "-W", "error", "-c", code]))
    return all(outcomes)


def sdk_with_oldest_grpc() -> bool:
    """Import the SDK with the oldest gRPC that it says it works with."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = [re.sub(r"^(grpcio(?:-status)?)>=([\d.]+)$", r"\1==\2.*", package) for package in project["dependencies"]]
    roots = ["protos/python", "clients/python", "services"]
    code = f"import sys; sys.path[:0] = {roots}; import heronry.client, heronry.client.sync"
    return run("SDK with the oldest gRPC", [environment("oldest-grpc", oldest), "-W", "error", "-c", code])


def environment(name: str, packages: Sequence[str]) -> str:
    """Return the Python of an environment with some packages, which is made once."""
    folder = ROOT / ".cache" / name
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
        (folder / ".ready").touch()
    return str(python)


def main() -> int:
    """Run all gates."""
    outcomes = [run(name, command) for name, command in GATES.items()]
    outcomes += [breaking(), stubs_under_both_runtimes(), sdk_with_oldest_grpc()]
    print(f"{sum(outcomes)} passed, {len(outcomes) - sum(outcomes)} failed")
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
