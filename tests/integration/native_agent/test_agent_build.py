"""The agent as users get it: built by the command, loaded without Python's torch, held to the Python learner."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1200)]

TRAIN = ("-m", "heronry.cli", "train", "cartpole", "--set", "fleet.policy=agent", "--json")
ACTS_BEFORE_TORCH_COMES = """
import sys
import numpy as np
from heronry.maths.networks import Layers, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.native_agent import RLAgent
spaces = ObservationSpace((4,)), ActionSpace("discrete", num_actions=2)
agent = RLAgent(network_for("ppo", Layers((64, 64)), *spaces))
actions = agent.select_action(np.zeros((16, 4), np.float32))
assert "torch" not in sys.modules
import torch
assert torch.ones(3).sum().item() == 3
assert agent.select_action(np.zeros((16, 4), np.float32)).shape == actions.shape == (16,)
"""


def run(*command: str, cache: Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HERONRY_CACHE_DIR": str(cache)}
    return subprocess.run([sys.executable, *command], cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """The agent in a cache of its own, built by the command."""
    folder = tmp_path_factory.mktemp("agent")
    result = run("-m", "heronry.cli", "native", "build", "agent", "--json", cache=folder)
    assert result.returncode == 0, result.stderr
    built = json.loads(result.stdout)
    assert built["built_now"]
    assert Path(built["module"]).is_relative_to(folder)
    return folder


def test_the_agent_passes_its_tests_and_skips_none(cache) -> None:
    result = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/native_agent", cache=cache)

    assert result.returncode == 0, result.stdout[-4000:]
    assert "skipped" not in result.stdout, result.stdout[-4000:]


def test_the_agent_acts_without_the_torch_of_python_and_beside_it(cache) -> None:
    result = run("-c", ACTS_BEFORE_TORCH_COMES, cache=cache)

    assert result.returncode == 0, result.stderr


def test_a_second_build_finds_the_first(cache) -> None:
    result = run("-m", "heronry.cli", "native", "build", "agent", "--json", cache=cache)

    assert result.returncode == 0, result.stderr
    assert not json.loads(result.stdout)["built_now"]


def test_doctor_tells_which_agent_is_active(cache) -> None:
    result = run("-m", "heronry.cli", "doctor", "--json", cache=cache)

    findings = {f["name"]: f for f in json.loads(result.stdout)["findings"]}
    assert findings["C++ agent"]["level"] == "ok"
    assert str(cache) in findings["C++ agent"]["text"]


def test_a_run_whose_fleet_acts_with_the_agent_reaches_the_target(cache, tmp_path: Path) -> None:
    result = run(*TRAIN, cache=cache, cwd=tmp_path)

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1])["reached_target"]


def test_a_run_whose_agent_is_not_built_ends_with_what_to_do(tmp_path: Path) -> None:
    result = run(*TRAIN, cache=tmp_path / "empty", cwd=tmp_path)

    assert result.returncode == 2
    assert "the C++ agent is not built for torch" in result.stderr
    assert "run `heronry native build agent`" in result.stderr


def test_a_compiler_that_fails_is_an_error_with_its_first_line(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("CXX", "/bin/false")

    result = run("-m", "heronry.cli", "native", "build", "agent", cache=tmp_path)

    assert result.returncode == 2
    assert "error: the agent was not built: configuring failed: " in result.stderr
    assert (tmp_path / "agent" / "failed.log").read_text()
