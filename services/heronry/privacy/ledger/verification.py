"""Verifies a ledger to the last figure, beside the server that holds it."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from heronry.privacy.ledger import database
from heronry.privacy.ledger.chain import read_totals, rolled_back, tampered, walk
from heronry.privacy.ledger.rows import GENESIS, Head
from heronry.privacy.ledger.totals import Key, RunTotals, Totals, Uncommitted
from heronry.types.errors import DataLossError

_NUM_NAMED = 100
# Between two comparisons a client's many participations cost one hash: 17 s for 100,000 releases of 32, not 47.
_ROWS_PER_RECOUNT = 1000


@dataclass(frozen=True)
class VerifyReport:
    """What a ledger is found to be.

    Attributes:
      path: the file.
      head: the last sound row.
      num_owners: openings on record.
      runs: figures of each run, as added up from the rows.
      uncommitted: reservations without a commit; they count as spent.
      num_backward_clocks: rows whose time is earlier than that of the last row that has one; allowed, and worth a look.
      backward_clocks: the first hundred of them.
      fault: the first fault, in words; empty for a sound ledger.
    """

    path: Path
    head: Head
    num_owners: int
    runs: Mapping[str, RunTotals]
    uncommitted: tuple[Uncommitted, ...]
    num_backward_clocks: int
    backward_clocks: tuple[int, ...]
    fault: str = ""

    @property
    def is_sound(self) -> bool:
        return not self.fault


@dataclass
class _Recount:
    """The totals once more, from the rows alone."""

    path: Path
    head: Head = field(default_factory=lambda: Head(0, GENESIS))
    totals: Totals = field(default_factory=Totals)
    promised: str = field(default_factory=lambda: Totals().digest)
    last_time_s: float = float("-inf")
    num_backward: int = 0
    backward: list[int] = field(default_factory=list)

    def add(self, sequence: int, digest: bytes, body: bytes, participants: bytes | None) -> None:
        row = json.loads(body)
        self.totals.take(self._changes(sequence, row, participants))
        self.promised = row["totals"]
        if sequence % _ROWS_PER_RECOUNT == 0:
            self.compare(sequence)
        self._look_at_clock(sequence, row.get("time_s"))
        self.head = Head(sequence, digest)

    def compare(self, sequence: int) -> None:
        """Refuse a row whose totals are not what the rows up to it add up to."""
        if self.promised != self.totals.digest:
            raise tampered(self.path, sequence, "its totals do not follow from the rows")

    def _changes(self, sequence: int, row: Mapping[str, object], participants: bytes | None) -> dict[Key, str | None]:
        match row["kind"]:
            case "open":
                return self.totals.changes_of_opening(self.totals.epoch[0] + 1, str(row["owner"]))
            case "reserve":
                cohort = [] if participants is None else json.loads(participants)
                return self.totals.changes_of_reservation(str(row["run"]), sequence, row, cohort)
            case "commit":
                return self.totals.changes_of_commit(str(row["run"]), int(str(row["reservation"])))
            case kind:
                raise tampered(self.path, sequence, f"it is of an unknown kind {kind!r}")

    def _look_at_clock(self, sequence: int, time_s: float | None) -> None:
        if time_s is None:
            return
        if time_s < self.last_time_s:
            self.num_backward += 1
            self.backward += [sequence] if len(self.backward) < _NUM_NAMED else []
        self.last_time_s = time_s


def verify(path: Path, expected: Head | None = None) -> VerifyReport:
    """Check everything: the file's structure, the chain, the participants, and the counters.

    These are added up again from the rows, and compared at every 1,000th row and the newest.

    O(rows + participations) time, O(clients) memory. Reads one moment's state and holds nobody up; a server may
    hold the ledger meanwhile.

    Raises:
      NotFoundError: there is no file.
      UnavailableError: it cannot be read now, which says nothing of what is in it.
    """
    recount = _Recount(path)
    try:
        connection = database.connect_reader(path)
        try:
            _check_all(connection, recount, expected)
        finally:
            connection.close()
    except database.ERRORS as error:
        found = database.named(error, path)
        if not isinstance(found, DataLossError):
            raise found from error
        return _report(recount, found.message)
    except DataLossError as error:
        return _report(recount, error.message)
    except (ValueError, KeyError, TypeError) as error:
        return _report(recount, f"ledger {path}: a row after {recount.head} cannot be read ({error!r})")
    return _report(recount, "")


def _check_all(connection: sqlite3.Connection, recount: _Recount, expected: Head | None) -> None:
    path, is_found = recount.path, expected is None or expected == recount.head
    for sequence, digest, body, participants in walk(connection, path):
        recount.add(sequence, digest, body, participants)
        is_found = is_found or recount.head == expected
    recount.compare(recount.head.sequence)
    read_totals(connection, path, recount.totals.digest)
    if expected is not None and not is_found:
        raise rolled_back(path, f"ends at {recount.head} and has no {expected}", expected)
    (structure,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if structure != "ok":
        raise tampered(path, recount.head.sequence, f"the file's structure is damaged ({structure})")


def _report(recount: _Recount, fault: str) -> VerifyReport:
    totals = recount.totals
    return VerifyReport(
        path=recount.path,
        head=recount.head,
        num_owners=totals.epoch[0],
        runs={run: totals.run(run) for run in totals.runs()},
        uncommitted=totals.uncommitted(),
        num_backward_clocks=recount.num_backward,
        backward_clocks=tuple(recount.backward),
        fault=fault,
    )
