"""Pages of step rows, column by column, in memory that is reserved once and touched as it is needed."""

import mmap
import sys
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from heronry.replay.core.byte_budget import ByteBudget
from heronry.types.columns import ColumnSpec
from heronry.types.errors import ResourceExhaustedError
from heronry.types.tensors import Array

Pages = npt.NDArray[np.int64]

_PAGE_BYTES = 64 << 10
_EXTENT_BYTES = 1 << 20
_MIN_ROWS, _MAX_ROWS = 64, 2048
_NO_PAGE = -1
_OS_PAGE = 4096
# Address space only, no promise of memory; the name is missing from Python's module before 3.13.
_MAP_NORESERVE = 0x4000 if sys.platform == "linux" else 0


class StepPool:
    """Rows of steps in pages of `page_rows`; row r lies in page `r // page_rows`.

    Every column is one array over all rows, so that a gather is one indexing a column. Pages have a
    reference count and return to the pool at 0. Address space for the whole byte budget is taken once;
    memory is charged to the budget, and touched, in extents of about 1 MiB when the pages in use no
    longer suffice, and stays with the pool until `close`.

    Attributes:
      columns: `[rows, *shape]` by path.
      next_page: page that continues a page's lanes, or -1.
      lanes: lanes written side by side in a page.
    """

    def __init__(self, table: str, specs: Sequence[ColumnSpec], budget: ByteBudget) -> None:
        self._table = table
        self._budget = budget
        self._row_bytes = max(1, sum(s.num_bytes for s in specs))
        self.page_rows = _page_rows(self._row_bytes)
        self.page_bytes = self._row_bytes * self.page_rows
        self._max_pages = budget.max_bytes // self.page_bytes
        self._check_fits()
        rows = self._max_pages * self.page_rows
        self.columns = {s.path: _reserved(rows, s) for s in specs}
        self.next_page = np.full(self._max_pages, _NO_PAGE, np.int64)
        self.lanes = np.ones(self._max_pages, np.int64)
        self._references = np.zeros(self._max_pages, np.int64)
        self._free: list[int] = []
        self._num_touched = 0

    @property
    def num_bytes(self) -> int:
        """Bytes of the pages in use."""
        return (self._num_touched - len(self._free)) * self.page_bytes

    def ensure(self, count: int) -> None:
        """Make sure that `count` pages are free.

        Raises:
          ResourceExhaustedError: the byte budget is used up.
        """
        while len(self._free) < count:
            self._touch_extent()

    def allocate(self, lanes: int, previous: int | None) -> int:
        """Return a free page, with one reference, continuing the page `previous`."""
        page = self._free.pop()
        self._references[page] = 1
        self.lanes[page] = lanes
        self.next_page[page] = _NO_PAGE
        if previous is not None:
            self.next_page[previous] = page
        return page

    def acquire(self, pages: Pages) -> None:
        """Add a reference to each page named, several to one named several times."""
        np.add.at(self._references, pages, 1)

    def release(self, pages: Pages) -> None:
        """Drop references; a page without any returns to the pool."""
        np.subtract.at(self._references, pages, 1)
        free = pages[self._references[pages] == 0]
        if len(free):
            self._free.extend(np.unique(free).tolist())

    def close(self) -> None:
        """Give the bytes back to the budget; the pool is of no use afterwards."""
        self._budget.release(self._num_touched * self.page_bytes)
        self._num_touched = 0
        self._free.clear()
        self.columns = {}

    def _touch_extent(self) -> None:
        wanted = max(1, _EXTENT_BYTES // self.page_bytes)
        left = (self._budget.max_bytes - self._budget.used) // self.page_bytes
        count = max(1, min(wanted, self._max_pages - self._num_touched, left))
        self._budget.reserve(count * self.page_bytes, self._table)
        first, last = self._num_touched * self.page_rows, (self._num_touched + count) * self.page_rows
        for column in self.columns.values():
            # First touches cost ten times a write to memory in use: take them together, ahead of the writes.
            column[first:last].reshape(-1).view(np.uint8)[::_OS_PAGE] = 0
        self._free.extend(range(self._num_touched + count - 1, self._num_touched - 1, -1))
        self._num_touched += count

    def _check_fits(self) -> None:
        if self._max_pages < 1:
            message = (
                f"table {self._table!r}: a block of {self.page_bytes} bytes exceeds max_bytes, {self._budget.max_bytes}"
            )
            details = {"table": self._table, "asked": str(self.page_bytes), "max_bytes": str(self._budget.max_bytes)}
            raise ResourceExhaustedError(message, details=details)


def _page_rows(row_bytes: int) -> int:
    rows = _MIN_ROWS
    while rows < _MAX_ROWS and 2 * rows * row_bytes <= _PAGE_BYTES:
        rows *= 2
    return rows


def _reserved(rows: int, spec: ColumnSpec) -> Array:
    """Return `[rows, *shape]` in anonymous memory of its own, which goes back to the system with the array."""
    num_bytes = rows * spec.num_bytes
    if num_bytes == 0:
        return np.zeros((rows, *spec.shape), spec.element_type.dtype)
    memory = mmap.mmap(-1, num_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE)
    return np.frombuffer(memory, spec.element_type.dtype).reshape(rows, *spec.shape)
