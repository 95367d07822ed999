"""Which spec and folder a run gets."""

from pathlib import Path

import pytest

from heronry.cli.run_plan import plan_new_run, plan_resumed_run
from heronry.types.errors import ConfigurationError, RunNotFoundError

NOTHING = {"algorithm": None, "assignments": (), "seed": None, "run_dir": None}


def test_a_run_without_a_folder_gets_a_fresh_one_below_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    first = plan_new_run("cartpole", **NOTHING | {"seed": 3, "algorithm": "dqn"})
    second = plan_new_run("cartpole", **NOTHING | {"seed": 3, "algorithm": "dqn"})

    assert first.data_dir == tmp_path / "runs"
    assert first.run_id.startswith("cartpole-dqn-s3-")
    assert first.run_id != second.run_id
    assert not first.is_restored


def test_the_folder_the_user_names_becomes_data_dir_and_run_id(tmp_path: Path) -> None:
    plan = plan_new_run("cartpole", **NOTHING | {"run_dir": tmp_path / "a" / "mine"})

    assert (plan.data_dir, plan.run_id) == (tmp_path / "a", "mine")
    assert plan.run_dir == tmp_path / "a" / "mine"


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("x")

    with pytest.raises(ConfigurationError, match="new or empty folder"):
        plan_new_run("cartpole", **NOTHING | {"run_dir": tmp_path})


def test_no_spec_at_all_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="SPEC"):
        plan_new_run("", **NOTHING)


def test_resuming_reads_the_spec_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("environment: {id: CartPole-v1}\nseed: 9\nalgorithm: {name: dqn}\n")

    plan = plan_resumed_run(tmp_path, assignments=("max_env_steps=5000",))

    assert plan.is_restored
    assert (plan.spec.seed, plan.spec.algorithm.name, plan.spec.max_env_steps) == (9, "dqn", 5000)
    assert plan.run_dir == tmp_path


def test_resuming_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunNotFoundError, match="--resume"):
        plan_resumed_run(tmp_path, assignments=())
