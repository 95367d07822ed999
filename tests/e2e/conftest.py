"""The command line as a user has it: a process of its own, with real services behind it.

Only how these processes come to life differs from a terminal: most are forked off one that has imported all they need.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from zygote import Forked, Zygote


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


@pytest.fixture(scope="session")
def commands() -> Iterator[Zygote]:
    started = Zygote(Path(__file__).with_name("command_zygote.py"))
    yield started
    started.close()


@pytest.fixture
def heronry(commands: Zygote, tmp_path: Path, command_environment: dict[str, str]) -> RunCommand:
    """Run `heronry ...` in the test's folder to its end."""

    def run(*arguments: str, timeout_s: float = 30.0) -> Finished:
        process = commands.start(*arguments, folder=tmp_path, environment=command_environment)
        try:
            return Finished(process.wait(timeout_s), process.out, process.err)
        finally:
            commands.release(process)

    return run


@pytest.fixture
def start_service(
    commands: Zygote, tmp_path: Path, command_environment: dict[str, str]
) -> Iterator[Callable[..., Forked]]:
    """Start `heronry serve ROLE FLAGS...` at a Unix socket; it is ended with the test."""
    started: list[Forked] = []

    def start(role: str, socket: Path, *flags: object, serves: bool = True) -> Forked:
        arguments = ("serve", role, "--listen", f"unix:{socket}", *flags)
        process = commands.start(*arguments, folder=tmp_path, environment=command_environment)
        started.append(process)
        deadline = time.monotonic() + 30
        while serves and not socket.is_socket():
            assert process.poll() is None, process.err
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return process

    yield start
    for process in started:
        process.terminate()
        try:
            process.wait(30)
        finally:
            commands.release(process)


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
