"""`heronry privacy plan`."""

import json
import subprocess
import sys

import pytest

from heronry.cli.main import main
from heronry.privacy.accounting import gaussian_epsilon

FIRST = ["--noise-multiplier", "1", "--sampling-rate", "0.1", "--rounds", "100", "--delta", "1e-6"]
FIXED = ["--mechanism", "fixed", "--rounds", "4", "--delta", "1e-5"]


def answer(capsys: pytest.CaptureFixture[str], *flags: str) -> dict[str, object]:
    assert main(["privacy", "plan", *flags, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    assert main(["privacy", "plan", *flags]) == 2
    return capsys.readouterr().err


def test_a_noise_multiplier_gives_an_epsilon_by_every_sound_accountant(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, *FIRST)

    epsilons = {bound["accountant"]: bound["epsilon"] for bound in found["bounds"]}
    assert epsilons["RDP"] == pytest.approx(8.921392, abs=1e-5)
    assert epsilons["PLD"] == pytest.approx(8.058608, abs=1e-4)
    assert epsilons["closed form"] is None
    assert (found["accountant"], found["epsilon"]) == ("PLD", epsilons["PLD"])


def test_an_epsilon_gives_a_noise_multiplier(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--target-epsilon", "1", "--clients", "200", "--cohort", "50", "--rounds", "60", "--delta", "5e-4"]
    found = answer(capsys, *flags)

    assert found["epsilon"] == pytest.approx(1.0, rel=1e-3)
    assert found["epsilon"] <= 1.0
    assert found["noise_on_mean"] == pytest.approx(found["noise_multiplier"] / 50)
    assert found["event"]["event"]["sampling_probability"] == 0.25


def test_people_see_which_bound_is_enforced_and_what_noise_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["privacy", "plan", *FIXED, "--noise-multiplier", "3", "--cohort", "20"]) == 0

    shown = capsys.readouterr().out
    enforced = [line.split() for line in shown.splitlines() if line.endswith("enforced")]
    assert [words[:2] for words in enforced] == [["closed", "form"]]
    assert float(enforced[0][2]) == pytest.approx(gaussian_epsilon(3.0, 4, 1e-5), abs=1e-4)
    assert "3 C / 20 = 0.15 C" in shown
    assert "delta has to stay below 1 / clients" in shown


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--noise-multiplier", "1"], "--delta: missing"),
        ([*FIXED], "--noise-multiplier: missing"),
        ([*FIXED, "--noise-multiplier", "1", "--target-epsilon", "1"], "--noise-multiplier: got 1.0"),
        ([*FIXED, "--noise-multiplier", "0"], "--noise-multiplier: got 0.0, allowed: above 0"),
        ([*FIXED, "--noise-multiplier", "nan"], "--noise-multiplier: got nan"),
        ([*FIXED, "--noise-multiplier", "x"], "--noise-multiplier: got 'x', allowed: a number"),
        ([*FIXED, "--target-epsilon", "-1"], "--target-epsilon: got -1.0"),
        ([*FIXED, "--noise-multiplier", "1", "--relation", "other"], "--relation: got 'other'"),
        ([*FIXED, "--noise-multiplier", "1", "--sampling-rate", "0.1"], "--sampling-rate: got 0.1, allowed: nothing"),
        ([*FIXED, "--noise-multiplier", "1", "--participations", "5"], "--participations: got 5, allowed: at most 4"),
        ([*FIXED, "--noise-multiplier", "1", "--clients", "100000"], "--delta: got 1e-05, allowed: below 1e-05"),
        ([*FIXED, "--noise-multiplier", "1", "--cohort", "0"], "--cohort: got 0"),
        ([*FIXED, "--noise-multiplier", "1", "--clients", "5", "--cohort", "6"], "--cohort: got 6, allowed: at most 5"),
        (["--delta", "1e-5", "--noise-multiplier", "1"], "--rounds: missing"),
        (["--delta", "1e-5", "--noise-multiplier", "1", "--rounds", "0"], "--rounds: got 0"),
        (["--delta", "1e-5", "--noise-multiplier", "1", "--rounds", "1"], "--sampling-rate: missing"),
        ([*FIRST, "--sampling-rate", "2"], "--sampling-rate: got 2.0, allowed: above 0, at most 1"),
        ([*FIRST, "--mechanism", "other"], "--mechanism: got 'other', allowed: poisson, "),
        # Another client would take the place of one who is absent.
        (
            [*FIXED, "--noise-multiplier", "1", "--relation", "add-or-remove-one"],
            "allowed: zero_out_one or replace_one",
        ),
        ([*FIRST, "--relation", "zero-out"], "--relation: got 'zero-out'"),
    ],
)
def test_wrong_input_is_named_by_its_flag(capsys: pytest.CaptureFixture[str], flags: list[str], told: str) -> None:
    assert told in refusal(capsys, *flags)


@pytest.mark.parametrize(
    ("mechanism", "flags"),
    [
        ("without-replacement", ["--clients", "100", "--cohort", "10"]),
        ("fixed", ["--participations", "2"]),
        ("correlated", ["--horizon", "3", "--sensitivity", "2.5"]),
        ("tree", ["--horizon", "4"]),
        ("local", ["--cohort", "100"]),
        ("distributed", ["--cohort", "20", "--parameters", "1000"]),
    ],
)
def test_every_mechanism_can_be_planned(capsys: pytest.CaptureFixture[str], mechanism: str, flags: list[str]) -> None:
    asked = ["--mechanism", mechanism, "--rounds", "6", "--delta", "1e-5", "--noise-multiplier", "3"]

    found = answer(capsys, *asked, *flags)

    assert found["epsilon"] > 0
    assert found["holds_when"]


def test_horizons_that_are_begun_are_paid_for_whole(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--mechanism", "correlated", "--rounds", "7", "--delta", "1e-5", "--noise-multiplier", "3"]

    assert answer(capsys, *asked, "--horizon", "3")["event"]["count"] == 3


def test_an_epsilon_beyond_what_is_computed_is_no_number_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--noise-multiplier", "0.1", "--sampling-rate", "0.5", "--rounds", "1000", "--delta", "1e-5"]

    assert answer(capsys, *flags, "--relation", "replace-one")["epsilon"] is None


def test_the_command_line_starts_without_accountants() -> None:
    code = "import sys, heronry.cli.privacy; assert not {'dp_accounting', 'scipy', 'numpy'} & set(sys.modules)"

    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_extra_is_told_with_the_line_that_installs_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dp_accounting.dp_event", None)

    assert "pip install 'heronry[privacy]'" in refusal(capsys, *FIXED, "--noise-multiplier", "1")
