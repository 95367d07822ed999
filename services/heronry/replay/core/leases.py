"""What batches took out of a table until they are acknowledged."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from heronry.replay.core.effects import LeasesReturned, LeasesSettled
from heronry.replay.core.items import Keys
from heronry.replay.core.selector import Slots
from heronry.replay.core.table import Table


@dataclass(frozen=True, slots=True)
class Lease:
    """Items served together.

    Attributes:
      keys: of all of them, with repeats.
      retired: slots of those that this serving used up; they keep their steps.
      incarnation: of the table; a reset makes the lease void.
    """

    keys: Keys
    retired: Slots
    incarnation: int


def settle(table: Table, leases: Iterable[Lease]) -> None:
    """End leases: their batches are done."""
    retired = [lease.retired for lease in _valid(table, leases) if len(lease.retired)]
    if retired:
        table.changes.make(LeasesSettled(np.concatenate(retired)))


def give_back(table: Table, leases: Iterable[Lease]) -> None:
    """Undo what unacknowledged batches took: their items come next again."""
    valid = _valid(table, leases)
    if not valid:
        return
    items = table.contents.items
    retired = items.by_age(np.concatenate([lease.retired for lease in valid]))
    keys = np.concatenate([lease.keys for lease in valid])
    # Items that these leases used up, and those that another one did meanwhile.
    slots, found = items.find_held(keys)
    table.changes.make(LeasesReturned(retired, slots[found], len(keys)))


def _valid(table: Table, leases: Iterable[Lease]) -> list[Lease]:
    return [lease for lease in leases if lease.incarnation == table.contents.incarnation]
