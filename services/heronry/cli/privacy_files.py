"""Where ledgers lie, and files that are made of them."""

import itertools
import sys
from pathlib import Path
from typing import Final

from heronry.types.errors import ConfigurationError, NotFoundError

LEDGER: Final = "privacy.sqlite"
_BESIDE: Final = ("", "-wal", "-shm", ".lock")
# A data directory holds a folder a run, and that one a folder for the models.
_DEPTHS: Final = 4


def ledger_at(path: Path) -> Path:
    """Return the ledger that a path means: itself, or the only one in a data directory.

    Raises:
      NotFoundError: there is none.
      ConfigurationError: there are several.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise NotFoundError.of("ledger", str(path), "no such file or directory")
    patterns = [f"{'*/' * depth}{LEDGER}" for depth in range(_DEPTHS)]
    found = sorted(itertools.chain.from_iterable(path.glob(pattern) for pattern in patterns))
    if not found:
        have = f"no {LEDGER} in that directory; a parameter service makes one for its private models"
        raise NotFoundError.of("ledger", str(path), have)
    if len(found) > 1:
        raise ConfigurationError.of("PATH", str(path), f"one of {', '.join(map(str, found))}")
    return found[0]


def write_export(ledger: Path, out: Path) -> int:
    """Write a ledger's rows to a file, or to standard output for `-`; return how many.

    What was written before a fault stays: it is sound, and evidence.

    Raises:
      ConfigurationError: the file is the ledger itself, or cannot be written.
      LedgerTamperedError: at the first row that does not follow.
    """
    from heronry.privacy.ledger import export  # SQLite

    if str(out) == "-":
        return export(ledger, sys.stdout)
    if out.resolve() in {ledger.with_name(ledger.name + end).resolve() for end in _BESIDE}:
        raise ConfigurationError.of("OUT", str(out), "another file than the ledger and what belongs to it")
    try:
        with out.open("w", encoding="ascii", newline="\n") as lines:
            return export(ledger, lines)
    except OSError as error:
        raise ConfigurationError.of("OUT", str(out), f"a file that can be written ({error.strerror})") from error
