"""What `heronry params` shows of models and of what can be set."""

import io

import numpy as np
import pytest
from rich.console import Console

from heronry.cli.params_changes import settable
from heronry.cli.params_fields import model_fields, version_info_fields, workers_wanting
from heronry.cli.params_tables import show_model, show_models, show_versions
from heronry.types.claims import claim_fields
from heronry.types.consistency import Asynchronous, SynchronousRounds
from heronry.types.models import ModelInfo, ModelSettings, VersionInfo, WorkerInfo
from heronry.types.optimizers import AdamOptimizer, MixingOptimizer
from heronry.types.privacy import PrivacyStatus
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion

SCHEMA = ModelSchema.of({"weight": np.zeros((2, 3), np.float32)})
VERSION = ParameterVersion(3, 7, b"\x12\xab")


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None, highlight=False)


def lines(console: Console) -> list[str]:
    return console.file.getvalue().splitlines()


def described(settings: ModelSettings, *workers: WorkerInfo, **figures: object) -> dict[str, object]:
    info = ModelInfo("rounds", VERSION, SCHEMA, settings, round_id=1, **figures)
    claim = claim_fields("rounds", PrivacyStatus(False, "no claim"))
    return {**model_fields(info), "workers_wanting": workers_wanting(info, workers), "privacy": claim}


@pytest.mark.parametrize(
    ("workers", "reason"),
    [
        ((), "3 more workers with a lease (0 of 3)"),
        ((WorkerInfo("a", 1, 5.0),), "2 more workers with a lease (1 of 3)"),
        ((WorkerInfo("a", 1, 5.0), WorkerInfo("b", 1, 5.0)), "1 more worker with a lease (2 of 3)"),
    ],
)
def test_a_round_that_is_not_open_says_what_it_waits_for(
    console: Console, workers: tuple[WorkerInfo, ...], reason: str
) -> None:
    show_model(console, described(ModelSettings(SynchronousRounds(3)), *workers))

    assert lines(console)[1] == f"  round 1 is not open yet: waits for {reason}"
    assert "needs_lease: yes" in console.file.getvalue()


def test_an_open_round_says_what_it_has(console: Console) -> None:
    fields = described(ModelSettings(SynchronousRounds(3)), cohort_size=3, num_pending=2, round_remaining_s=4.25)

    show_model(console, fields)

    assert lines(console)[1] == "  round 1 is open: 2 contributions of a cohort of 3, 4.2 s until its deadline"


def test_all_lines_of_a_model_fit_a_terminal(console: Console) -> None:
    show_model(console, described(ModelSettings(SynchronousRounds(3), optimizer=AdamOptimizer(0.1))))

    assert max(map(len, lines(console))) <= 80


def test_a_list_on_a_terminal_has_all_figures_of_a_long_name(console: Console) -> None:
    info = ModelInfo("m" * 100, VERSION, SCHEMA, ModelSettings(), num_bytes=12_000_000, num_accepted=1_234_567)

    show_models(console, {"models": [model_fields(info)]})

    assert "m" * 100 in lines(console)[0]
    assert "version: 3.7  size: 12.0 MB  mode: asynchronous" in lines(console)[1]
    assert "accepted: 1,234,567" in console.file.getvalue()


def test_tags_cannot_steer_the_terminal(console: Console) -> None:
    info = VersionInfo(VERSION, ("[red]x[/red]", "a\x1b[31mb\nc"), 0.0)

    show_versions(console, {"versions": [version_info_fields(info)]})

    assert r"[red]x[/red], a\x1b[31mb\nc" in console.file.getvalue()
    assert "\x1b[31m" not in console.file.getvalue()


def test_what_can_be_set_is_what_the_model_has() -> None:
    rounds = settable(ModelSettings(SynchronousRounds(3, deadline_s=7.0)))
    mixed = settable(ModelSettings(Asynchronous(4), optimizer=MixingOptimizer(0.5), num_versions_kept=2))

    assert list(rounds)[:6] == ["--cohort-size", "--quorum", "--deadline", "--num-extra", "--min-workers", "--late"]
    assert (rounds["--cohort-size"], rounds["--deadline"], rounds["--late"]) == (3, 7.0, "refuse")
    assert mixed == {
        "--max-staleness": 4,
        "--staleness-exponent": 0.0,
        "--mixing-rate": 0.5,
        "--max-norm": None,
        "--max-weight": 1e9,
        "--requires-lease": False,
        "--versions-kept": 2,
    }
