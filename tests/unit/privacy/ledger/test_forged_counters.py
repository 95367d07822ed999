"""Counters that were wrong from the start, in a chain that is whole: opening trusts them, `verify` counts again."""

from pathlib import Path

import pytest

from heronry.privacy.ledger import Ledger, Reservation, verify
from heronry.privacy.ledger.totals import Totals

ROW = Reservation(1, {"z": 1.0}, 1.0, 1.0, 4.0, 1, "gaussian/1", ("ada",))


@pytest.mark.parametrize("kind", ["client", "charge", "uncommitted", "run"])
def test_a_counter_that_never_followed_from_the_rows_is_found_by_verify(path: Path, monkeypatch, kind: str) -> None:
    honest = Totals.changes_of_reservation

    def forgetful(totals, run, sequence, body, participants):
        changes = honest(totals, run, sequence, body, participants)
        return {key: value for key, value in changes.items() if key[0] != kind}

    with monkeypatch.context() as forged, Ledger.open(path, owner="params") as ledger:
        ledger.reserve("walk", ROW, 0.0)
        forged.setattr(Totals, "changes_of_reservation", forgetful)
        ledger.reserve("walk", ROW, 0.0)

    report = verify(path)

    assert "totals do not follow from the rows" in report.fault


def test_the_digest_of_the_totals_does_not_depend_on_their_history() -> None:
    gradual, at_once = Totals(), Totals()
    for count in ("1", "2", "3"):
        gradual.take({("charge", "walk", "a"): count, ("uncommitted", "walk", count): "1"})
        assert gradual.digest
        gradual.take({("uncommitted", "walk", count): None})
    at_once.take({("charge", "walk", "a"): "3"})

    assert gradual.digest == at_once.digest
    assert gradual.digest != Totals().digest


def test_moving_a_letter_from_one_field_to_the_next_changes_the_digest() -> None:
    digests = set()
    for entry in [("ab", "c", "d", "1"), ("a", "bc", "d", "1"), ("a", "b", "cd", "1"), ("a", "b", "c", "d1")]:
        totals = Totals.of([entry])
        digests.add(totals.digest)

    assert len(digests) == 4
