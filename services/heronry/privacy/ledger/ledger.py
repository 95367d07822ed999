"""The privacy ledger of a server: reserve, release, commit."""

import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from heronry.privacy.ledger import database
from heronry.privacy.ledger.chain import check_chain, read_totals, rolled_back
from heronry.privacy.ledger.lock import OwnerLock
from heronry.privacy.ledger.rows import (
    Head,
    Reservation,
    canonical,
    check_names,
    cohort_bytes,
    cohort_digest,
    reservation_body,
    row_digest,
)
from heronry.privacy.ledger.totals import (
    Charge,
    Key,
    Participation,
    Reserved,
    RunTotals,
    Totals,
    Uncommitted,
    digest_of_sum,
)
from heronry.types.errors import FailedPreconditionError, FencedError, InvalidArgumentError, UnavailableError

_COMMITS_PER_CHECKPOINT = 32
_SALT_BYTES = 32


class Ledger:
    """Append-only list of private releases; a row is on the disk before `reserve` returns.

    Write-ahead: `reserve`, then noise and release, then `commit`. A reservation without a commit counts as spent,
    for its noise may have left: `uncommitted` names them after a crash. Rows are never changed: a commit, and
    every opening, is a row of its own.

    What `open` checks: that the digest of every row follows from the row before, from its body and from its
    participants, that none is missing or in another place, that `expected` is among them, and that the stored
    counters are those the newest row was signed with. So any changed byte is found, in O(rows) of hashing and
    without adding up the history. What only `verify` checks: that the counters follow from the rows
    (a fault of this code, not of the file), the structure of the SQLite file, and the order of times.
    What neither can find: newest rows taken away together with their counters, by somebody who knows the format.
    That is what `expected` is for; a checkpoint that is served holds the head it was made at.

    Fencing: a lock on a file beside it, and the chain itself. Each owner begins with a row, and appends only
    after its own newest row: an owner that another has followed, through a stolen lock or a file system without
    locks, is refused (`FencedError`) before anything is reserved. A copied file is another chain from its next
    row on, and its checkpoint tells. The file belongs on a local disk: SQLite's log needs shared memory. A backup of an
    open ledger is made through SQLite or by `export`: a plain copy lacks the log, and to open and close the file
    by other means within this process would drop SQLite's locks.

    Calls may come from several threads; they are put in order. Not usable in a forked child.
    Cost of a reservation: O(participants), one fsync, whatever the length of the history.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: OwnerLock, head: Head, totals: Totals) -> None:
        """Use `Ledger.open`."""
        self._path, self._connection, self._owner_lock = path, connection, lock
        self._head, self._totals = head, totals
        self._order = threading.RLock()
        self._files = {path: _identity(path)}
        self._process = os.getpid()
        self._num_commits = 0

    @classmethod
    def open(cls, path: Path, *, owner: str, expected: Head | None = None) -> Self:
        """Open the ledger as its only writer; make it if there is none and none is expected.

        Args:
          path: the file; its folder exists. Beside it lie `.lock`, and while it is open `-wal` and `-shm`.
          owner: name of the server, shown to whom it keeps out.
          expected: the head that a checkpoint knows.

        Raises:
          FailedPreconditionError: another server holds it.
          LedgerTamperedError: a row, its participants or a counter is not what was written.
          LedgerRolledBackError: it lacks `expected`.
          ResourceExhaustedError, UnavailableError: no room, or the disk fails.
        """
        lock = OwnerLock(path, owner)
        try:
            _make_if_new(path, expected)
            return cls._open_locked(path, lock, owner, expected)
        except database.ERRORS as error:
            lock.close()
            raise database.named(error, path) from error
        except OSError as error:
            lock.close()
            raise UnavailableError(f"ledger {path}: {error}", details={"path": str(path)}) from error
        except BaseException:
            lock.close()
            raise

    @classmethod
    def _open_locked(cls, path: Path, lock: OwnerLock, owner: str, expected: Head | None) -> Self:
        connection = database.connect(path)
        try:
            head, digest = check_chain(connection, path, expected)
            totals = read_totals(connection, path, digest)
            ledger = cls(path, connection, lock, head, totals)
            epoch = totals.epoch[0] + 1
            ledger._append({"kind": "open", "owner": owner}, totals.changes_of_opening(epoch, owner), epoch)
            log = path.with_name(f"{path.name}-wal")
            ledger._files[log] = _identity(log)
        except BaseException:
            connection.close()
            raise
        return ledger

    def reserve(self, run: str, reservation: Reservation, time_s: float) -> int:
        """Put a release on record before its noise is drawn; return its sequence number.

        Args:
          run: whose budget it is.
          reservation: what is released, and at what cost.
          time_s: for information only; order is by sequence, and a clock that jumps is no error.

        Raises:
          FencedError: another owner has followed, or the file was replaced.
          ResourceExhaustedError, UnavailableError: nothing was reserved; the ledger stays usable.
        """
        check_names("run", [run])
        with self._order:
            fields: dict[str, object] = {"kind": "reserve", "run": run, "time_s": time_s}
            fields |= reservation_body(reservation)
            # Digests are published: without it they would tell whether a guess at the participants is right.
            fields["salt"] = secrets.token_hex(_SALT_BYTES)
            sequence = self._head.sequence + 1
            participants = reservation.participants
            changes = self._totals.changes_of_reservation(run, sequence, fields, participants)
            self._append(fields, changes, self.epoch, cohort_bytes(participants))
            return sequence

    def commit(self, sequence: int, time_s: float) -> None:
        """Put on record that a reserved release has left.

        Raises:
          InvalidArgumentError: there is no such open reservation.
          FencedError, ResourceExhaustedError, UnavailableError: as `reserve`.
        """
        with self._order:
            run = self._totals.run_of_uncommitted(sequence)
            if run is None:
                known = [reservation.sequence for reservation in self._totals.uncommitted()][:8]
                raise InvalidArgumentError.of("sequence", sequence, f"an uncommitted reservation (have: {known})")
            fields = {"kind": "commit", "run": run, "reservation": sequence, "time_s": time_s}
            self._append(fields, self._totals.changes_of_commit(run, sequence), self.epoch)
            self._num_commits += 1
            if self._num_commits % _COMMITS_PER_CHECKPOINT == 0:
                self._fold_log()

    @property
    def head(self) -> Head:
        """The newest row: what a checkpoint keeps and gives to `open` as `expected`."""
        return self._head

    @property
    def epoch(self) -> int:
        """How many owners there were, this one included."""
        return self._totals.epoch[0]

    def contains(self, head: Head) -> bool:
        """Whether the chain has that row with that digest; O(log rows)."""
        query = "SELECT digest FROM entry WHERE sequence = ?"
        with self._order:
            row = self._connection.execute(query, (head.sequence,)).fetchone()
        return row is not None and row[0] == head.digest

    def runs(self) -> tuple[str, ...]:
        """Return the names of the runs that have releases."""
        with self._order:
            return self._totals.runs()

    def run(self, run: str) -> RunTotals:
        """Return a run's figures; zeros for an unknown one."""
        with self._order:
            return self._totals.run(run)

    def charges(self, run: str) -> tuple[Charge, ...]:
        """Return what a run has spent, equal events together; O(kinds of event)."""
        with self._order:
            return self._totals.charges(run)

    def participations(self, run: str) -> Mapping[str, Participation]:
        """Return each client's part in a run; O(clients)."""
        with self._order:
            return self._totals.participations(run)

    def participation(self, run: str, client_id: str) -> Participation:
        """Return one client's part in a run; O(1)."""
        with self._order:
            return self._totals.participation(run, client_id)

    def reserved_after(self, sequence: int) -> tuple[Reserved, ...]:
        """Return the reservations of all runs behind a row, oldest first; O(rows behind it)."""
        query = "SELECT body FROM entry WHERE sequence > ? ORDER BY sequence"
        with self._order:
            bodies = [json.loads(body) for (body,) in self._connection.execute(query, (sequence,))]
        return tuple(Reserved(b["sequence"], b["run"], b["epoch"]) for b in bodies if b["kind"] == "reserve")

    def epoch_at(self, sequence: int) -> int:
        """Return which owner wrote a row; 0 when there is none."""
        query = "SELECT body FROM entry WHERE sequence = ?"
        with self._order:
            row = self._connection.execute(query, (sequence,)).fetchone()
        return 0 if row is None else int(json.loads(row[0])["epoch"])

    def uncommitted(self) -> tuple[Uncommitted, ...]:
        """Return reservations without a commit, oldest first: after a crash, what may or may not have left."""
        with self._order:
            return self._totals.uncommitted()

    def close(self) -> None:
        """Let go of the file and the lock; open reservations stay open."""
        with self._order:
            # In a forked child, closing would fold the parent's log under its feet.
            if self._process == os.getpid():
                self._connection.close()
            self._owner_lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _append(
        self, fields: Mapping[str, object], changes: Mapping[Key, str | None], epoch: int, cohort: bytes | None = None
    ) -> None:
        """Write one row with what it changes in the totals, in one transaction; in memory only afterwards."""
        sum_after = self._totals.sum_after(changes)
        sequence = self._head.sequence + 1
        body = canonical({**fields, "epoch": epoch, "sequence": sequence, "totals": digest_of_sum(sum_after)})
        bound = cohort_digest(cohort)
        head = Head(sequence, row_digest(self._head.digest, bound, body))
        self._check_file()
        self._roll_back()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._check_head()
            self._connection.execute("INSERT INTO entry VALUES (?, ?, ?, ?)", (sequence, body, bound, head.digest))
            if cohort is not None:
                self._connection.execute("INSERT INTO cohort VALUES (?, ?)", (sequence, cohort))
            self._write_totals(changes)
            self._connection.execute("COMMIT")
        except database.ERRORS as error:
            raise database.named(error, self._path) from error
        finally:
            # After COMMIT there is no transaction; after any failure what was written is taken back.
            self._roll_back()
        self._totals.apply(changes, sum_after)
        self._head = head

    def _write_totals(self, changes: Mapping[Key, str | None]) -> None:
        kept = [(*key, value) for key, value in changes.items() if value is not None]
        gone = [key for key, value in changes.items() if value is None]
        self._connection.executemany("INSERT OR REPLACE INTO total VALUES (?, ?, ?, ?)", kept)
        self._connection.executemany("DELETE FROM total WHERE kind = ? AND run = ? AND key = ?", gone)

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:  # the next append tries again, and begins nothing before
            return

    def _check_file(self) -> None:
        if os.getpid() != self._process:
            raise self._fenced("it was opened by another process, and this is a fork of it")
        try:
            is_same = all(_identity(path) == identity for path, identity in self._files.items())
        except FileNotFoundError:
            is_same = False
        if not is_same:  # what is written now would be gone after a restart
            raise self._fenced("its file or its log was replaced while it was open")

    def _check_head(self) -> None:
        query = "SELECT sequence, digest, body FROM entry ORDER BY sequence DESC LIMIT 1"
        row = self._connection.execute(query).fetchone()
        if row is None and self._head.sequence == 0:
            return
        if row is None or (row[0], row[1]) != (self._head.sequence, self._head.digest):
            owner = None if row is None else json.loads(row[2]).get("owner")
            raise self._fenced(f"another owner ({owner or 'unknown'}) has written row {row[0] if row else 'none'}")

    def _fenced(self, reason: str) -> FencedError:
        details = {"path": str(self._path), "epoch": str(self.epoch), "head": str(self._head.sequence)}
        message = f"ledger {self._path}: {reason}; nothing was reserved. Stop this server or restart it"
        return FencedError(message, details=details)

    def _fold_log(self) -> None:
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error:  # what is in the log is safe there; the next one, or the next opening, folds it in
            return


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _make_if_new(path: Path, expected: Head | None) -> None:
    """Make the file, unless one is known to have been there: then its absence would be a new budget."""
    if path.exists():
        return
    if expected is not None and expected.sequence > 0:
        raise rolled_back(path, f"does not exist and has no {expected}", expected)
    if path.with_name(f"{path.name}-wal").exists():
        message = f"ledger {path}: its log is there and the file itself is gone; put it back"
        raise FailedPreconditionError(message, details={"path": str(path)})
    database.create(path)
