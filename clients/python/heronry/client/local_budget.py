"""What a sender of noised updates has spent, kept in a file where one is named."""

import contextlib
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from heronry.types.errors import BudgetExhaustedError, DataLossError, InvalidArgumentError, UnavailableError

_FORMAT: Final = 1


@dataclass(frozen=True)
class _Account:
    """So many charges; Gaussians compose by adding up the inverse squares of their noise multipliers."""

    num_charges: int = 0
    inverse_squares: float = 0.0

    def after(self, noise_multiplier: float) -> "_Account":
        # Rounded up: what is spent must not be told too low.
        total = math.nextafter(self.inverse_squares + noise_multiplier**-2, math.inf)
        return _Account(self.num_charges + 1, total)

    def epsilon(self, delta: float) -> float:
        from heronry.privacy.accounting.closed_form import gaussian_epsilon  # only those who ask pay for the import

        return gaussian_epsilon(1 / math.sqrt(self.inverse_squares), 1, delta) if self.inverse_squares else 0.0


class LocalBudget:
    """A limit on epsilon at a delta; a charge is on the disk before it counts as made.

    All processes that name the same file share one budget: each charge reads the file under a lock. A file that went
    missing, or tells less than this object has charged, is refused.
    """

    def __init__(self, limit: float, delta: float, path: Path | None) -> None:
        self.limit = limit
        self._delta = delta
        self._path = None if path is None else Path(path)
        self._account = _Account()
        if self._path is not None:
            with _locked(self._path):
                self._account = _read(self._path) or _Account()

    @property
    def spent(self) -> float:
        """Epsilon of all charges that are known of."""
        return self._account.epsilon(self._delta)

    @property
    def num_charges(self) -> int:
        """Charges that are known of."""
        return self._account.num_charges

    def charge(self, noise_multiplier: float) -> None:
        """Count one Gaussian release.

        Raises:
          BudgetExhaustedError: it would pass the limit; nothing is counted.
          DataLossError, UnavailableError: the file cannot be trusted, read or written.
        """
        if self._path is None:
            self._account = self._admitted(self._account, noise_multiplier)
            return
        with _locked(self._path):
            known = _read(self._path)
            self._check_not_older(known)
            account = self._admitted(known or _Account(), noise_multiplier)
            _write(self._path, account)
            self._account = account

    def _admitted(self, account: _Account, noise_multiplier: float) -> _Account:
        would_be = account.after(noise_multiplier)
        epsilon = would_be.epsilon(self._delta)
        if epsilon > self.limit:
            spent = account.epsilon(self._delta)
            raise BudgetExhaustedError.of("local privacy", spent, epsilon, self.limit, self._delta)
        return would_be

    def _check_not_older(self, known: _Account | None) -> None:
        found = 0 if known is None else known.num_charges
        if found < self._account.num_charges:
            message = f"{self._path}: got {found} charges, allowed: at least {self._account.num_charges}, as were made"
            raise DataLossError(f"{message}; an older file would give spent budget back", details=_details(self._path))


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    import fcntl  # not everywhere: only those who name a file need it

    try:
        lock: IO[bytes] = path.with_name(f"{path.name}.lock").open("ab")
    except OSError as error:
        raise InvalidArgumentError.of(
            "path", str(path), f"a file in a folder that can be written to ({error})"
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> _Account | None:
    try:
        document = json.loads(path.read_text(encoding="ascii"))
        count, total = int(document["num_charges"]), float(document["inverse_squares"])
        is_sound = document["format"] == _FORMAT and count >= 0 and math.isfinite(total) and (total > 0) == (count > 0)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnavailableError(f"{path}: {error}", details=_details(path)) from error
    except (ValueError, KeyError, TypeError):
        is_sound = False
    if not is_sound:
        message = f"{path}: it is not what local privacy has written; put it back, or give the budget up for spent"
        raise DataLossError(message, details=_details(path))
    return _Account(count, total)


def _write(path: Path, account: _Account) -> None:
    """Replace the file, on the disk when this returns."""
    document = {"format": _FORMAT, "num_charges": account.num_charges, "inverse_squares": account.inverse_squares}
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="ascii") as out:
            json.dump(document, out)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise UnavailableError(f"{path}: {error}; nothing was sent", details=_details(path)) from error


def _details(path: Path | None) -> dict[str, str]:
    return {"path": str(path)}
