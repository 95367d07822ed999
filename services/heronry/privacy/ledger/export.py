"""Writes a ledger as JSON lines, beside the server that holds it."""

import json
from pathlib import Path
from typing import IO

from heronry.privacy.ledger import database
from heronry.privacy.ledger.chain import walk
from heronry.privacy.ledger.rows import canonical, cohort_digest


def export(path: Path, out: IO[str]) -> int:
    """Write one line a row, oldest first, as `{"cohort_digest", "digest", "participants", "row"}`; return their count.

    A reader repeats the chain with SHA-256 over the canonical JSON of `row` (see `rows`). Streamed; every row is
    checked before it is written, and what was written before a fault is sound.

    Raises:
      NotFoundError: there is no file.
      LedgerTamperedError: at the first row that does not follow.
    """
    num_rows = 0
    try:
        connection = database.connect_reader(path)
        try:
            for _, digest, body, participants in walk(connection, path):
                line = {
                    "cohort_digest": cohort_digest(participants).hex(),
                    "digest": digest.hex(),
                    "participants": [] if participants is None else json.loads(participants),
                    "row": json.loads(body),
                }
                out.write(canonical(line).decode("ascii") + "\n")
                num_rows += 1
        finally:
            connection.close()
    except database.ERRORS as error:
        raise database.named(error, path) from error
    return num_rows
