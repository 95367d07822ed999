"""A ledger that lacks what a checkpoint has seen of it is refused: a backup would give spent budget back."""

import shutil
from pathlib import Path

import pytest

from heronry.privacy.ledger import Head, Ledger, Reservation, verify
from heronry.privacy.ledger.rows import GENESIS
from heronry.types.errors import FailedPreconditionError, LedgerRolledBackError

ROW = Reservation(1, {"z": 1.0}, 1.0, 1.0, 4.0, 1, "gaussian/1", ("ada",))


def reserve(path: Path, owner: str = "params") -> Head:
    with Ledger.open(path, owner=owner) as ledger:
        ledger.reserve("walk", ROW, 0.0)
        return ledger.head


def test_a_ledger_that_has_gone_on_since_the_checkpoint_is_served(path: Path) -> None:
    seen = reserve(path)
    reserve(path)

    with Ledger.open(path, owner="params", expected=seen) as ledger:
        assert ledger.contains(seen)
        assert ledger.run("walk").num_releases == 2


def test_a_restored_older_file_is_refused_and_the_message_says_the_way_out(path: Path) -> None:
    reserve(path)
    backup = shutil.copy(path, path.with_name("backup"))
    seen = reserve(path)
    shutil.copy(backup, path)

    with pytest.raises(LedgerRolledBackError, match="Put the ledger with that row in its place, or begin a new model"):
        Ledger.open(path, owner="params", expected=seen)

    assert "older or another ledger" in verify(path, seen).fault
    assert verify(path).is_sound


def test_a_copy_that_went_on_by_itself_is_another_ledger(path: Path) -> None:
    reserve(path)
    copy = Path(shutil.copy(path, path.with_name("copy")))
    seen = reserve(path)
    reserve(copy, owner="elsewhere")
    reserve(copy, owner="elsewhere")

    with pytest.raises(LedgerRolledBackError, match="has no row"):
        Ledger.open(copy, owner="params", expected=seen)


def test_a_missing_file_is_refused_where_one_is_known(path: Path) -> None:
    seen = reserve(path)
    path.unlink()

    with pytest.raises(LedgerRolledBackError, match="does not exist"):
        Ledger.open(path, owner="params", expected=seen)

    assert not path.exists()


def test_a_log_without_its_ledger_is_no_new_ledger(path: Path) -> None:
    path.with_name("ledger-wal").write_bytes(b"rows")

    with pytest.raises(FailedPreconditionError, match="put it back"):
        Ledger.open(path, owner="params")


def test_a_checkpoint_from_before_the_first_row_expects_nothing(path: Path) -> None:
    with Ledger.open(path, owner="params", expected=Head(0, GENESIS)) as ledger:
        assert ledger.head.sequence == 1

    with pytest.raises(LedgerRolledBackError):
        Ledger.open(path, owner="params", expected=Head(0, bytes(32)))


def test_a_refused_ledger_is_not_held(path: Path) -> None:
    seen = reserve(path)
    with pytest.raises(LedgerRolledBackError):
        Ledger.open(path, owner="params", expected=Head(seen.sequence, bytes(32)))

    assert reserve(path).sequence == seen.sequence + 2


def test_a_head_beyond_the_end_is_not_found_whatever_its_digest(path: Path) -> None:
    seen = reserve(path)

    with pytest.raises(LedgerRolledBackError):
        Ledger.open(path, owner="params", expected=Head(seen.sequence + 1, GENESIS))
