"""The account of a sender of noised updates: on the disk before anything leaves, shared, and never given back."""

import json
import os
from pathlib import Path

import pytest

from heronry.client.local_budget import LocalBudget
from heronry.types.errors import BudgetExhaustedError, DataLossError, UnavailableError

DELTA = 1e-5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spent.json"


def test_what_was_spent_outlives_the_object(path: Path) -> None:
    LocalBudget(10.0, DELTA, path).charge(1.0)

    again = LocalBudget(10.0, DELTA, path)

    assert again.num_charges == 1
    assert again.spent == pytest.approx(4.3771781, abs=1e-6)


def test_two_that_name_one_file_share_its_budget(path: Path) -> None:
    first, second = LocalBudget(5.0, DELTA, path), LocalBudget(5.0, DELTA, path)
    first.charge(1.0)

    with pytest.raises(BudgetExhaustedError):
        second.charge(1.0)

    assert json.loads(path.read_text())["num_charges"] == 1


def test_a_charge_is_on_the_disk_before_it_counts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.exists()))

    LocalBudget(10.0, DELTA, path).charge(1.0)

    # First the new content, before the file has its name; then the folder that names it.
    assert synced == [False, True]


def test_a_charge_that_cannot_be_written_is_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = LocalBudget(10.0, DELTA, path)

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UnavailableError, match="nothing was sent"):
        budget.charge(1.0)

    assert budget.num_charges == 0


@pytest.mark.parametrize(
    "content", ["", "{}", '{"format": 1, "num_charges": 3, "inverse_squares": 0.0}', "[1]", "\xff"]
)
def test_a_file_that_is_something_else_is_refused(path: Path, content: str) -> None:
    path.write_text(content, encoding="latin-1")

    with pytest.raises(DataLossError, match="not what local privacy has written"):
        LocalBudget(10.0, DELTA, path)


def test_a_file_that_was_put_back_or_taken_away_is_refused(path: Path) -> None:
    budget = LocalBudget(10.0, DELTA, path)
    budget.charge(5.0)
    older = path.read_bytes()
    budget.charge(5.0)

    path.write_bytes(older)
    with pytest.raises(DataLossError, match="got 1 charges, allowed: at least 2"):
        budget.charge(5.0)
    path.unlink()
    with pytest.raises(DataLossError, match="got 0 charges"):
        budget.charge(5.0)
