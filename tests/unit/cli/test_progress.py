"""What a run's progress looks like."""

import io

import pytest
from rich.console import Console

from heronry.cli.progress import LiveView, PlainView, StepRate, figures, view_for
from heronry.types.run import EvaluationSummary, RunState, RunStatus
from heronry.types.version import ParameterVersion

VERSION = ParameterVersion(epoch=1, number=8, content_hash=b"h", parent_hash=b"p")


def status(**changes: object) -> RunStatus:
    values = {"run_id": "r", "state": RunState.RUNNING, "env_steps": 0, **changes}
    return RunStatus(**values)  # type: ignore[arg-type] # a test's shorthand


def test_the_rate_is_that_of_the_last_seconds() -> None:
    rate = StepRate(window_s=2.0)

    readings = [rate.add(float(t), steps) for t, steps in enumerate([0, 100, 200, 1200, 2200])]

    assert readings[0] == 0.0
    assert readings[2] == pytest.approx(100.0)
    assert readings[4] == pytest.approx(1000.0)


def test_the_rate_of_a_restarted_count_is_not_negative() -> None:
    rate = StepRate()
    rate.add(0.0, 1000)

    assert rate.add(1.0, 10) == 0.0


def test_the_figures_name_the_evaluation_and_the_target() -> None:
    evaluation = EvaluationSummary(version=VERSION, num_episodes=100, mean_return=480.25, sd_return=3.5)

    shown = dict(figures(status(env_steps=12_345, evaluation=evaluation), 7000.4, 475))

    assert shown["env steps"] == "12,345"
    assert shown["steps/s"] == "7,000"
    assert shown["last evaluation"] == "480.2 ± 3.5 over 100 (target 475)"
    assert shown["training return"] == "-"


def test_plain_lines_come_at_news_only() -> None:
    out = io.StringIO()
    with PlainView(Console(file=out, width=200), "training", None) as view:
        view.show(status(env_steps=1))
        view.show(status(env_steps=2))
        view.show(status(env_steps=3, state=RunState.FINISHING))

    lines = out.getvalue().splitlines()

    assert lines[0] == "training"
    assert [line.split(":")[0] for line in lines[1:]] == ["running", "finishing"]


def test_a_terminal_gets_the_live_table_and_a_pipe_plain_lines() -> None:
    assert isinstance(view_for(Console(file=io.StringIO(), force_terminal=True), "t", None), LiveView)
    assert isinstance(view_for(Console(file=io.StringIO()), "t", None), PlainView)


def test_the_live_table_shows_the_state() -> None:
    out = io.StringIO()
    with LiveView(Console(file=out, force_terminal=True, width=100), "training", 475) as view:
        view.show(status(env_steps=77))

    assert "running" in out.getvalue()
    assert "77" in out.getvalue()


def test_what_a_running_run_waits_for_is_told_at_once() -> None:
    console = Console(file=io.StringIO(), width=200)
    with PlainView(console, "title", None) as view:
        for message in ("", "waits for a learner", "waits for a learner"):
            view.show(status(message=message))

    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined] # it is a StringIO
    assert [line.rpartition(", ")[2] for line in lines[1:]] == [
        "last evaluation none yet",
        "message waits for a learner",
    ]
