"""Runs: steps with the items that lie in them, each step once a run, for taking items out and in again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from heronry.native import window_rows
from heronry.replay.core.gather import RowGroup, outputs_of
from heronry.replay.core.page_table import NO_PAGE
from heronry.replay.core.step_columns import HISTORY
from heronry.replay.core.step_pool import StepPool
from heronry.replay.core.windows import Pages, StoredRun, Windows
from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.patterns import Pattern

_GROUP_ITEMS = 8192


@dataclass
class _Stretch:
    """Windows of one lane that overlap or follow each other: steps `first` to `last`, from a row on."""

    lane: int
    row: int
    first: int
    last: int
    indices: list[int] = field(default_factory=list)


class _Places(NamedTuple):
    """Where windows begin.

    Attributes:
      lanes: unique in the table.
      steps: index of the first held step in the lane.
      follows: whether the chain of pages leads from the step before to this one.
    """

    lanes: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int64]
    follows: npt.NDArray[np.bool_]


class RunReader:
    """Reads items as runs. Items that lie far from each other in time come in runs of their own."""

    def __init__(self, pool: StepPool, pattern: Pattern, specs: Sequence[ColumnSpec]) -> None:
        self._pool = pool
        self._num_steps = pattern.num_steps
        self._has_history = pattern.max_stack > 1
        self._specs = specs
        outputs = outputs_of(Pattern(), specs)
        self._rows = RowGroup(pool, outputs[0].selection, outputs)

    def read(self, windows: Windows, max_steps: int) -> Iterator[StoredRun]:
        """Yield runs of at most `max_steps` steps, or of one item's, in the order of their oldest item."""
        for begin in range(0, len(windows), _GROUP_ITEMS):
            part = windows[begin : begin + _GROUP_ITEMS]
            leads = np.zeros(len(part), np.int64) if part.leads is None else part.leads.astype(np.int64)
            lengths = np.full(len(part), self._num_steps) if part.lengths is None else part.lengths.astype(np.int64)
            places = self._places(part)
            steps = places.steps
            for stretch in _stretches(part.rows, places, leads + lengths, max_steps):
                at = np.array(sorted(stretch.indices))
                starts = (steps[at] + leads[at] - stretch.first).astype(np.uint32)
                yield self._run(stretch, starts, lengths[at].astype(np.uint32), begin + at)

    def _places(self, windows: Windows) -> _Places:
        """Return where the first held steps of windows lie."""
        table, page_rows = self._pool.table, self._pool.page_rows
        pages, local = np.divmod(windows.rows, page_rows)
        step, lane = np.divmod(local, table.lanes[pages])
        steps = table.first_steps[pages].astype(np.int64) + step
        follows = (step > 0) | np.isin(pages, self._continued_pages())
        return _Places(table.strands[pages].astype(np.int64) * page_rows + lane, steps, follows)

    def _continued_pages(self) -> Pages:
        """Return the pages that the chain of their lanes leads to.

        A strand that needs no step of a full page lets it go before the next one begins, which then stands alone.
        """
        table, pages = self._pool.table, self._pool.used_pages()
        pages = pages[table.next_page[pages] != NO_PAGE]
        following = table.next_page[pages]
        # A page that was used again may still be named by the one that it continued before.
        steps = (self._pool.page_rows // table.lanes[pages]).astype(np.uint64)
        is_next = table.first_steps[pages] + steps == table.first_steps[following]
        return np.asarray(following[is_next & (table.strands[pages] == table.strands[following])])

    def _run(
        self,
        stretch: _Stretch,
        starts: npt.NDArray[np.uint32],
        lengths: npt.NDArray[np.uint32],
        indices: npt.NDArray[np.int64],
    ) -> StoredRun:
        table = self._pool.table
        steps = np.arange(stretch.last - stretch.first)
        row = np.array([stretch.row], np.int64)
        rows = window_rows(row, steps, table.next_page, table.lanes, self._pool.page_rows)
        columns = {s.path: np.empty((1, len(steps), *s.shape), s.element_type.dtype) for s in self._specs}
        self._rows.copy(rows.reshape(1, -1), columns, 0)
        history = self._pool.store.row_bytes[HISTORY.path][rows[:, 0], 0] if self._has_history else None
        columns = {path: column[0] for path, column in columns.items()}
        return StoredRun(stretch.lane, stretch.first, columns, starts, lengths, indices, history)


def check_run(run: StoredRun, pattern: Pattern, specs: Sequence[ColumnSpec]) -> None:
    """Check a run that comes from elsewhere.

    Raises:
      SchemaMismatchError, InvalidArgumentError: names the first column or item that does not fit.
    """
    for spec in specs:
        column = run.columns.get(spec.path)
        expected = (run.num_steps, *spec.shape)
        if column is None or column.shape != expected or column.dtype != spec.element_type.dtype:
            got = "nothing" if column is None else f"{column.dtype}{list(column.shape)}"
            raise SchemaMismatchError.of(f"run.columns.{spec.path}", got, f"{spec.element_type.dtype}{list(expected)}")
    if run.history is not None and len(run.history) != run.num_steps:
        raise SchemaMismatchError.of("run.history", f"{len(run.history)} bytes", f"{run.num_steps}, or none")
    longest = pattern.num_steps
    check_items("lengths", run.lengths, 1 if pattern.has_lengths else longest, longest)
    check_items("starts", run.starts, 0, run.num_steps - 1)
    past = run.starts.astype(np.int64) + run.lengths > run.num_steps
    if past.any():
        at = int(np.flatnonzero(past)[0])
        allowed = f"at most {run.num_steps - int(run.lengths[at])}: the run has {run.num_steps} steps"
        raise InvalidArgumentError.of(f"items.starts[{at}]", int(run.starts[at]), allowed)


def check_items(name: str, values: npt.NDArray[np.integer], first: int, last: int) -> None:
    """Check a field of items.

    Raises:
      InvalidArgumentError: names the first item out of range, its value and the range.
    """
    wrong = (values < first) | (values > last)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise InvalidArgumentError.of(f"items.{name}[{at}]", int(values[at]), f"{first} to {last}")


def known_history(run: StoredRun) -> npt.NDArray[np.uint8]:
    """Return the run's history, no longer than the run itself reaches back."""
    if run.history is None:
        return np.zeros(run.num_steps, np.uint8)
    return np.minimum(run.history, np.minimum(np.arange(run.num_steps), 255)).astype(np.uint8)


def _stretches(
    rows: npt.NDArray[np.int64], places: _Places, spans: npt.NDArray[np.int64], max_steps: int
) -> list[_Stretch]:
    """Join windows that overlap or follow each other in a lane; the stretch of the oldest item comes first."""
    order = np.lexsort((places.steps, places.lanes)).tolist()
    ends, follows = (places.steps + spans).tolist(), places.follows.tolist()
    lane_of, first_of, row_of = places.lanes.tolist(), places.steps.tolist(), rows.tolist()
    stretches: list[_Stretch] = []
    for index in order:
        last = stretches[-1] if stretches else None
        lane, first, end = lane_of[index], first_of[index], ends[index]
        # A window that overlaps the stretch is held by it; one that begins where it ends need not be reached from it.
        is_joined = last is not None and last.lane == lane and first - follows[index] < last.last
        if last is None or not is_joined or end - last.first > max_steps:
            last = _Stretch(lane, row_of[index], first, end)
            stretches.append(last)
        last.last = max(last.last, end)
        last.indices.append(index)
    return sorted(stretches, key=lambda stretch: min(stretch.indices))
