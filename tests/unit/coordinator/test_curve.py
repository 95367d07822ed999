"""The points of the learning curve, the picture and the TensorBoard events."""

import json
from pathlib import Path
from typing import Any

import pytest

from heronry.coordinator import curve, tensorboard


def progress(time_s: float, env_steps: int) -> dict[str, Any]:
    return {"kind": "progress", "time_s": time_s, "env_steps": env_steps, "mean_return": 20.0}


def evaluation(time_s: float, version: str, mean: float, sd: float, episodes: int = 10) -> dict[str, Any]:
    return {
        "kind": "evaluation",
        "time_s": time_s + 0.3,
        "policy_time_s": time_s,
        "env_steps": 0,
        "version": version,
        "episodes": episodes,
        "mean_return": mean,
        "sd_return": sd,
    }


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    lines = [progress(1.0, 100), evaluation(1.5, "1.8", 50.0, 5.0), progress(2.0, 300)]
    (tmp_path / tensorboard.PROGRESS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


RESULT: dict[str, Any] = {
    "run_id": "run-1",
    "env": "CartPole-v1",
    "algorithm": "ppo",
    "seed": 0,
    "target_return": 475.0,
    "eval_mean": 498.0,
    "eval_sd": 2.0,
    "eval_episodes": 100,
    "env_steps": 300,
    "updates": 8,
    "train_s": 1.0,
    "steps_per_s": 200.0,
    "version": "1.8",
}


def test_an_evaluation_stands_at_the_steps_its_policy_had_taken() -> None:
    points = curve.selection_points([progress(1.0, 100), progress(2.0, 300), evaluation(1.5, "1.8", 50.0, 5.0)])

    assert points == [(200.0, 50.0, 5.0)]


def test_evaluations_of_one_version_are_one_point() -> None:
    lines = [progress(1.0, 100), evaluation(1.0, "1.8", 10.0, 0.0, 30), evaluation(1.0, "1.8", 50.0, 0.0, 10)]

    # Mean (30 * 10 + 10 * 50) / 40, variance (30 * 100 + 10 * 2500) / 40 - 400.
    assert curve.selection_points(lines) == [(100.0, 20.0, pytest.approx(300.0**0.5))]


@pytest.mark.parametrize("judged", [498.0, None])
def test_the_curve_is_drawn_with_and_without_a_judgement(run_dir: Path, judged: float | None) -> None:
    path = curve.draw(run_dir, {**RESULT, "eval_mean": judged})

    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_run_that_did_nothing_has_an_empty_curve(tmp_path: Path) -> None:
    assert curve.draw(tmp_path, {**RESULT, "target_return": None, "eval_mean": None}).exists()


def test_events_are_written_once_and_a_torn_line_waits(run_dir: Path) -> None:
    path = run_dir / tensorboard.PROGRESS
    whole = path.read_text()
    path.write_text(whole + '{"kind": "progress", "time_s": 3.0,')

    assert tensorboard.write_new_events(run_dir) == 3
    assert tensorboard.write_new_events(run_dir) == 0
    path.write_text(whole + json.dumps(progress(3.0, 400)) + "\n")
    assert tensorboard.write_new_events(run_dir) == 1
    assert list(run_dir.glob("events.out.tfevents.*"))
