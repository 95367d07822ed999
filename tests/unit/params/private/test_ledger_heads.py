"""The ledger's newest row is remembered wherever state is written: no copy of it gives budget back."""

import shutil
from pathlib import Path

import pytest

from heronry.types.consistency import BufferedAsynchronous
from heronry.types.errors import FailedPreconditionError, LedgerRolledBackError

BUFFERED = {"consistency": BufferedAsynchronous(1)}


def ledger_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("privacy.sqlite*"))


@pytest.mark.parametrize("source", ["checkpoint", "journal"])
def test_a_state_without_a_release_is_not_restored_without_its_ledger(open_private, claim, source) -> None:
    bench = open_private()
    bench.register(0.0, privacy=claim(), **BUFFERED)
    if source == "checkpoint":
        bench.log.write(bench.models.begin_checkpoint())
    bench.models.close()
    for path in ledger_files(bench.log.path):
        path.unlink()

    with pytest.raises(LedgerRolledBackError):
        open_private()


@pytest.mark.parametrize("source", ["checkpoint", "journal"])
def test_an_older_ledger_is_refused_after_its_model_was_deleted(open_private, claim, tmp_path, source) -> None:
    older = tmp_path / "older"
    older.mkdir()
    bench = open_private()
    bench.register(0.0, privacy=claim(), **BUFFERED)
    bench.models.close()
    for path in ledger_files(bench.log.path):
        shutil.copy(path, older)
    bench = open_private()
    bench.push_delta("a", 1.0)
    bench.models.delete("policy")
    if source == "checkpoint":
        bench.log.write(bench.models.begin_checkpoint())
    bench.models.close()
    for path in ledger_files(bench.log.path):
        path.unlink()
    for path in ledger_files(older):
        shutil.copy(path, bench.log.path)

    bench = open_private()

    with pytest.raises(LedgerRolledBackError):
        bench.register(0.0, privacy=claim(), **BUFFERED)


def test_what_a_deleted_model_has_spent_is_spent_by_the_next_of_its_name(open_private, claim) -> None:
    bench = open_private()
    bench.register(0.0, privacy=claim(), **BUFFERED)
    bench.push_delta("a", 1.0)
    spent = bench.status.epsilon_spent
    bench.models.delete("policy")
    bench.register(0.0, privacy=claim(), consistency=BufferedAsynchronous(2))
    bench.push_delta("b", 1.0)

    bench = open_private()

    assert bench.status.epsilon_spent == spent > 0.0
    # Releases of the one before are none that this one has missed: its open round stays.
    assert (bench.problems, bench.model.round.num_contributions) == ([], 1)


@pytest.mark.parametrize("restarts", [False, True])
def test_a_model_without_a_claim_is_refused_under_a_name_that_has_one(open_private, claim, restarts) -> None:
    bench = open_private()
    bench.register(0.0, privacy=claim(), **BUFFERED)
    bench.models.delete("policy")
    if restarts:
        bench = open_private()

    with pytest.raises(FailedPreconditionError, match="or another name") as refused:
        bench.register(0.0, **BUFFERED)

    assert refused.value.details["field"] == "privacy"


def test_models_without_a_claim_make_no_ledger(open_private) -> None:
    bench = open_private()

    bench.register(0.0, **BUFFERED)

    assert ledger_files(bench.log.path) == []
