"""Reading exported policies."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from heronry.cli.policy_file import load_policy
from heronry.environments.settings import EnvironmentSettings
from heronry.maths.networks import Layers
from heronry.types.errors import ConfigurationError, DataLossError, SchemaMismatchError

DOCUMENT: dict[str, Any] = {
    "schema": [{"name": "policy/head/bias", "shape": [2]}],
    "version": {"epoch": 1, "number": 32},
    "metadata": {
        "environment": {"id": "CartPole-v1", "kwargs": {"sutton_barto_reward": True}},
        "network": {"hidden": [64, 64], "activation": "tanh"},
        "algorithm": {"name": "ppo"},
    },
}


@pytest.fixture
def policy_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "run" / "policy"
    folder.mkdir(parents=True)
    (folder / "policy.json").write_text(json.dumps(DOCUMENT))
    save_file({"policy/head/bias": np.arange(2, dtype=np.float32)}, folder / "policy.safetensors")
    return folder


@pytest.mark.parametrize("target", ["..", ".", "policy.safetensors", "policy.json"])
def test_a_policy_is_found_by_its_run_its_folder_or_its_files(policy_dir: Path, target: str) -> None:
    policy = load_policy((policy_dir / target).resolve())

    assert policy.environment == EnvironmentSettings("CartPole-v1", {"sutton_barto_reward": True})
    assert policy.algorithm == "ppo"
    assert Layers.of_dict(policy.network) == Layers((64, 64), "tanh")
    assert policy.version == "1.32"
    assert policy.tensors["policy/head/bias"].tolist() == [0.0, 1.0]


def test_a_folder_without_a_policy_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"CHECKPOINT: got .* allowed: a run's folder"):
        load_policy(tmp_path)


def test_a_truncated_file_is_data_loss(policy_dir: Path) -> None:
    path = policy_dir / "policy.safetensors"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(DataLossError, match="truncated"):
        load_policy(policy_dir)


def test_a_tensor_of_another_shape_is_a_schema_mismatch(policy_dir: Path) -> None:
    save_file({"policy/head/bias": np.zeros(3, np.float32)}, policy_dir / "policy.safetensors")

    with pytest.raises(SchemaMismatchError, match=r"policy/head/bias: got \(3,\), allowed: \(2,\)"):
        load_policy(policy_dir)


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_description_that_is_none_is_data_loss(policy_dir: Path, text: str) -> None:
    (policy_dir / "policy.json").write_text(text)

    with pytest.raises(DataLossError, match=r"policy\.json"):
        load_policy(policy_dir)
