"""What a terminal of 80 columns shows unbroken."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from heronry.cli.run_plan import plan_new_run
from heronry.cli.run_report import print_outcome
from heronry.cli.status import _show

SERVICE = {
    "address": "",
    "has_lease": True,
    "lease_remaining_s": 2.4,
    "num_starts": 1,
    "resident_bytes": 812e6,
    "cpu_time_s": 1234.0,
}
FIGURES = {
    "fleet": {"env_steps": 300_000.0, "steps_per_s": 9_123.4, "episodes": 4_000.0, "mean_return": 321.5},
    "learner": {"updates": 12_345.0, "loss": 0.125, "gradient_steps": 98_765.0, "learner_waiting_time_s": 3.5},
    "params": {"versions": 12_345.0, "accepted": 12_344.0, "refused": 0.0},
    "replay": {"inserts": 1e6, "samples": 1e6, "items": 50_000.0, "lagging": 0.0},
}


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=80, highlight=False, soft_wrap=True)


def test_status_has_a_line_for_each_service_of_a_busy_mesh(console: Console) -> None:
    services = [
        {**SERVICE, "instance": f"{role}-0", "addresses": ["127.0.0.1:50050"], "figures": figures}
        for role, figures in FIGURES.items()
    ]

    _show(console, {"services": services, "runs": []})

    lines = console.file.getvalue().splitlines()
    assert len(lines) == 1 + len(FIGURES)
    assert "300,000 steps, 9,123/s" in lines[1]
    assert "version 12,345" in lines[3]


def test_the_end_of_a_run_is_told_in_lines_that_fit(console: Console, tmp_path: Path) -> None:
    plan = plan_new_run("cartpole", algorithm=None, assignments=(), seed=0, run_dir=tmp_path / "run")
    fields = {"eval_mean": 498.25, "eval_sd": 12.5, "eval_episodes": 100, "env_steps": 1_234_567, "updates": 123_456}

    print_outcome(console, plan, {**fields, "total_s": 1234.5, "to_first_step_s": 2.5, "run_dir": str(tmp_path)})

    assert max(len(line) for line in console.file.getvalue().splitlines()) <= 80
