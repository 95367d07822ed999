"""The steps of a table and the views that items are of them."""

from collections.abc import Mapping, Sequence

import numpy as np

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.step_pool import StepPool
from heronry.replay.core.strand import Rows, Strand
from heronry.types.columns import ColumnSpec
from heronry.types.patterns import Pattern
from heronry.types.tensors import Array


class StepStore:
    """Steps in pages; an item is named by the row of its first step and holds the pages it lies in.

    A window that begins in row r goes on `lanes` rows further a step, and at a page's end in the page
    that continues it: no lane or writer needs to be looked up, also for writers that are gone.
    """

    def __init__(self, table: str, specs: Sequence[ColumnSpec], pattern: Pattern, budget: ByteBudget) -> None:
        self._specs = tuple(specs)
        self._pattern = pattern
        self._pool = StepPool(table, specs, budget)

    @property
    def specs(self) -> tuple[ColumnSpec, ...]:
        """Columns of a step, in their order."""
        return self._specs

    @property
    def num_bytes(self) -> int:
        """Bytes of the pages in use."""
        return self._pool.num_bytes

    def open_strands(self, num_lanes: int) -> list[Strand]:
        """Return strands for `num_lanes` lanes, in order, each of as many as a page has rows at most."""
        widest = self._pool.page_rows
        widths = [min(widest, num_lanes - start) for start in range(0, num_lanes, widest)]
        return [Strand(self._pool, width, self._pattern) for width in widths]

    def append(self, strands: Sequence[Strand], columns: Mapping[str, Array], num_steps: int) -> Rows:
        """Store `[T, N, ...]` columns of all lanes of a writer and return the items they complete, held.

        Raises:
          ResourceExhaustedError: the byte budget is used up; nothing was stored.
        """
        self._pool.ensure(sum(s.pages_needed(num_steps) for s in strands))
        rows: list[Rows] = []
        lane = 0
        for strand in strands:
            lanes = slice(lane, lane + strand.num_lanes)
            part = columns if len(strands) == 1 else {p: c[:, lanes] for p, c in columns.items()}
            rows.append(strand.append(part, num_steps))
            lane += strand.num_lanes
        completed = rows[0] if len(rows) == 1 else np.concatenate(rows)
        self.hold(completed)
        for strand in strands:
            strand.release_passed()
        return completed

    def hold(self, rows: Rows) -> None:
        """Keep the pages of items, once for each item."""
        self._pool.acquire(self._pages_of(rows))

    def release(self, rows: Rows) -> None:
        """Let go of the pages of items."""
        self._pool.release(self._pages_of(rows))

    def gather(self, rows: Rows, paths: Sequence[str]) -> dict[str, Array]:
        """Return contiguous columns `[T, B, ...]` of B items."""
        addresses = self._addresses(rows)
        return {path: self._pool.columns[path].take(addresses, axis=0) for path in paths}

    def close(self) -> None:
        """Give all bytes back."""
        self._pool.close()

    def _pages_of(self, rows: Rows) -> Rows:
        """Return the pages of all items, flat; a page comes once for each item in it."""
        pages, local = np.divmod(rows, self._pool.page_rows)
        lanes = self._pool.lanes[pages]
        hops = (local // lanes + self._pattern.num_steps - 1) // (self._pool.page_rows // lanes)
        found = [pages]
        for hop in range(1, int(hops.max(initial=0)) + 1):
            pages = self._pool.next_page[pages]
            found.append(pages[hops >= hop])
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _addresses(self, rows: Rows) -> Rows:
        """Return the row of every step of every item, `[T, B]`."""
        page_rows = self._pool.page_rows
        pages, local = np.divmod(rows, page_rows)
        lanes = self._pool.lanes[pages]
        page_steps = page_rows // lanes
        step, lane = np.divmod(local, lanes)
        steps = step + np.arange(self._pattern.num_steps)[:, None]
        if int((steps[-1] - page_steps).max(initial=-1)) < 0:
            return np.asarray(pages * page_rows + steps * lanes + lane)
        hops, steps = np.divmod(steps, page_steps)
        chain = [pages]
        for _ in range(int(hops.max())):
            chain.append(self._pool.next_page[chain[-1]])
        page = np.stack(chain)[hops, np.arange(len(rows))]
        return np.asarray(page * page_rows + steps * lanes + lane)
