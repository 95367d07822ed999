"""What is reserved is what is charged, to the run and to each client, whatever becomes of the release."""

from pathlib import Path

import pytest

from heronry.privacy.ledger import Charge, Ledger, Participation, Reservation, Reserved, RunTotals, Uncommitted, verify
from heronry.types.errors import InvalidArgumentError

GAUSSIAN = {"class": "GaussianDpEvent", "noise_multiplier": 1.0}
OTHER = {"class": "GaussianDpEvent", "noise_multiplier": 2.0}


def reservation(round_id=1, event=GAUSSIAN, participants=("ada", "bob"), is_void=False):
    return Reservation(round_id, event, 1.0, 1.0, 32.0, len(participants), "gaussian/1", participants, is_void)


def test_equal_events_are_one_charge_and_each_run_has_its_own(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger:
        for event in (GAUSSIAN, OTHER, {"noise_multiplier": 1.0, "class": "GaussianDpEvent"}):
            ledger.reserve("walk", reservation(event=event), 0.0)
        ledger.reserve("run", reservation(event=OTHER), 0.0)

        assert ledger.charges("walk") == (Charge(GAUSSIAN, 2), Charge(OTHER, 1))
        assert ledger.charges("run") == (Charge(OTHER, 1),)
        assert ledger.runs() == ("run", "walk")


def test_a_client_is_charged_for_the_releases_it_was_in(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger:
        ledger.reserve("walk", reservation(participants=("ada", "bob")), 0.0)
        ledger.reserve("walk", reservation(participants=()), 0.0)
        ledger.reserve("walk", reservation(participants=("bob",)), 0.0)

        assert ledger.participations("walk") == {"ada": Participation(1, 1), "bob": Participation(2, 3)}
        assert ledger.participation("walk", "eve") == Participation(0, 0)


def test_a_release_that_was_paid_before_charges_nothing_and_still_counts_participants(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger:
        ledger.reserve("walk", reservation(event=None), 0.0)

        assert ledger.charges("walk") == ()
        assert ledger.participation("walk", "ada") == Participation(1, 1)


def test_a_reservation_without_a_commit_is_reported_and_counts_after_reopening(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger:
        committed = ledger.reserve("walk", reservation(round_id=7), 0.0)
        ledger.commit(committed, 0.0)
        left_open = ledger.reserve("walk", reservation(round_id=8), 0.0)

    with Ledger.open(path, owner="params") as ledger:
        assert ledger.uncommitted() == (Uncommitted(left_open, "walk", 8),)
        assert ledger.charges("walk") == (Charge(GAUSSIAN, 2),)
        assert ledger.run("walk") == RunTotals(num_releases=2, num_uncommitted=1)


def test_what_was_reserved_behind_a_row_is_told_with_its_owner(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger:
        first = ledger.reserve("walk", reservation(), 0.0)
        ledger.commit(first, 0.0)
        second = ledger.reserve("run", reservation(), 0.0)
    with Ledger.open(path, owner="params") as ledger:
        third = ledger.reserve("walk", reservation(), 0.0)

        behind = (Reserved(second, "run", 1), Reserved(third, "walk", 2))
        assert ledger.reserved_after(first) == behind
        assert ledger.reserved_after(third) == ()
        assert [ledger.epoch_at(sequence) for sequence in (0, first, third, third + 1)] == [0, 1, 2, 0]


def test_one_void_release_voids_its_run_for_good_and_no_other(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger:
        ledger.reserve("walk", reservation(is_void=True), 0.0)
        ledger.reserve("walk", reservation(), 0.0)
        ledger.reserve("run", reservation(), 0.0)

    with Ledger.open(path, owner="params") as ledger:
        assert ledger.run("walk").is_void
        assert not ledger.run("run").is_void


def test_a_release_is_committed_once(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger:
        sequence = ledger.reserve("walk", reservation(), 0.0)
        ledger.commit(sequence, 0.0)

        for unknown in (sequence, 0, 99):
            with pytest.raises(InvalidArgumentError, match="an uncommitted reservation"):
                ledger.commit(unknown, 0.0)


def test_a_clock_that_jumps_backwards_is_recorded_and_flagged_never_refused(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger:
        ledger.reserve("walk", reservation(), 1000.0)
        early = ledger.reserve("walk", reservation(), 10.0)
        ledger.commit(early, 20.0)
        ledger.reserve("walk", reservation(), 1001.0)

    report = verify(path)

    assert report.is_sound
    assert (report.num_backward_clocks, report.backward_clocks) == (1, (early,))


@pytest.mark.parametrize(
    "wrong",
    [
        {"participants": ("ada", "ada")},
        {"participants": ("",)},
        {"participants": ("\udc80",)},
        {"participants": ("ada",), "num_participants": 2},
        {"num_participants": -1},
        {"clipping_norm": float("nan")},
        {"noise_multiplier": float("inf")},
        {"denominator": -1.0},
    ],
    ids=str,
)
def test_a_reservation_of_impossible_figures_is_refused(wrong) -> None:
    fields = {"clipping_norm": 1.0, "noise_multiplier": 1.0, "denominator": 32.0, "mechanism": "gaussian/1"}
    participants = wrong.get("participants", ())

    with pytest.raises(InvalidArgumentError):
        Reservation(**({"round_id": 1, "event": None, "num_participants": len(participants)} | fields | wrong))


@pytest.mark.parametrize(
    "run, event, time_s",
    [
        ("walk", {"z": float("nan")}, 0.0),
        ("walk", {"z": object()}, 0.0),
        ("walk", GAUSSIAN, float("nan")),
        ("", {}, 0.0),
    ],
)
def test_what_json_cannot_hold_is_refused_and_leaves_nothing(path: Path, run, event, time_s) -> None:
    with Ledger.open(path, owner="params") as ledger:
        head = ledger.head

        with pytest.raises(InvalidArgumentError):
            ledger.reserve(run, reservation(event=event), time_s)

        assert ledger.head == head
        assert ledger.reserve("walk", reservation(), 0.0) == head.sequence + 1
    assert verify(path).is_sound
