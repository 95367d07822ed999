"""Reference counts of pages."""

import numpy as np

from heronry.native.arrays import Counts, Indices
from heronry.native.backend import LOOPS, Loops


def add_references(references: Counts, pages: Indices, delta: int, *, loops: Loops = LOOPS) -> Indices:
    """Add `delta` to the count of each page, several times to one named several times.

    Args:
      references: counts by page, int32 or int64, changed in place.
      pages: [k].
      delta: 1 or -1, mostly.
      loops: the twin to use; the one chosen at import by default.

    Returns:
      The pages that fell to zero, each once, in the order in which they fell.

    Raises:
      IndexError: no such page; nothing is changed then.
      ValueError: a count fell below zero.
    """
    zeros = np.empty(len(pages) if delta < 0 else 0, np.int64)
    return zeros[: loops.add_references(references, pages, delta, zeros)]


def add_window_references(
    references: Counts,
    rows: Indices,
    spans: Indices,
    next_page: Indices,
    lanes: Indices,
    page_rows: int,
    delta: int,
    *,
    loops: Loops = LOOPS,
) -> Indices:
    """Add `delta` to the count of each page that each window touches, once a window.

    Args:
      references: counts by page, int32 or int64, changed in place.
      rows: [k], the first row of each window.
      spans: [k], steps from the first to the last, both counted; >= 1.
      next_page: by page, as in `window_rows`.
      lanes: by page.
      page_rows: rows of a page.
      delta: 1 or -1, mostly.
      loops: the twin to use; the one chosen at import by default.

    Returns:
      The pages that fell to zero, each once, in the order in which they fell.

    Raises:
      IndexError: a window runs past the end of its chain; nothing is changed then.
      ValueError: a count fell below zero.
    """
    zeros = np.empty(len(references) if delta < 0 else 0, np.int64)
    count = loops.add_window_references(references, rows, spans, next_page, lanes, page_rows, delta, zeros)
    return zeros[:count]
