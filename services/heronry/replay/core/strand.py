"""Lanes that are written side by side."""

from collections import deque
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from heronry.replay.core.patterns import Windows
from heronry.replay.core.step_pool import StepPool
from heronry.types.patterns import Pattern
from heronry.types.tensors import Array

Rows = npt.NDArray[np.int64]


class Strand:
    """N lanes of one writer that advance together, N at most a page's rows.

    A page holds `S = page_rows // N` steps of all lanes, time-major: step s of lane n is row
    `page * page_rows + (s % S) * N + n`. The step index rises for ever; a cut moves it to the next page.
    The strand keeps a reference on the pages from which windows to come begin.
    """

    def __init__(self, pool: StepPool, num_lanes: int, pattern: Pattern) -> None:
        self._pool = pool
        self._num_lanes = num_lanes
        self._page_steps = pool.page_rows // num_lanes
        self._windows = Windows(pattern)
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

    def append(self, columns: Mapping[str, Array], num_steps: int) -> Rows:
        """Store `[T, N, ...]` columns and return the first rows of the items they complete.

        The items come in the order of their first step, then lane. The pool must have the pages.
        """
        done = 0
        while done < num_steps:
            done += self._write_piece(columns, done, num_steps)
        return self._rows(self._windows.complete(self._next_step))

    def release_passed(self) -> None:
        """Drop the references on pages from which no window to come begins."""
        keep_from = min(self._windows.next_start, self._next_step) // self._page_steps
        count = min(keep_from - self._first_page, len(self._pages))
        if count > 0:
            passed = [self._pages.popleft() for _ in range(count)]
            self._first_page += count
            self._pool.release(np.array(passed, np.int64))

    def cut(self) -> None:
        """End the lanes here: unfinished windows are dropped, the next step begins a page of its own."""
        self._pool.release(np.array(self._pages, np.int64))
        self._first_page += len(self._pages)
        self._pages.clear()
        self._next_step = self._first_page * self._page_steps
        self._windows.cut(self._next_step)

    def _write_piece(self, columns: Mapping[str, Array], done: int, num_steps: int) -> int:
        index, offset = divmod(self._next_step, self._page_steps)
        page = self._page(index)
        count = min(num_steps - done, self._page_steps - offset)
        first = page * self._pool.page_rows + offset * self._num_lanes
        last = first + count * self._num_lanes
        for path, stored in self._pool.columns.items():
            piece = columns[path][done : done + count]
            stored[first:last] = piece.reshape(last - first, *piece.shape[2:])
        self._next_step += count
        return count

    def _page(self, index: int) -> int:
        if index - self._first_page == len(self._pages):
            previous = self._pages[-1] if self._pages else None
            self._pages.append(self._pool.allocate(self._num_lanes, previous))
        return self._pages[index - self._first_page]

    def _rows(self, starts: Rows) -> Rows:
        pages = np.array(self._pages, np.int64)[starts // self._page_steps - self._first_page]
        firsts = pages * self._pool.page_rows + starts % self._page_steps * self._num_lanes
        return np.asarray((firsts[:, None] + np.arange(self._num_lanes)).reshape(-1))
