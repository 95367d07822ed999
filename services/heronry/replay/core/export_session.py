"""Reads a table's items as runs, with their facts; takes nothing out."""

from collections.abc import Iterator

import numpy as np

from heronry.replay.core.conditions import INSERTABLE
from heronry.replay.core.step_store import StepStore
from heronry.replay.core.table import Table
from heronry.replay.core.windows import StoredRun, Windows
from heronry.types.blocking import Changed
from heronry.types.experience import Run, RunItems


class ExportSession:
    """The items that are in when the export begins, oldest first. Their steps are held until `close`.

    Facts are those of the beginning, under 50 bytes an item: what becomes of one meanwhile does not show.
    """

    def __init__(self, table: Table, max_items: int, run_bytes: int) -> None:
        """Begin; a run has at most `run_bytes` bytes of steps, or is a single item's; `max_items` 0: all."""
        self._held: tuple[StepStore, Windows] | None = None
        self._runs: Iterator[StoredRun] = iter(())
        contents = table.contents
        if not contents.has_store:
            return
        items, store = contents.items, contents.store
        slots = items.by_age(items.used_slots())
        # Leased items are with their readers.
        is_in = items.find(items.keys(slots))[1]
        slots = slots[is_in][: max_items or None]
        versions = items.version_ids[slots]
        self._keys = items.keys(slots)
        self._priorities = items.priorities[slots].astype(np.float64)
        self._times_sampled = items.times_sampled[slots]
        self._epochs = items.versions.epochs[versions]
        self._numbers = items.versions.numbers[versions]
        windows = items.windows(slots)
        store.hold(windows)
        self._held = store, windows
        step_bytes = sum(s.num_bytes for s in table.specs)
        self._runs = store.runs(windows, max(1, run_bytes // max(1, step_bytes)))

    def next_run(self) -> Run | None:
        """Return the next run; None when all are read."""
        run = next(self._runs, None)
        if run is None:
            return None
        at = run.indices
        items = RunItems(
            starts=run.starts,
            lengths=run.lengths,
            keys=self._keys[at],
            priorities=self._priorities[at],
            times_sampled=self._times_sampled[at],
            behaviour_epochs=self._epochs[at],
            behaviour_numbers=self._numbers[at],
        )
        return Run(run.lane, run.first_step, run.columns, items, run.history)

    def close(self) -> Changed[None]:
        """Let go of the steps."""
        held, self._held = self._held, None
        if held is not None:
            store, windows = held
            store.release(windows)
        return Changed(None, INSERTABLE)
