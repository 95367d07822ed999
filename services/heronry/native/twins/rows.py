"""Gathering rows by fancy indexing, and walking page chains a hop at a time."""

from collections.abc import Sequence

import numpy as np

from heronry.native.arrays import Array, Indices
from heronry.native.twins.arguments import require


def gather_columns(sources: Sequence[Array], rows: Indices, outs: Sequence[Array]) -> None:
    """Copy the rows of every source into its output; a negative row gives zeros."""
    require(rows=(rows, np.int64))
    missing = rows < 0
    for source, out in zip(sources, outs, strict=True):
        if out.shape != (*rows.shape, *source.shape[1:]) or out.itemsize != source.itemsize:
            raise ValueError(f"out {out.dtype}{out.shape} for rows {rows.shape} of {source.dtype}{source.shape}")
        if missing.any():
            out[...] = 0
            out[~missing] = source[rows[~missing]]
        else:
            out[...] = source[rows]


def window_rows(
    rows: Indices, steps: Indices, next_page: Indices, lanes: Indices, page_rows: int, out: Indices
) -> None:
    """Fill `out` with the row of each step of each item."""
    require(rows=(rows, np.int64), steps=(steps, np.int64), next_page=(next_page, np.int64), lanes=(lanes, np.int64))
    if len(rows) and not (rows.min() >= 0 and rows.max() < len(next_page) * page_rows):
        raise IndexError(f"a row outside the {len(next_page)} pages")
    steps = steps[:, None] if steps.ndim == 1 else steps
    steps = np.broadcast_to(steps, out.shape)
    pages, local = np.divmod(rows, page_rows)
    own_lanes = lanes[pages]
    step, lane = np.divmod(local, own_lanes)
    hops, within = np.divmod(step + np.maximum(steps, 0), page_rows // own_lanes)
    chain = [pages]
    for _ in range(int(hops.max(initial=0))):
        chain.append(np.where(chain[-1] < 0, -1, next_page[chain[-1]]))
    page = np.stack(chain)[hops, np.arange(len(rows))]
    found = page * page_rows + within * own_lanes + lane
    out[...] = np.where((steps < 0) | (page < 0), -1, found)
