"""Generate `heronry.api` from the protos: `python protos/generate.py [--check]`.

The stubs come from a generator environment of their own, because grpcio-tools 1.76.0 is the
newest whose code runs under protobuf 6 and 7 alike. `--check` writes nothing and fails when
the committed code differs from what the protos give.
"""

import argparse
import filecmp
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

PROTOS = Path(__file__).resolve().parent
COMMITTED = PROTOS / "python" / "heronry" / "api"
GENERATOR = PROTOS.parent / ".cache" / "generator"
REQUIREMENTS = ("grpcio-tools==1.76.0", "mypy-protobuf==3.7.0", "protobuf==6.33.6", "setuptools==80.9.0")


def generator_python() -> Path:
    """Return the generator environment's interpreter, making the environment once."""
    stamp = GENERATOR / "requirements.txt"
    wanted = "\n".join(REQUIREMENTS)
    python = GENERATOR / "bin" / "python"
    if not stamp.is_file() or stamp.read_text() != wanted:
        venv.create(GENERATOR, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *REQUIREMENTS], check=True)
        stamp.write_text(wanted)
    return python


def generate(output: Path) -> None:
    """Write the package `heronry.api` below `output`."""
    python = generator_python()
    sources = sorted(str(path.relative_to(PROTOS)) for path in (PROTOS / "heronry").rglob("*.proto"))
    command = [python, "-m", "grpc_tools.protoc", f"-I{PROTOS}"]
    command += [f"--plugin={name}={python.parent / name}" for name in ("protoc-gen-mypy_grpc",)]
    command += [f"--{kind}_out={output}" for kind in ("python", "pyi", "grpc_python", "mypy_grpc")]
    subprocess.run([*command, *sources], check=True, cwd=PROTOS)
    (output / "heronry" / "api" / "py.typed").touch()


def differences(fresh: Path) -> list[str]:
    """Name the files in which the committed code differs from the fresh one."""
    names = {str(p.relative_to(root)) for root in (fresh, COMMITTED) for p in root.rglob("*") if _is_code(p)}
    return sorted(n for n in names if not _equal(fresh / n, COMMITTED / n))


def _is_code(path: Path) -> bool:
    return path.is_file() and path.suffix in {".py", ".pyi", ".typed"}


def _equal(left: Path, right: Path) -> bool:
    return left.is_file() and right.is_file() and filecmp.cmp(left, right, shallow=False)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    arguments = parser.parse_args()
    if not arguments.check:
        generate(PROTOS / "python")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        stale = differences(Path(folder) / "heronry" / "api")
    if stale:
        print("generated code is stale, run `python protos/generate.py`:", *stale, sep="\n  ")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
