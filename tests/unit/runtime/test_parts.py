"""The small parts: pauses, loop lag, the order of assignments, log lines."""

import asyncio
import json
import logging

import pytest
import structlog

from heronry.runtime.assignment import is_newer
from heronry.runtime.backoff import Backoff
from heronry.runtime.logging import configure
from heronry.runtime.usage import LoopLag, ProcessUsage
from heronry.types.run import Assignment, RunState


def test_pauses_double_within_their_bounds_and_begin_again() -> None:
    backoff = Backoff(0.05, 1.0)

    pauses = [backoff.next_s() for _ in range(8)]
    backoff.reset()

    for pause, whole in zip(pauses, [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0], strict=True):
        assert whole / 2 <= pause <= whole
    assert backoff.next_s() <= 0.05


def test_the_recent_lag_decays_and_the_worst_stays() -> None:
    lag = LoopLag()
    lag.observe(1.0)
    for _ in range(20):
        lag.observe(-0.001)

    assert lag.recent_s == pytest.approx(0.9**20)
    assert lag.worst_s == 1.0


async def test_an_idle_loop_has_little_lag() -> None:
    lag = LoopLag(period_s=0.01)
    task = asyncio.create_task(lag.run())
    await asyncio.sleep(0.05)
    task.cancel()

    assert 0 <= lag.worst_s < 1.0


def test_usage_is_of_this_process() -> None:
    usage = ProcessUsage()

    assert usage.resident_bytes > 1 << 20
    assert usage.cpu_time_s > 0


def test_assignments_are_ordered_within_a_run_and_a_coordinator() -> None:
    one = Assignment(3, "r", RunState.RUNNING)

    assert is_newer(one, None, same_coordinator=True)
    assert is_newer(Assignment(4, "r", RunState.RUNNING), one, same_coordinator=True)
    assert not is_newer(Assignment(2, "r", RunState.PAUSED), one, same_coordinator=True)
    assert is_newer(Assignment(1, "s", RunState.RUNNING), one, same_coordinator=True)
    assert is_newer(Assignment(1, "r", RunState.PAUSED), one, same_coordinator=False)
    assert not is_newer(Assignment(1, "r", RunState.RUNNING), one, same_coordinator=False)


@pytest.fixture
def plain_logging():
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_a_json_line_holds_the_event_and_its_fields(tmp_path, plain_logging) -> None:
    configure("json", "info", tmp_path / "x.log")
    structlog.get_logger().info("round_closed", round=7, path=tmp_path)
    structlog.get_logger().debug("hidden")
    logging.getLogger("other").warning("from the library")

    lines = [json.loads(line) for line in (tmp_path / "x.log").read_text().splitlines()]

    assert [(line["event"], line["level"]) for line in lines] == [
        ("round_closed", "info"),
        ("from the library", "warning"),
    ]
    assert lines[0]["round"] == 7


def test_an_error_in_the_log_shows_no_values_of_variables(tmp_path, plain_logging) -> None:
    def fail(observation: str) -> None:
        raise KeyError("which")

    configure("console", "info", tmp_path / "x.log")
    try:
        fail("a private value")
    except KeyError as error:
        structlog.get_logger().error("unmapped_error", exc_info=error)

    text = (tmp_path / "x.log").read_text()
    assert "KeyError: 'which'" in text
    assert text.count("a private value") == 1  # the line of source that calls, not the variable
