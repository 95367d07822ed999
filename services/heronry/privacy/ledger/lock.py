"""One owner a ledger: a lock on a file beside it."""

import contextlib
import fcntl
import json
import os
from pathlib import Path

from heronry.types.errors import FailedPreconditionError, UnavailableError


class OwnerLock:
    """Holds `<ledger>.lock` as long as it is open; the kernel lets go when the process dies.

    The file stays behind: removing it would let a third process lock a new file of that name while a second one
    holds the old. The lock binds processes of this machine (and threads of this process). Against what it cannot
    see there is the chain itself: see `Ledger`.
    """

    def __init__(self, ledger: Path, owner: str) -> None:
        """Take the lock.

        Raises:
          FailedPreconditionError: somebody else has it; the message says who.
        """
        self._path = ledger.with_name(f"{ledger.name}.lock")
        self._file = _open(self._path)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(self._file)
            os.close(self._file)
            details = {"path": str(ledger), "holder": holder}
            message = f"ledger {ledger}: it is held by {holder}; stop that server, or give this one its own folder"
            raise FailedPreconditionError(message, details=details) from error
        self._sign(owner)

    def _sign(self, owner: str) -> None:
        signed = json.dumps({"owner": owner, "process": os.getpid(), "host": os.uname().nodename})
        # On a full disk the holder stays unnamed; it holds the lock all the same.
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, signed.encode(), 0)

    def close(self) -> None:
        """Let go; a second time does nothing."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise UnavailableError(f"ledger lock {path}: {error}", details={"path": str(path)}) from error


def _holder(file: int) -> str:
    try:
        signed = json.loads(os.pread(file, 4096, 0))
        return f"{signed['owner']!r} (process {signed['process']} on {signed['host']})"
    except (ValueError, KeyError, TypeError):  # it has locked the file and not yet signed
        return "another server"
