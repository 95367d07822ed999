"""Rows of columns: which rows a window of steps covers, and copying them out.

Row r lies in page `r // page_rows`. A page holds steps of `lanes[page]` lanes side by side, time-major: step s of
lane n is row `page * page_rows + s * lanes + n`. `next_page[page]` continues its lanes, -1 where none does.
"""

from collections.abc import Sequence

import numpy as np

from heronry.native.arrays import Array, Indices
from heronry.native.backend import LOOPS, Loops


def take_rows(source: Array, rows: Indices, out: Array, *, loops: Loops = LOOPS) -> None:
    """Copy rows of one column; see `gather_columns`."""
    loops.gather_columns((source,), rows, (out,))


def gather_columns(sources: Sequence[Array], rows: Indices, outs: Sequence[Array], *, loops: Loops = LOOPS) -> None:
    """Copy the same rows of several columns, `out[i] = source[rows[i]]`; a negative row gives zeros.

    Args:
      sources: columns `[rows, *shape]`, contiguous.
      rows: `[B]` or `[T, B]`, contiguous.
      outs: for each source an array `[B, *shape]` or `[T, B, *shape]` of the same element size. The axes of `rows` may
        have any stride, so that a slice `out[:, at : at + k]` of a batch will do; `*shape` must be contiguous.
      loops: the twin to use; the one chosen at import by default.

    Raises:
      IndexError: a row is past a source's end; outputs are then undefined.
      ValueError: an output's shape does not fit.
    """
    loops.gather_columns(sources, rows, outs)


def window_rows(
    rows: Indices, steps: Indices, next_page: Indices, lanes: Indices, page_rows: int, *, loops: Loops = LOOPS
) -> Indices:
    """Return the row of each step of each window, following the page chain.

    Args:
      rows: [B], the row of each window's step 0.
      steps: [T], the same for all windows, or [T, B]; counted from step 0, a negative one is no step.
      next_page: by page.
      lanes: by page, the same in a chain.
      page_rows: rows of a page.
      loops: the twin to use; the one chosen at import by default.

    Returns:
      [T, B]; -1 for a negative step and past the end of a chain.
    """
    out = np.empty((len(steps), len(rows)), np.int64)
    loops.window_rows(rows, steps, next_page, lanes, page_rows, out)
    return out
