"""Walks the chain of a ledger, oldest row first, and refuses the first row that does not follow."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from heronry.privacy.ledger.database import WAY_OUT
from heronry.privacy.ledger.rows import GENESIS, Head, cohort_digest, row_digest
from heronry.privacy.ledger.totals import Totals
from heronry.types.errors import LedgerRolledBackError, LedgerTamperedError

ChainedRow = tuple[int, bytes, bytes, bytes | None]  # sequence, digest, body, participants

_ROWS = """
SELECT entry.sequence, body, cohort_digest, digest, participants
FROM entry LEFT JOIN cohort ON cohort.sequence = entry.sequence ORDER BY entry.sequence
"""


def walk(connection: sqlite3.Connection, path: Path) -> Iterator[ChainedRow]:
    """Yield every row, each checked against the one before and against its participants; O(1) memory.

    Raises:
      LedgerTamperedError: a row is missing, changed, out of its place, or its participants are; names the row.
    """
    expected, previous, num_cohorts = 0, GENESIS, 0
    for sequence, body, cohort, digest, participants in connection.execute(_ROWS):
        expected += 1
        if sequence != expected:
            raise tampered(path, expected, "it is missing")
        if not isinstance(body, bytes) or not isinstance(cohort, bytes) or isinstance(participants, (str, int, float)):
            raise tampered(path, sequence, "its bytes are of another type")
        if cohort_digest(participants) != cohort:
            raise tampered(path, sequence, "its participants are not those that were reserved")
        if row_digest(previous, cohort, body) != digest:
            raise tampered(path, sequence, "it does not follow from the row before")
        num_cohorts += participants is not None
        previous = digest
        yield sequence, digest, body, participants
    (stored,) = connection.execute("SELECT count(*) FROM cohort").fetchone()
    if stored != num_cohorts:
        raise tampered(path, expected, f"there are participants of {stored - num_cohorts} rows beyond it")


def check_chain(connection: sqlite3.Connection, path: Path, expected: Head | None) -> tuple[Head, str]:
    """Walk the whole chain; return its head and what the head's row says of the totals.

    Raises:
      LedgerTamperedError: a row does not follow.
      LedgerRolledBackError: `expected` is not in the chain.
    """
    sequence, digest, newest = 0, GENESIS, b""
    wanted = 0 if expected is None else expected.sequence
    at_wanted = GENESIS
    for sequence, digest, newest, _ in walk(connection, path):  # noqa: B007 - the last one is used below
        if sequence == wanted:
            at_wanted = digest
    head = Head(sequence, digest)
    if expected is not None and (wanted > sequence or at_wanted != expected.digest):
        raise rolled_back(path, f"ends at {head} and has no {expected}", expected)
    return head, json.loads(newest)["totals"] if newest else Totals().digest


def read_totals(connection: sqlite3.Connection, path: Path, digest: str) -> Totals:
    """Return the stored counters; refuse those that are not what the newest row says of them: `digest`."""
    try:
        totals = Totals.of(connection.execute("SELECT kind, run, key, value FROM total"))
    except TypeError:  # a value of another type than was written
        totals = None
    if totals is None or totals.digest != digest:
        message = f"ledger {path}: its counters are not those of its newest row: {WAY_OUT}"
        raise LedgerTamperedError(message, details={"path": str(path), "row": "totals"})
    return totals


def tampered(path: Path, sequence: int, reason: str) -> LedgerTamperedError:
    """Make the error that names the row and the way out."""
    details = {"path": str(path), "row": str(sequence), "reason": reason}
    return LedgerTamperedError(f"ledger {path}: row {sequence} is not sound, {reason}: {WAY_OUT}", details=details)


def rolled_back(path: Path, what: str, expected: Head) -> LedgerRolledBackError:
    """Make the error for a ledger that lacks what a checkpoint has seen of it."""
    details = {"path": str(path), "expected_sequence": str(expected.sequence), "expected_digest": expected.digest.hex()}
    message = (
        f"ledger {path}: it {what}, which a checkpoint has seen: an older or another ledger would give spent budget "
        f"back. Put the ledger with that row in its place, or begin a new model from its initial values"
    )
    return LedgerRolledBackError(message, details=details)
