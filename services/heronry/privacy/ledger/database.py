"""The SQLite file: how it is made, opened, and what its errors are called here."""

import os
import sqlite3
from pathlib import Path

from heronry.types.errors import (
    DataLossError,
    HeronryError,
    LedgerTamperedError,
    NotFoundError,
    ResourceExhaustedError,
    UnavailableError,
)

_APPLICATION_ID = 0x48524C47
_FORMAT = 1
_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_FORMAT};
CREATE TABLE entry (
  sequence INTEGER PRIMARY KEY, body BLOB NOT NULL, cohort_digest BLOB NOT NULL, digest BLOB NOT NULL) STRICT;
CREATE TABLE cohort (sequence INTEGER PRIMARY KEY, participants BLOB NOT NULL) STRICT;
CREATE TABLE total (
  kind TEXT NOT NULL, run TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (kind, run, key)) STRICT, WITHOUT ROWID;
"""

# Write-ahead log with one fsync a transaction, against three to four for a rollback journal: 4.0 against 16 ms
# where a bare fsync takes 3.8 ms. Readers (verify, export) do not hold up a reservation either; with a rollback
# journal the commit would wait for them. FULL, not NORMAL: NORMAL leaves the log unsynced until a checkpoint.
# Checkpoints are taken after a commit, when nobody waits; the automatic one is there for runs that never commit.
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA wal_autocheckpoint = 10000",
)
# A damaged file must give an error, never run code from its schema or read beyond a cell.
_GUARDS = ("PRAGMA cell_size_check = ON", "PRAGMA trusted_schema = OFF")


def create(path: Path) -> None:
    """Make an empty ledger: under another name first, so that a file of the right name is always a whole one."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    connection = sqlite3.connect(partial, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = EXTRA")
        connection.executescript(f"BEGIN;{_SCHEMA}COMMIT;")
    finally:
        connection.close()
    partial.replace(path)
    _sync_folder(path.parent)


def connect(path: Path) -> sqlite3.Connection:
    """Open for writing; every transaction is on the disk when its COMMIT returns."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        for pragma in (*_GUARDS, *_PRAGMAS):
            connection.execute(pragma)
        _check_format(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open for reading, beside a server that holds the ledger; what is read is one moment's state."""
    if not path.exists():
        raise NotFoundError.of("ledger", str(path), "no such file")
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        for guard in _GUARDS:
            connection.execute(guard)
        _check_format(connection, path)
        connection.execute("BEGIN")
    except BaseException:
        connection.close()
        raise
    return connection


def named(error: sqlite3.Error | UnicodeDecodeError, path: Path) -> HeronryError:
    """Return the error of ours for one of `ERRORS`."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    message, details = f"ledger {path}: {error}", {"path": str(path)}
    if code == sqlite3.SQLITE_FULL:
        return ResourceExhaustedError(f"{message}; nothing was written, make room and try again", details=details)
    if code in _PASSING:
        return UnavailableError(f"{message}; nothing was written, try again", details=details)
    return LedgerTamperedError(f"{message}; the file is damaged: {WAY_OUT}", details=details)


# A damaged schema comes back in SQLite's message, which Python then cannot decode.
ERRORS = (sqlite3.Error, UnicodeDecodeError)
WAY_OUT = "put an undamaged copy in its place that is not older, or begin a new model from its initial values"
_PASSING = (
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
)


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    details = {"path": str(path)}
    if application != _APPLICATION_ID:
        raise LedgerTamperedError(f"ledger {path}: this file is no privacy ledger: {WAY_OUT}", details=details)
    if version != _FORMAT:
        raise DataLossError(f"ledger {path}: written in format {version}, known: {_FORMAT}", details=details)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
