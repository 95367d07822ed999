"""Contributions to open rounds, taken out of old journals so that those can go.

A round may stay open for as long as its workers please, while other models fill the journals. A carried file holds
the records that its checkpoint's open rounds began with, each with the place that it had in its journal.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from heronry.params.core.durability.documents import as_int, as_list
from heronry.params.core.durability.files import sync_folder
from heronry.params.core.durability.journal import Journal, Record, read_journal
from heronry.params.core.durability.records import CONTRIBUTED, model_in
from heronry.params.core.durability.shard_records import STAGED
from heronry.params.core.rounds import Place
from heronry.types.errors import HeronryError
from heronry.types.experience import AcknowledgementLevel

_PLACE: Final = "place"
# Records are written out beyond this, or once they lie among twice their own bytes: what is copied thereby stays
# in proportion to what was written since.
LEAST_PINNED_BYTES: Final = 64 << 20


@dataclass(frozen=True)
class Needs:
    """What a checkpoint needs beside itself.

    Attributes:
      first_journal: sequence of the first journal.
      carried: sequence of the carried file that goes before it; None: none does.
    """

    first_journal: int
    carried: int | None = None


def write_carried(path: Path, records: Iterable[tuple[Place, Record]], began: Mapping[str, Place], end: Place) -> None:
    """Write the records of open rounds, whole and durable or not at all.

    Args:
      path: the file; one that is there is replaced.
      records: of all journals that the rounds need, in order.
      began: where each model's open round begins.
      end: records from here on stay where they are.

    Raises:
      OSError, ResourceExhaustedError: the disk is full; nothing stays behind.
    """
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    journal = Journal(partial)
    try:
        for place, record in records:
            if place < end and _is_open(place, record, began):
                marked = replace(record, fields={**record.fields, _PLACE: [place.sequence, place.index]})
                journal.append(marked, AcknowledgementLevel.PROCESS)
        journal.sync()
        journal.close()
        partial.rename(path)
        sync_folder(path.parent)
    except BaseException:
        journal.drop()
        raise


def read_carried(path: Path, damage: list[HeronryError]) -> Iterator[tuple[Place, Record]]:
    """Yield the records of a carried file, each with the place that it had; see `read_journal`."""
    for record in read_journal(path, damage):
        fields = dict(record.fields)
        sequence, index = (as_int(part) for part in as_list(fields.pop(_PLACE)))
        yield Place(sequence, index), replace(record, fields=fields)


def _is_open(place: Place, record: Record, began: Mapping[str, Place]) -> bool:
    if record.kind not in {CONTRIBUTED, STAGED}:
        return False
    first = began.get(model_in(record))
    return first is not None and place >= first
