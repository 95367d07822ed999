"""A disk that is full or fails: a named error, nothing half-written, and the ledger goes on when there is room."""

import resource
import sqlite3
from pathlib import Path

import pytest

from heronry.privacy.ledger import Ledger, Reservation, verify
from heronry.types.errors import ResourceExhaustedError, UnavailableError

ROW = Reservation(1, {"z": 1.0}, 1.0, 1.0, 4.0, 64, "gaussian/1", tuple(f"client-{index}" for index in range(64)))


def reserve_until_refused(ledger: Ledger, error: type[Exception]) -> int:
    for num_reserved in range(5000):
        try:
            ledger.reserve("walk", ROW, 0.0)
        except error:
            return num_reserved
    pytest.fail("the disk never filled up")


def assert_unhurt(ledger: Ledger, path: Path, num_reserved: int) -> None:
    head = ledger.head
    assert ledger.run("walk").num_releases == num_reserved
    assert ledger.participation("walk", "client-7").count == num_reserved
    report = verify(path, head)
    assert report.is_sound
    assert report.head == head


def test_a_full_database_refuses_and_goes_on_once_there_is_room(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger:
        ledger._connection.execute("PRAGMA max_page_count = 20")

        num_reserved = reserve_until_refused(ledger, ResourceExhaustedError)

        assert_unhurt(ledger, path, num_reserved)
        ledger._connection.execute("PRAGMA max_page_count = 100000")
        ledger.commit(ledger.reserve("walk", ROW, 0.0), 0.0)
        assert_unhurt(ledger, path, num_reserved + 1)


def test_a_log_that_cannot_grow_refuses_and_goes_on_once_it_can(path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Ledger.open(path, owner="params") as ledger:
        ledger.reserve("walk", ROW, 0.0)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, limits[1]))
            num_reserved = 1 + reserve_until_refused(ledger, (ResourceExhaustedError, UnavailableError))
            assert_unhurt(ledger, path, num_reserved)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

        ledger.reserve("walk", ROW, 0.0)
        assert_unhurt(ledger, path, num_reserved + 1)
    with Ledger.open(path, owner="params") as ledger:
        assert ledger.run("walk").num_releases == num_reserved + 1


def test_a_write_that_fails_in_the_middle_leaves_nothing_of_it(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger:
        for table in ("cohort", "total"):
            trigger = f"CREATE TEMP TRIGGER fails BEFORE INSERT ON main.{table} BEGIN SELECT RAISE(FAIL, 'no'); END"
            ledger._connection.execute(trigger)
            with pytest.raises(Exception, match="no"):
                ledger.reserve("walk", ROW, 0.0)
            ledger._connection.execute("DROP TRIGGER temp.fails")
            assert_unhurt(ledger, path, 0)

        ledger.reserve("walk", ROW, 0.0)
        assert_unhurt(ledger, path, 1)


def test_a_locked_database_is_an_error_that_passes(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger:
        ledger._connection.execute("PRAGMA busy_timeout = 1")
        intruder = sqlite3.connect(path, isolation_level=None)
        intruder.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="locked"):
            ledger.reserve("walk", ROW, 0.0)
        intruder.execute("ROLLBACK")
        intruder.close()

        ledger.reserve("walk", ROW, 0.0)
        assert_unhurt(ledger, path, 1)


def test_no_room_to_make_the_ledger_leaves_none_behind(path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        with pytest.raises((ResourceExhaustedError, UnavailableError)):
            Ledger.open(path, owner="params")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not path.exists()

    with Ledger.open(path, owner="params") as ledger:
        assert ledger.head.sequence == 1


def test_every_transaction_is_forced_to_the_disk(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger:
        (journal,) = ledger._connection.execute("PRAGMA journal_mode").fetchone()
        (synchronous,) = ledger._connection.execute("PRAGMA synchronous").fetchone()

    assert (journal, synchronous) == ("wal", 2)
