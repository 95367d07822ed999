"""The README's admin calls, run as they stand there with the real grpcurl against a mesh that is up."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parents[2] / "README.md"
GRPCURL = Path(sys.executable).with_name("grpcurl")
COORDINATOR = "heronry.api.coordinator.v1.CoordinatorService"

# What each call of the README must bring, by its last word: a part of the output.
EXPECTED = {
    "list": "heronry.api.coordinator.v1.CoordinatorService",
    "describe": "rpc SubmitRun",
    "Check": "SERVING",
    "SubmitRun": "RUN_STATE_PENDING",
    "GetRun": "RUN_STATE_",
    "PauseRun": "RUN_STATE_PAUSED",
    "ResumeRun": "RUN_STATE_RUNNING",
    "CheckpointRun": "checkpoints",
    "GetTable": "experience",
    "SetRateLimiter": "max_diff",
    "ListVersions": "number",
}


def admin_calls() -> list[list[str]]:
    """Return the arguments of every grpcurl line in the README."""
    lines = re.findall(r"^grpcurl (.*)$", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [shlex.split(line) for line in lines]


def name_of(call: list[str]) -> str:
    """Return what a call does: `list`, `describe` or the method's name."""
    return "describe" if "describe" in call else call[-1].rpartition("/")[2]


def grpcurl(*arguments: str) -> str:
    done = subprocess.run([GRPCURL, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"grpcurl {shlex.join(arguments)}: {done.stderr}"
    return done.stdout


def run_status() -> dict[str, Any]:
    answer = grpcurl("-plaintext", "localhost:50050", f"{COORDINATOR}/GetRun")
    return json.loads(answer)["status"]


def wait_until_learning(timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        status = run_status()
        assert status["state"] != "RUN_STATE_FAILED", status
        if status["state"] == "RUN_STATE_RUNNING" and int(status.get("updates", 0)) > 0:
            return
        # grpcurl is a process a call; it paces this loop by itself.
    pytest.fail(f"the run did not begin to learn within {timeout_s} s: {run_status()}")


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    folder = tmp_path_factory.mktemp("mesh")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HERONRY_")}
    with subprocess.Popen(
        [sys.executable, "-m", "heronry.cli", "up", "--json"],
        cwd=folder,
        env={**environ, "XDG_STATE_HOME": str(folder / "state")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert_is_up(process)
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=30)


def assert_is_up(process: subprocess.Popen[str]) -> None:
    line = process.stdout.readline()
    if not line:
        pytest.fail(f"heronry up ended: {process.communicate()[1]}")
    assert {service["role"] for service in json.loads(line)["services"]} == {
        "coordinator",
        "params",
        "replay",
        "fleet",
        "learner",
    }


def test_the_readme_shows_every_admin_call() -> None:
    assert {name_of(call) for call in admin_calls()} == set(EXPECTED)


@pytest.mark.timeout(180)
def test_every_admin_call_of_the_readme_works_on_a_running_mesh(mesh: subprocess.Popen[str]) -> None:
    for call in admin_calls():
        name = name_of(call)

        answer = grpcurl(*call)

        assert EXPECTED[name] in answer, (name, answer)
        if name == "SubmitRun":
            wait_until_learning()


@pytest.mark.timeout(60)
def test_grpcurl_shows_the_details_of_a_named_error(mesh: subprocess.Popen[str]) -> None:
    done = subprocess.run(
        [
            GRPCURL,
            "-plaintext",
            "-d",
            '{"table": "nothing"}',
            "localhost:50052",
            "heronry.api.replay.v1.ReplayService/GetTable",
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode != 0
    assert "no table 'nothing'" in done.stderr
    assert "TableNotFoundError" in done.stderr
