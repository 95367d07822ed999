"""What bad input gets: a named error on one line, exit code 2, no traceback."""

import json
import re
import socket
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from heronry.types.errors import ConfigurationError


def assert_user_error(finished, *parts: str) -> None:
    assert finished.code == 2, finished
    lines = finished.err.strip().splitlines()
    # A service that is run by itself says its own name in place of `error`.
    assert any(re.match(r"error: |heronry \w+: ", line) for line in lines), finished.err
    assert "Traceback" not in finished.err
    for part in parts:
        assert part in finished.err, finished.err


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["train", "cartpol"], ["spec: got 'cartpol'", "cartpole"]),
        (["train", "cartpole", "--algorithm", "ppoo"], ["algorithm", "'ppoo'", "ppo", "dqn"]),
        (["train", "cartpole", "--set", "algorithm.lerning_rate=1"], ["algorithm.lerning_rate", "learning_rate"]),
        (["train", "cartpole", "--set", "fleet.num_envs=0"], ["fleet.num_envs: got 0", "allowed: greater"]),
        (["train", "cartpole", "--set", "network.activation=tanhh"], ["network.activation: got 'tanhh'", "tanh, relu"]),
        (["train", "cartpole", "--set", "nonsense"], ["--set: got 'nonsense'"]),
        (
            ["train", "cartpole", "--algorithm", "dqn", "--set", "lockstep=true"],
            ["lockstep: got true", "false with algorithm 'dqn'", "no schedule fixes"],
        ),
        (["train", "cartpole", "--seed", "-1"], ["--seed: got -1, allowed: 0 or more"]),
        (["train", "cartpole", "--fleets", "0"], ["--fleets: got 0, allowed: 1 to 64"]),
        (["up", "--fleets", "8"], ["--fleets: got 8, allowed: 1 to 7"]),
        (["train", "cartpole", "--seed", "abc"], ["--seed: got 'abc', allowed: an integer"]),
        (["train", "cartpole", "--run-dir", "/proc/x"], ["--run-dir: got '/proc/x'"]),
        (["train", "cartpole", "--address", "garbage:xx"], ["--address: got 'garbage:xx'", "host:port"]),
        (["status", "--address", "garbage:xx"], ["--address: got 'garbage:xx'", "host:port"]),
        (["train", "cartpole", "--launcher", "kubernetes"], ["--launcher: got 'kubernetes', allowed: local, embedded"]),
        (["train"], ["SPEC"]),
        (["train", "nowhere.yaml"], ["spec: got 'nowhere.yaml'", "existing file"]),
        (["train", "--resume", "nowhere"], ["--resume", "spec.yaml"]),
        (["trian"], ["trian", "train"]),
        (["train", "cartpole", "--sede", "1"], ["--sede", "--seed"]),
        (["serve", "prams"], ["role: got 'prams'", "did you mean 'params'"]),
        (["serve", "params", "--lissten", "unix:/x"], ["--lissten", "--listen"]),
        (["serve", "params", "--listen", "0.0.0.0:0"], ["listen: got", "insecure_listen"]),
        (["evaluate", "nowhere"], ["CHECKPOINT: got 'nowhere'"]),
        (["evaluate", "nowhere", "--episodes", "0"], ["--episodes: got 0, allowed: 1 to 10,000"]),
        (["status", "--address", "127.0.0.1:1"], ["--address: got '127.0.0.1:1'"]),
        (["logs", "--run-dir", "nowhere"], ["no logs in nowhere/logs yet"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistake_is_named_with_what_is_allowed(heronry, arguments: list[str], parts: list[str]) -> None:
    assert_user_error(heronry(*arguments), *parts)


def test_a_typo_in_a_yaml_file_names_the_nearest_key(heronry, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("environment: {id: CartPole-v1}\nmax_env_step: 1000\n")

    assert_user_error(heronry("train", "run.yaml"), "max_env_step", "nearest: 'max_env_steps'")


def test_a_file_that_is_no_yaml_is_named(heronry, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("environment: {id: [\n")

    assert_user_error(heronry("train", "run.yaml"), "run.yaml", "valid YAML")


def test_an_unknown_environment_names_the_nearest_one(heronry) -> None:
    finished = heronry("train", "cartpole", "--set", "environment.id=CartPol-v1")

    assert_user_error(finished, "no environment 'CartPol-v1'", "CartPole-v1")


@pytest.mark.parametrize("launcher", ["local", "embedded"])
def test_a_refused_run_leaves_no_folder(heronry, tmp_path: Path, launcher: str) -> None:
    wrong = "environment.id=CartPol-v1"

    assert heronry("train", "cartpole", "--launcher", launcher, "--set", wrong).code == 2

    assert not list(tmp_path.glob("runs/cartpole-*"))


def test_training_on_a_mesh_that_is_not_there_is_refused_soon(heronry, tmp_path: Path) -> None:
    finished = heronry("train", "cartpole", "--address", "localhost:9", timeout_s=10)

    assert_user_error(finished, "--address: got 'localhost:9'", "heronry up")
    assert not (tmp_path / "runs").exists()


def test_the_version_is_shown(heronry) -> None:
    finished = heronry("--version")

    assert (finished.code, finished.out.split()[0]) == (0, "heronry")


def test_a_network_that_does_not_fit_a_game_is_refused_before_the_run_begins(heronry, tmp_path: Path) -> None:
    finished = heronry("train", "cartpole", "--set", "network.convolution=[{channels: 4}]", "--run-dir", "run")

    assert_user_error(finished, "network.convolution: got 1, allowed: none, for observations are [4]")
    assert "run failed" not in finished.err
    assert not (tmp_path / "run").exists()


def test_a_mistake_that_only_a_service_can_see_is_the_users_as_well(heronry) -> None:
    wrong = "environment.kwargs={nonsense: 1}"
    finished = heronry("train", "cartpole", "--launcher", "embedded", "--set", wrong, "--run-dir", "run")

    assert_user_error(finished, "the run failed", "InvalidArgumentError: environment.kwargs: got {'nonsense': 1}")


def test_a_folder_that_holds_a_run_is_not_overwritten(heronry, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "spec.yaml").write_text("x: 1\n")

    assert_user_error(heronry("train", "cartpole", "--run-dir", "mine"), "--run-dir: got 'mine'", "--resume")
    assert (tmp_path / "mine" / "spec.yaml").read_text() == "x: 1\n"


def test_a_port_in_use_is_named_before_anything_starts(heronry) -> None:
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(("127.0.0.1", 50052))
        except OSError:
            pytest.skip("somebody else holds port 50052 already")
        holder.listen()

        assert_user_error(heronry("up"), "replay-0.listen: got '127.0.0.1:50052'")


def test_a_service_names_a_port_in_use(heronry) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"

        assert_user_error(heronry("serve", "params", "--listen", address), address)


def write_policy(folder: Path, shape: tuple[int, ...] = (2,)) -> Path:
    folder.mkdir()
    metadata = {
        "environment": {"id": "CartPole-v1"},
        "network": {"hidden": [2], "activation": "tanh"},
        "algorithm": "ppo",
    }
    document = {
        "schema": [{"name": "a", "shape": list(shape)}],
        "version": {"epoch": 1, "number": 1},
        "metadata": metadata,
    }
    (folder / "policy.json").write_text(json.dumps(document))
    save_file({"a": np.zeros(2, np.float32)}, folder / "policy.safetensors")
    return folder / "policy.safetensors"


def test_a_truncated_policy_is_named(heronry, tmp_path: Path) -> None:
    path = write_policy(tmp_path / "policy")
    path.write_bytes(path.read_bytes()[:-3])

    assert_user_error(heronry("evaluate", "policy"), "policy.safetensors: truncated")


def test_a_policy_of_another_schema_is_named(heronry, tmp_path: Path) -> None:
    write_policy(tmp_path / "policy", shape=(3,))

    assert_user_error(heronry("evaluate", "policy"), "a: got (2,), allowed: (3,)")


def test_a_traceback_is_shown_on_demand(heronry) -> None:
    finished = heronry("train", "cartpol", "--debug")

    assert finished.code == 2
    assert "Traceback" in finished.err
    assert ConfigurationError.__name__ in finished.err
