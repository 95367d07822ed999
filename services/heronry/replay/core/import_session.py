"""Runs of steps with their items' facts, as an export wrote them, into a table."""

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heronry.replay.core.conditions import SAMPLEABLE
from heronry.replay.core.effects import BlockStored
from heronry.replay.core.priorities import checked_priorities
from heronry.replay.core.strand import Strand
from heronry.replay.core.table import Table
from heronry.replay.core.windows import StoredRun, Windows
from heronry.types.blocking import Changed
from heronry.types.errors import InvalidArgumentError
from heronry.types.version import ParameterVersion


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run's K items, in its order.

    Attributes:
      priorities: `[K]` float64, raw.
      times_sampled: `[K]` uint32.
      epochs, numbers: `[K]` uint64, the version that acted.
    """

    priorities: npt.NDArray[np.float64]
    times_sampled: npt.NDArray[np.uint32]
    epochs: npt.NDArray[np.uint64]
    numbers: npt.NDArray[np.uint64]

    def check(self, count: int) -> None:
        """Check that there is a row for each of `count` items.

        Raises:
          InvalidArgumentError: names the fact that has another number of them.
        """
        for name in ("priorities", "times_sampled", "epochs", "numbers"):
            if len(getattr(self, name)) != count:
                raise InvalidArgumentError.of(f"run.{name}", f"{len(getattr(self, name))} values", f"{count}, as items")


class ImportSession:
    """Inserts runs one after the other; the limiter counts their items and never holds them back."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._strand: Strand | None = None
        self.num_items = 0
        self.num_steps = 0

    def insert_run(self, run: StoredRun, facts: RunFacts) -> Changed[int]:
        """Store a run and insert its items; return how many.

        Raises:
          SchemaMismatchError, InvalidArgumentError: the run does not fit; nothing was stored.
          ResourceExhaustedError: the byte budget or the disk is used up; nothing was stored.
          FailedPreconditionError: the table does not know its columns.
        """
        facts.check(len(run.starts))
        self._table.changes.check_room()
        priorities = checked_priorities(facts.priorities, "run.priorities")
        table = self._table
        strand = self._strand = self._strand or table.store.open_strands(1)[0]
        # One step more: the store begins a run behind another one at a step of its own.
        table.insertion.make_room([strand], run.num_steps + 1)
        stored = table.store.append_run(strand, run)
        nothing = Windows.empty(table.definition.pattern)
        version = ParameterVersion(0, 0)
        table.changes.make(BlockStored(0, 0, version, stored.pieces, nothing))
        for part in _same_version(facts):
            version = ParameterVersion(int(facts.epochs[part.start]), int(facts.numbers[part.start]))
            table.insertion.insert_free(stored.windows[part], priorities[part], facts.times_sampled[part], version)
        self.num_items += len(run.starts)
        self.num_steps += run.num_steps
        return Changed(len(run.starts), SAMPLEABLE)

    def close(self) -> Changed[int]:
        """End the import and return how many items it inserted."""
        if self._strand is not None:
            self._strand.cut()
            self._strand = None
        self._table.commit()
        return Changed(self.num_items, SAMPLEABLE)


def _same_version(facts: RunFacts) -> list[slice]:
    """Return the stretches of items of one version."""
    count = len(facts.epochs)
    if count == 0:
        return []
    changes = (np.diff(facts.epochs) != 0) | (np.diff(facts.numbers) != 0)
    edges = [0, *(np.flatnonzero(changes) + 1).tolist(), count]
    return [slice(first, last) for first, last in itertools.pairwise(edges)]
