"""Lanes that are written side by side."""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from heronry.replay.core.episodes import EpisodeClock
from heronry.replay.core.page_table import NO_PAGE, PageOrigin
from heronry.replay.core.patterns import Ends, Steps, WindowCutter
from heronry.replay.core.step_columns import HISTORY
from heronry.replay.core.step_pool import StepPool
from heronry.replay.core.windows import Rows, Windows
from heronry.types.errors import InvalidArgumentError
from heronry.types.patterns import Pattern
from heronry.types.tensors import Array

Written = list[tuple[int, int, int]]
"""Page, the page before it or -1, rows filled before."""


class Completed(NamedTuple):
    """The windows that a block completes in a strand: last step in the block and lane in the strand of each."""

    windows: Windows
    lasts: Steps
    lanes: Steps
    written: Written


class Strand:
    """N lanes of one writer that advance together, N at most a page's rows.

    A page holds `S = page_rows // N` steps of all lanes, time-major: step s of lane n is row
    `page * page_rows + (s % S) * N + n`. A cut begins the lanes anew, as another strand, at step 0 of a
    page of its own. The strand keeps a reference on the pages from which windows to come begin.
    """

    def __init__(self, pool: StepPool, num_lanes: int, pattern: Pattern) -> None:
        self._pool = pool
        self._num_lanes = num_lanes
        self._pattern = pattern
        self._page_steps = pool.page_rows // num_lanes
        self._cutter = WindowCutter(pattern, num_lanes)
        self._reach = pattern.max_stack - 1
        self._clock = EpisodeClock(num_lanes) if self._reach else None
        self._number = -1
        self._next_step = 0
        self._pages: deque[int] = deque()
        self._first_page = 0

    @property
    def num_lanes(self) -> int:
        """N."""
        return self._num_lanes

    def pages_needed(self, num_steps: int) -> int:
        """Return how many pages an append of `num_steps` will take."""
        room = (self._first_page + len(self._pages)) * self._page_steps - self._next_step
        return max(0, -(-(num_steps - room) // self._page_steps))

    def append(
        self, columns: Mapping[str, Array], num_steps: int, cuts: Ends | None, episode_ends: Ends | None
    ) -> Completed:
        """Store `[T, N, ...]` columns and return the windows they complete.

        The pool must have the pages. `cuts` `[T, N]` says where windows may not go on, `episode_ends` where
        stacks may not reach back to; None: nowhere in the block.
        """
        if self._clock is not None:
            columns = {**columns, HISTORY.path: self._clock.advance(num_steps, episode_ends)}
        begin = self._next_step
        written = self.write(columns, num_steps)
        cut = self._cutter.complete(begin, self._next_step, cuts)
        lengths = cut.lasts - cut.starts + 1 if self._pattern.has_lengths else None
        return Completed(self.windows(cut.starts, cut.lanes, lengths), cut.lasts - begin, cut.lanes, written)

    def write(self, columns: Mapping[str, Array], num_steps: int) -> Written:
        """Store columns, the history included where the pattern stacks, without completing any window."""
        done = 0
        written: Written = []
        while done < num_steps:
            index, offset = divmod(self._next_step, self._page_steps)
            page, previous = self._page(index)
            count = min(num_steps - done, self._page_steps - offset)
            begin = self._pool.write(page, columns, done, done + count)
            written.append((page, previous, begin))
            self._next_step += count
            done += count
        return written

    def write_run(self, columns: Mapping[str, Array], num_steps: int) -> tuple[int, Written]:
        """Store a run of one lane behind the others and return the index of its first step.

        A step of zeros parts it from the next run: no two runs look like neighbours.
        """
        begin = self._next_step
        written = self.write(columns, num_steps)
        gap = {path: np.zeros((1, *column.shape[1:]), column.dtype) for path, column in columns.items()}
        return begin, written + self.write(gap, 1)

    def windows(self, starts: Steps, lanes: Steps, lengths: Steps | None) -> Windows:
        """Return windows that begin at steps of lanes, which must be held; `lengths` where the pattern has them."""
        rows = self._rows(starts, lanes)
        short = None if lengths is None else lengths.astype(np.uint16)
        if not self._reach:
            return Windows(rows, short)
        leads = np.minimum(self._pool.store.row_bytes[HISTORY.path][rows, 0], np.uint8(self._reach))
        return Windows(self._rows(starts - leads, lanes), short, leads)

    def slices(self, lane: int, starts: Steps, lanes: Steps, lengths: Steps, indices: Steps) -> Windows:
        """Return windows that a writer names, over steps that are kept.

        Args:
          lane: of the writer, the strand's first.
          starts: first steps, counted from the connection's first.
          lanes: of the strand.
          lengths: steps of each.
          indices: which of the writer's items each is, for messages.

        Raises:
          InvalidArgumentError: names the first item whose steps are not kept, or not there yet.
        """
        oldest = self._cutter.keep_from
        wrong = (starts < oldest) | (starts + lengths > self._next_step)
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            length, number = int(lengths[at]), lane + int(lanes[at])
            newest = self._next_step - length
            allowed = f"{oldest} to {newest}" if newest >= oldest else f"a slice of at most {self._next_step - oldest}"
            allowed += f", with a length of {length} in lane {number}: steps {oldest} to {self._next_step - 1} are kept"
            raise InvalidArgumentError.of(f"items.starts[{int(indices[at])}]", int(starts[at]), allowed)
        return self.windows(starts, lanes, lengths)

    def release_passed(self) -> None:
        """Drop the references on pages from which no window to come begins."""
        self._release_before(max(0, min(self._cutter.keep_from, self._next_step) - self._reach))

    def release_written(self) -> None:
        """Drop the references on all pages but the one that is being filled."""
        self._release_before(self._next_step)

    def cut(self) -> None:
        """End the lanes here: unfinished windows are dropped, the next step begins a page of its own."""
        self._pool.release(np.array(self._pages, np.int64))
        self._pages.clear()
        self._first_page = 0
        self._next_step = 0
        self._number = -1
        self._cutter.restart()
        if self._clock is not None:
            self._clock.restart()

    def _release_before(self, step: int) -> None:
        count = min(step // self._page_steps - self._first_page, len(self._pages))
        if count > 0:
            passed = [self._pages.popleft() for _ in range(count)]
            self._first_page += count
            self._pool.release(np.array(passed, np.int64))

    def _page(self, index: int) -> tuple[int, int]:
        """Return the page of that number in the strand and the page before it, or -1; a new one where it begins."""
        position = index - self._first_page
        if position < len(self._pages):
            return self._pages[position], NO_PAGE
        if self._number < 0:
            self._number = self._pool.new_strand()
        previous = self._pages[-1] if self._pages else None
        page = self._pool.allocate(PageOrigin(self._num_lanes, self._number, index * self._page_steps), previous)
        self._pages.append(page)
        return page, NO_PAGE if previous is None else previous

    def _rows(self, steps: Steps, lanes: Steps) -> Rows:
        if len(steps) == 0:
            return np.zeros(0, np.int64)
        index, within = np.divmod(steps, self._page_steps)
        pages = np.array(self._pages, np.int64)[index - self._first_page]
        return np.asarray(pages * self._pool.page_rows + within * self._num_lanes + lanes)
