"""Rows and suites of the benchmarks: arithmetic and names, never a timing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from heronry.bench import Row, run_suite
from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.suites import SUITES, BenchmarkFailedError, run_measurements
from heronry.types.errors import InvalidArgumentError


def row(better: str, **fields: object) -> Row:
    return Row.of("suite.case", [3.0, 1.0, 2.0], "s", better, **fields)


def test_a_row_holds_the_median_and_the_spread() -> None:
    made = row("lower")

    assert (made.value, made.spread, made.repeats) == (2.0, (1.0, 3.0), 3)
    assert (made.ratio, made.met) == (None, None)


@pytest.mark.parametrize(("better", "ratio", "met"), [("lower", 2.0, True), ("higher", 0.5, False)])
def test_a_ratio_above_one_is_better_whichever_way_the_unit_points(better: str, ratio: float, met: bool) -> None:
    made = row(better, reference="peer", reference_value=4.0, goal=2.5)

    assert (made.ratio, made.met) == (ratio, met)


def test_a_row_is_one_json_object_with_the_fields_that_programs_read() -> None:
    fields = json.loads(row("lower").to_json())

    expected = "case value unit better spread repeats reference reference_value ratio goal met settings"
    assert set(fields) == set(expected.split())


def test_cases_are_named_once_and_start_with_their_suite() -> None:
    cases = [case for name, suite in SUITES.items() for m in suite for case in m.cases if case.startswith(f"{name}.")]

    assert len(cases) == len(set(cases)) == sum(len(m.cases) for suite in SUITES.values() for m in suite)


@pytest.mark.parametrize(("suite", "pattern"), [("nothing", "*"), ("sdk", "train.*")])
def test_an_unknown_suite_or_case_names_what_there_is(suite: str, pattern: str) -> None:
    with pytest.raises(InvalidArgumentError, match="sdk"):
        next(run_suite(suite, pattern, Peers(None)))


def test_a_peer_that_is_not_installed_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    peers = Peers(None)

    assert peers.run("sb3", "sb3_train.py") is None
    assert peers.run("sb3", "sb3_train.py") is None

    assert capsys.readouterr().err.count("sb3") == 2  # its name, twice in one line


def failing(peers: Peers) -> Iterator[Row]:
    yield row("lower")
    raise RuntimeError("no such luck")


def whole(peers: Peers) -> Iterator[Row]:
    yield row("higher")


def test_a_measurement_that_fails_is_told_the_others_follow_and_the_end_is_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows: list[Row] = []
    measurements = [Measurement(("suite.fails",), failing), Measurement(("suite.case",), whole)]

    with pytest.raises(BenchmarkFailedError, match=r"suite\.fails"):
        rows.extend(run_measurements(measurements, "*", Peers(None)))

    assert [made.better for made in rows] == ["lower", "higher"]
    assert "no such luck" in capsys.readouterr().err


def test_a_peer_that_cannot_run_leaves_its_figures_empty_and_makes_the_end_an_error(tmp_path: Path) -> None:
    python = tmp_path / "venvs" / "broken" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(mode=0o644)
    peers = Peers(tmp_path)

    assert peers.run("broken", "script.py") is None

    with pytest.raises(BenchmarkFailedError, match=r"script\.py"):
        list(run_measurements([Measurement(("suite.case",), whole)], "*", peers))
