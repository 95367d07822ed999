"""What `heronry fleet status` shows."""

import io

import pytest
from rich.console import Console

from heronry.cli.fleet_tables import fields_of, show_statistics
from heronry.types.run import EnvironmentFailure, FleetStatistics
from heronry.types.version import ParameterVersion

BUSY = FleetStatistics(
    run_id="r-1",
    environment="MinAtar/Breakout-v1",
    num_environments=256,
    num_steps=1_234_567,
    steps_per_second=54_321.0,
    num_episodes=99,
    mean_return=12.5,
    mean_length=80.25,
    behaviour_version=ParameterVersion(2, 17),
    policy_lag={0: 30, 2: 10},
    environment_time_s=1.0,
    inference_time_s=2.0,
    waiting_time_s=1.0,
    engine="native",
    policy="native",
    num_restarts=3,
    failures=(EnvironmentFailure(7, 42, 5, "exited with code 3"),),
    num_unrolls=40,
    num_unrolls_too_old=4,
)


def shown(statistics: FleetStatistics) -> list[str]:
    console = Console(file=io.StringIO(), width=100, highlight=False, soft_wrap=True)
    show_statistics(console, fields_of(statistics))
    return console.file.getvalue().splitlines()


def test_each_idea_has_a_line() -> None:
    lines = shown(BUSY)

    assert lines[0] == "run r-1: 256 lanes of MinAtar/Breakout-v1"
    assert "  engine: native; policy: native" in lines
    assert "  steps: 1,234,567 in 40 unrolls, now 54,321/s" in lines
    assert "  episodes: 99; the last 100: mean return 12.5, mean length 80.2" in lines
    assert "  acting version: 17 of epoch 2; unrolls too old: 4" in lines
    assert "  time: environment 1.0 s (25%), inference 2.0 s (50%), waiting 1.0 s (25%)" in lines
    assert "  environments begun anew: 3" in lines


def test_the_bars_of_the_lag_are_in_proportion() -> None:
    bars = [line.count("#") for line in shown(BUSY) if line.startswith("  lag")]

    assert bars == [30, 10]


def test_a_failure_is_told_with_environment_seed_step_and_reason() -> None:
    assert shown(BUSY)[-1].split(maxsplit=3) == ["7", "42", "5", "exited with code 3"]


@pytest.mark.parametrize("said", ["idle: no run is assigned to this fleet"])
def test_a_fleet_without_a_run_says_so(said: str) -> None:
    assert shown(FleetStatistics()) == [said]
