"""`heronry train` trains CartPole on real services and leaves what it promises."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from heronry.client.sync import Mesh
from heronry.types.run import RunState

TARGET = 475
FIELDS = {
    "env",
    "algorithm",
    "seed",
    "eval_mean",
    "eval_sd",
    "eval_episodes",
    "env_steps",
    "updates",
    "to_first_step_s",
    "train_s",
    "total_s",
    "run_dir",
    "services",
}


def assert_reaches_target(finished, algorithm: str, seed: int) -> None:
    assert finished.code == 0, finished.err
    result = finished.result
    assert set(result) >= FIELDS
    assert (result["env"], result["algorithm"], result["seed"]) == ("CartPole-v1", algorithm, seed)
    assert result["eval_episodes"] >= 100
    assert result["eval_mean"] >= TARGET, result
    assert result["total_s"] > result["train_s"] > 0
    assert 0 < result["to_first_step_s"] < result["total_s"]


def train(heronry, algorithm: str, launcher: str, seed: int, timeout_s: float = 240.0):
    arguments = ["--algorithm", algorithm, "--launcher", launcher, "--seed", str(seed), "--run-dir", "run", "--json"]
    finished = heronry("train", "cartpole", *arguments, timeout_s=timeout_s)
    sys.stdout.write(finished.out)
    return finished


@pytest.mark.timeout(120)
def test_ppo_reaches_the_target_and_leaves_curve_checkpoint_and_result(heronry, tmp_path: Path) -> None:
    finished = train(heronry, "ppo", "local", seed=0)

    assert_reaches_target(finished, "ppo", 0)
    run = tmp_path / "run"
    assert Path(finished.result["run_dir"]) == run
    assert json.loads((run / "result.json").read_text())["eval_mean"] == finished.result["eval_mean"]
    assert (run / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert (run / "spec.yaml").is_file()
    assert (run / "policy" / "policy.safetensors").is_file()
    assert list(run.glob("events.out.tfevents.*"))
    assert {path.stem for path in (run / "logs").glob("*-0.log")} == {
        f"{role}-0" for role in ("coordinator", "params", "replay", "fleet", "learner")
    }
    assert any((run / "checkpoints").iterdir())
    evaluated = heronry("evaluate", "run", "--episodes", "20", "--histogram", "returns.png", "--json")
    assert evaluated.code == 0, evaluated.err
    assert evaluated.result["eval_mean"] >= 400
    assert (tmp_path / "returns.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.timeout(120)
def test_ctrl_c_stops_cleanly_and_the_run_goes_on_where_it_was(start_heronry, heronry, tmp_path: Path) -> None:
    process = start_heronry("train", "cartpole", "--seed", "1", "--run-dir", "run")
    told: list[str] = []
    is_learning = threading.Event()

    def read() -> None:
        for line in process.stdout:
            told.append(line)
            if line.startswith("running"):
                is_learning.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert is_learning.wait(60), told
    process.send_signal(signal.SIGINT)
    code = process.wait(timeout=30)
    reader.join(10)

    assert code == 130, told
    assert any("heronry train --resume run" in line for line in told), told
    assert not left_over(tmp_path)
    resumed = heronry("train", "--resume", "run", "--json", timeout_s=90)
    assert resumed.code == 0, resumed.err
    assert resumed.result["eval_mean"] >= TARGET


EXTERNAL = """
environment: {id: CartPole-v1}
algorithm: {name: external}
network: {hidden: [8]}
fleet: {num_envs: 4, unroll_length: 8}
"""


@pytest.mark.timeout(120)
def test_without_a_learner_it_says_where_to_join_and_what_it_waits_for_and_a_second_ctrl_c_ends_it_in_order(
    start_heronry, tmp_path: Path
) -> None:
    (tmp_path / "external.yaml").write_text(EXTERNAL)
    process = start_heronry("train", "external.yaml", "--run-dir", "run")

    invitation = next(line for line in process.stdout if "Mesh.connect(" in line)
    lines = [next(line for line in process.stdout if "waits for a learner" in line)]
    with Mesh.connect(invitation.split("'")[1]) as mesh:
        runs = mesh.coordinator.list_runs()
    process.send_signal(signal.SIGINT)
    lines += [next(line for line in process.stdout if line.startswith("stopping"))]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)

    assert [(run.run_id, run.state) for run in runs] == [("run", RunState.RUNNING)]
    assert "which is your program with algorithm external, to register model 'policy'" in lines[0]
    assert (process.returncode, out.splitlines()[-1:]) == (130, ["ending at once"])
    assert err.strip() in {"", "interrupted"}
    assert not left_over(tmp_path)


def left_over(tmp_path: Path) -> list[str]:
    """Return the command lines of service processes that still work in the test's folder."""
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if "-m heronry." in line and str(tmp_path) in line]


@pytest.mark.acceptance
@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(5))
def test_ppo_local_reaches_the_target_on_every_seed(heronry, seed: int) -> None:
    assert_reaches_target(train(heronry, "ppo", "local", seed), "ppo", seed)


@pytest.mark.acceptance
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(5))
def test_dqn_local_reaches_the_target_on_every_seed(heronry, seed: int) -> None:
    assert_reaches_target(train(heronry, "dqn", "local", seed), "dqn", seed)


@pytest.mark.acceptance
@pytest.mark.timeout(300)
@pytest.mark.parametrize("algorithm", ["ppo", "dqn"])
@pytest.mark.parametrize("seed", [0, 1])
def test_embedded_reaches_the_target(heronry, algorithm: str, seed: int) -> None:
    assert_reaches_target(train(heronry, algorithm, "embedded", seed), algorithm, seed)


@pytest.mark.acceptance
@pytest.mark.timeout(120)
def test_the_processes_are_gone_when_the_command_is_killed(start_heronry, tmp_path: Path) -> None:
    process = start_heronry("train", "cartpole", "--run-dir", "run")
    assert process.stdout.readline()
    for line in process.stdout:
        if line.startswith("running"):
            break

    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)

    deadline = threading.Event()
    for _ in range(100):
        if not left_over(tmp_path):
            break
        deadline.wait(0.1)
    assert not left_over(tmp_path)
