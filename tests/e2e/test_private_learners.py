"""Reinforcement learning under a privacy claim, end to end: real processes, as a user runs them."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(out: Path, *arguments: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / "private_learners.py"), "--out", str(out), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


def runs_in(out: Path) -> list[dict[str, Any]]:
    return json.loads(out.read_text())["runs"]


@pytest.mark.timeout(120)
def test_the_result_file_carries_the_claim(tmp_path: Path) -> None:
    out = tmp_path / "result.json"

    done = run(out, "--clients", "12", "--rounds", "2", "--seeds", "1", "--epsilon", "0.1", timeout_s=110)

    [found] = runs_in(out)
    claim, returns = found["claim"], found["returns"]
    assert (claim["has_claim"], claim["is_void"]) == (True, False)
    assert (claim["unit"], claim["relation"], claim["delta"]) == ("client", "add_or_remove_one", 1e-5)
    assert "Poisson cohorts of rate 0.5" in claim["mechanism"]
    assert claim["num_releases"] == 2
    # The noise is the least that keeps the limit: little of the budget is left.
    assert 0.099 < claim["epsilon_spent"] <= claim["epsilon_limit"] == 0.1
    assert len(bytes.fromhex(claim["ledger_head"]["digest"])) == 32
    assert claim["ledger_head"]["sequence"] >= 2 * claim["num_releases"]
    assert "one client" in claim["statement"]
    assert any("returns" in each for each in claim["outside"])
    # So few clients leave noise, which reaches the target in fewer than one run of a hundred; when it does, it is told.
    is_reached = min(returns["own"], returns["others"]) >= 400
    assert ("reached" if is_reached else "missed") in done.stdout
    assert done.returncode == (0 if is_reached else 1), done


@pytest.mark.timeout(60)
def test_a_picture_is_drawn_from_results(tmp_path: Path) -> None:
    picture, script = tmp_path / "utility.png", EXAMPLES / "private_cartpole" / "plot.py"

    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), "--out", str(picture)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.acceptance
@pytest.mark.timeout(600)
def test_two_hundred_clients_learn_together_at_epsilon_eight(tmp_path: Path) -> None:
    out = tmp_path / "result.json"

    done = run(out, "--epsilon", "8", "--seeds", "3", "--first-seed", "500", timeout_s=580)

    assert done.returncode == 0, done
    for found in runs_in(out):
        claim, settings = found["claim"], found["settings"]
        assert settings["num_clients"] == 200
        assert claim["delta"] <= 1 / (10 * settings["num_clients"])
        assert claim["epsilon_spent"] <= 8
        assert claim["num_releases"] == settings["num_rounds"]
        assert found["returns"]["own"] >= 400
    assert len(runs_in(out)) == 3


@pytest.mark.parametrize(
    ("flag", "value", "allowed"),
    [
        *[
            ("--epsilon", value, "'none' and numbers, 0.01 to 20")
            for value in ("0", "-1", "nan", "inf", "1e9", "8,8", "")
        ],
        *[("--clients", value, "a whole number, 4 to 800") for value in ("3", "1e6", "801", "many")],
        *[("--rounds", value, "a whole number, 1 to 1000") for value in ("0", "-3", "9" * 30)],
        ("--seeds", "0", "a whole number, 1 to 100"),
        ("--first-seed", "-1", "a whole number, 0 to "),
        ("--out", "no/such/folder/x.json", "a file in a folder that exists"),
    ],
)
def test_figures_that_make_no_sense_are_refused(
    flag: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setattr(sys, "argv", ["private_learners", f"{flag}={value}"])

    with pytest.raises(SystemExit) as ended:
        importlib.import_module("private_learners").main()

    assert ended.value.code == 2
    assert f"argument {flag}: got '{value}', allowed: {allowed}" in capsys.readouterr().err
