"""The command line as a user has it: a process of its own, with real services behind it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The JSON object on the last line of standard output."""
        return json.loads(self.out.splitlines()[-1])


RunCommand = Callable[..., Finished]


@pytest.fixture
def command_environment(tmp_path: Path) -> dict[str, str]:
    """Environment of commands: a state folder of the test's own, no settings of the user."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HERONRY_")}
    return {**environ, "XDG_STATE_HOME": str(tmp_path / "state"), "NO_COLOR": "1"}


@pytest.fixture
def heronry(tmp_path: Path, command_environment: dict[str, str]) -> RunCommand:
    """Run `heronry ...` in the test's folder to its end."""

    def run(*arguments: str, timeout_s: float = 30.0) -> Finished:
        done = subprocess.run(
            [sys.executable, "-m", "heronry.cli", *arguments],
            cwd=tmp_path,
            env=command_environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def start_heronry(tmp_path: Path, command_environment: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """Start `heronry ...` in the test's folder; it is ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "heronry.cli", *arguments],
            cwd=tmp_path,
            env=command_environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=20)
