"""The worked examples of the parameter service, as a user runs them."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


def outcomes(table: str) -> dict[str, str]:
    """Return by the first word of each line of a table whether the target was reached or missed."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return {row[0]: next(word for word in row if word in {"reached", "missed"}) for row in rows}


@pytest.mark.timeout(90)
def test_four_processes_know_together_what_none_knows_alone() -> None:
    done = run("federated_averaging", "--rounds", "8", timeout_s=80)

    assert done.returncode == 0, done
    assert "32 contributions" in done.stdout
    *alone, together = (float(line.split()[-1].rstrip("%")) for line in done.stdout.splitlines()[-5:])
    # Nobody can tell digits that it has never seen.
    assert max(alone) <= 31
    assert together > 45


@pytest.mark.acceptance
@pytest.mark.timeout(900)
def test_robust_rules_reach_the_target_with_a_liar_among_the_learners_and_the_mean_does_not() -> None:
    done = run("byzantine_learners", timeout_s=880)

    assert outcomes(done.stdout) == {
        "mean": "missed",
        "median": "reached",
        "trimmed": "reached",
        "krum": "reached",
        "geometric": "reached",
    }, done
    assert done.returncode == 0


@pytest.mark.acceptance
@pytest.mark.timeout(600)
def test_lossy_codecs_reach_the_target_in_a_quarter_of_the_bytes() -> None:
    # Rounding is drawn anew: 71 runs of INT8 all reached the target, so that one in 24 at most misses it (95 %).
    done = run("lossy_codecs", "--cases", "f32,int8", timeout_s=580)

    assert outcomes(done.stdout) == {"f32": "reached", "int8": "reached"}, done
    pushed = {row[0]: float(row[1]) for row in (line.split() for line in done.stdout.splitlines()[1:])}
    # A byte and a 64th of four for each parameter, beside four.
    assert pushed["int8"] / pushed["f32"] < 0.27


@pytest.mark.parametrize("name", ["byzantine_learners", "lossy_codecs"])
def test_unknown_cases_are_named(name: str) -> None:
    done = run(name, "--rules" if name.startswith("byz") else "--cases", "nope", timeout_s=50)

    assert done.returncode == 2
    assert "got 'nope', allowed: " in done.stderr


@pytest.mark.parametrize("number", ["-3", "0", "1e9", "nan", "9" * 30])
@pytest.mark.parametrize(
    ("name", "flag"),
    [("federated_averaging", "--rounds"), ("byzantine_learners", "--max-rounds"), ("lossy_codecs", "--max-rounds")],
)
def test_numbers_of_rounds_that_make_no_sense_are_refused(
    name: str, flag: str, number: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # In this process: fifteen starts of an interpreter would show nothing more.
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setattr(sys, "argv", [name, flag, number])

    with pytest.raises(SystemExit) as ended:
        importlib.import_module(name).main()

    assert ended.value.code == 2
    assert f"argument {flag}: got '{number}', allowed: a whole number, 1 to " in capsys.readouterr().err


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param("federated_averaging", ["--rounds", "1"], marks=pytest.mark.acceptance),
        pytest.param("byzantine_learners", ["--rules", "median", "--max-rounds", "1"], marks=pytest.mark.acceptance),
        ("lossy_codecs", ["--cases", "int8", "--max-rounds", "1"]),
    ],
)
def test_an_example_that_misses_its_target_says_so(name: str, arguments: list[str]) -> None:
    done = run(name, *arguments, timeout_s=100)

    assert done.returncode == 1, done
    assert "missed" in done.stdout
