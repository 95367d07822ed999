"""What the SDK imports, seen in a process of its own; `heronry bench sdk` measures what that costs."""

import json
import subprocess
import sys

import pytest

FORBIDDEN = ("torch", "pydantic", "typer", "structlog", "gymnasium", "yaml", "matplotlib", "rich")
PROGRAM = """
import json, sys
import heronry.client, heronry.client.sync
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def imported() -> set[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("module", FORBIDDEN)
def test_importing_the_sdk_leaves_the_heavy_packages_alone(imported: set[str], module: str) -> None:
    assert module not in imported


@pytest.mark.parametrize("package", ["launch", "runtime", "params", "replay", "coordinator", "fleet", "learner"])
def test_importing_the_sdk_imports_no_service(imported: set[str], package: str) -> None:
    assert f"heronry.{package}" not in imported
