"""The list of private releases: append-only, written ahead, hash-chained, in one SQLite file."""

from heronry.privacy.ledger.export import export
from heronry.privacy.ledger.ledger import Ledger
from heronry.privacy.ledger.rows import Head, Reservation
from heronry.privacy.ledger.totals import Charge, Participation, Reserved, RunTotals, Uncommitted
from heronry.privacy.ledger.verification import VerifyReport, verify

__all__ = [
    "Charge",
    "Head",
    "Ledger",
    "Participation",
    "Reservation",
    "Reserved",
    "RunTotals",
    "Uncommitted",
    "VerifyReport",
    "export",
    "verify",
]
