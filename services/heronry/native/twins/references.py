"""Counting references with `ufunc.at`."""

import numpy as np

from heronry.native.arrays import Counts, Indices
from heronry.native.twins.arguments import require


def add_references(references: Counts, pages: Indices, delta: int, zeros: Indices) -> int:
    """Add `delta` for each page; put those that fell to zero into `zeros` and return how many."""
    require(pages=(pages, np.int64))
    if len(pages) and not (pages.min() >= 0 and pages.max() < len(references)):
        raise IndexError(f"a page outside the {len(references)} there are")
    np.add.at(references, pages, references.dtype.type(delta))
    if delta >= 0:
        return 0
    backwards = pages[::-1]
    if (references[pages] < 0).any():
        raise ValueError("a page was given back more often than it was taken")
    fallen, last = np.unique(backwards, return_index=True)
    at_zero = references[fallen] == 0
    fallen, last = fallen[at_zero], last[at_zero]
    zeros[: len(fallen)] = fallen[np.argsort(-last)]
    return len(fallen)


def add_window_references(
    references: Counts,
    rows: Indices,
    spans: Indices,
    next_page: Indices,
    lanes: Indices,
    page_rows: int,
    delta: int,
    zeros: Indices,
) -> int:
    """Add `delta` for each page that each window touches."""
    return add_references(references, _pages(rows, spans, next_page, lanes, page_rows), delta, zeros)


def _pages(rows: Indices, spans: Indices, next_page: Indices, lanes: Indices, page_rows: int) -> Indices:
    """Return the pages of all windows, window by window."""
    pages, local = np.divmod(rows, page_rows)
    own_lanes = lanes[pages]
    hops = (local // own_lanes + spans - 1) // (page_rows // own_lanes)
    chain = [pages]
    for _ in range(int(hops.max(initial=0))):
        chain.append(np.where(chain[-1] < 0, -1, next_page[chain[-1]]))
    grid = np.stack(chain, axis=1)
    return np.asarray(grid[np.arange(len(chain)) <= hops[:, None]])
